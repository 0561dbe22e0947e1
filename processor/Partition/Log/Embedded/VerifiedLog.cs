using Microsoft.Extensions.Logging;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// Up to which segment a partition's log need not be verified again: it was, by an opening, or was written and synced
/// since. So an opening costs one segment and a look at the head of each other, however long the log is.
/// </summary>
/// <remarks>
/// What goes bad below afterwards is met by whoever reads it: each reader verifies each frame. The note is a shortcut
/// and no evidence: where anything does not fit it, the whole log is verified.
/// </remarks>
internal sealed class VerifiedLog(NoteFile file, FileDevice device, SegmentHeads heads, int partition, ILogger logger)
{
    private int _noted;

    /// <summary>What was noted; null where nothing was, or it cannot be trusted.</summary>
    public LogBegin? Find()
    {
        try
        {
            return file.Read();
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            LogEvents.VerifiedPassedOver(logger, partition, error);
            return null;
        }
    }

    /// <summary>Everything below this tail is verified and synced: noted with the first frame of each segment.</summary>
    public void Advance(LogTail tail)
    {
        var segment = (int)(tail.Address / device.SegmentSize);
        if (segment <= _noted) return;
        try
        {
            if (heads.Read(segment, tail.Address, out var first) != SegmentHead.Frame) return;
            file.Write(LogBegin.At(segment, first.Head));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The next opening verifies more, no harm else.
            LogEvents.NotNoted(logger, partition, segment, error);
        }
        _noted = segment;
    }
}
