using Microsoft.Extensions.Logging;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// Where a partition's log begins, and how that moves on: whole segments go, lowest first, after the new begin was
/// noted. Thread-safe; cuts go one after the other.
/// </summary>
/// <remarks>
/// Invariants: a segment is deleted only while the durable note says that the log begins above it; so a segment that
/// is missing without a note is damage, and a cut that a crash interrupted is finished by the next opening. The begin
/// in memory moves before a file goes: a reader that finds nothing sees why.
/// </remarks>
internal sealed class LogBeginning(NoteFile file, FileDevice device, SparseIndex index, SegmentHeads heads, int partition, ILogger logger)
{
    private readonly Lock _cutting = new();
    private LogBegin _now = LogBegin.Whole;
    private int _lowestFile;
    private bool _isClosed;

    /// <summary>Where the log begins; from any thread.</summary>
    public LogBegin Now => Volatile.Read(ref _now);

    /// <summary>Finds where the log is to begin. Changes no file.</summary>
    /// <exception cref="LogDamagedException">Segments are missing, and the note that may say why does not verify.</exception>
    public LogBegin Find()
    {
        var first = device.FirstSegment();
        try
        {
            _now = file.Read() ?? LogBegin.Whole;
        }
        catch (InvalidDataException damage) when (first == 0)
        {
            // Lowest first: while segment 0 is there, nothing is gone, whatever the note said.
            LogEvents.BeginPassedOver(logger, partition, damage);
        }
        catch (InvalidDataException damage)
        {
            throw new LogDamagedException(
                $"Partition {partition} is damaged: its segment 0 is missing, and the file that says where its log begins cannot be trusted: "
                + $"{damage.Message}. The partition is not opened and nothing was cut; restore its files ('{device.FileName}.*', '{NoteFile.Begin}').",
                partition, 0, LogFrame.FirstAddress);
        }
        _lowestFile = first ?? _now.Segment;
        if (_now.Segment > 0) index.CutBelow(_now.Offset, _now.AddressIn(device.SegmentSize));
        return _now;
    }

    /// <summary>Finishes the cut that a crash interrupted. After the log from the begin on was verified.</summary>
    public void FinishCutAtOpen()
    {
        try
        {
            FinishCut();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // They take space, no more: the next cut or opening tries again.
            LogEvents.CutUnfinished(logger, partition, _lowestFile, error);
        }
    }

    private void FinishCut()
    {
        while (_lowestFile < _now.Segment)
        {
            device.RemoveSegment(_lowestFile);
            _lowestFile++;
        }
    }

    /// <summary>As <see cref="ICuttableLog.CutBelow"/>, of a log that ends at a tail.</summary>
    public bool CutBelow(long offset, long appendedBeforeUnixMs, int filesMax, LogTail tail)
    {
        lock (_cutting)
        {
            if (_isClosed) return false;
            FinishCut();
            var hasMore = false;
            var next = _now;
            for (var segment = _now.Segment + 1; offset > _now.Offset && segment * device.SegmentSize < tail.Address; segment++)
            {
                // A segment without a frame has no first offset, and goes with the one before.
                if (FirstFrameOf(segment, tail) is not { } first) continue;
                if (first.FirstOffset >= offset || first.AppendedUnixMs >= appendedBeforeUnixMs) break;
                hasMore = segment - _now.Segment > filesMax && next != _now;
                if (hasMore) break;
                next = LogBegin.At(segment, first);
            }
            if (next != _now) MoveTo(next);
            return hasMore;
        }
    }

    private void MoveTo(LogBegin next)
    {
        file.Write(next);
        Volatile.Write(ref _now, next);
        index.CutBelow(next.Offset, next.AddressIn(device.SegmentSize));
        FinishCut();
        LogEvents.Cut(logger, partition, next.Offset, next.Segment);
    }

    private FrameHead? FirstFrameOf(int segment, LogTail tail) => heads.Read(segment, tail.Address, out var first) switch
    {
        SegmentHead.Frame => first.Head,
        SegmentHead.None => null,
        _ => throw new LogDamagedException(
            $"Partition {partition}: the first record of segment {segment} was durable and does not verify; the log is not cut.",
            partition, _now.Offset, segment * device.SegmentSize),
    };

    /// <summary>Waits for a cut under way; no other begins.</summary>
    public void Close()
    {
        lock (_cutting) _isClosed = true;
    }
}
