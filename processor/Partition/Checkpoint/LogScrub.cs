using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>
/// Proves the record log of a checkpoint that was recovered by an index image: the scan that would have held every sector
/// against its checksum was left out, so it is done beside the writer, at a bounded pace. Damage fails the partition, which
/// then recovers by a scan.
/// </summary>
/// <param name="store">The store, for its begin: what lies below is no one's any more.</param>
/// <param name="device">Its device.</param>
/// <param name="fold">The checkpoint's stretch of the log.</param>
/// <param name="time">Clock.</param>
public sealed class LogScrub(StateStore store, StateDevice device, FoldMark fold, TimeProvider time)
{
    /// <summary>Bytes read in a second at most: a few percent of what a disk gives.</summary>
    public const long BytesASecond = 32 << 20;

    private readonly long started = time.GetTimestamp();
    private long allowedBytes;
    private long read;
    private long next = fold.Begin;

    /// <summary>All of it was proven.</summary>
    public bool IsDone => next >= fold.Tail;

    /// <summary>Proves a slice; false where there is nothing to do now.</summary>
    /// <exception cref="DamageException">A sector is not what was written: the partition is to recover.</exception>
    public bool Step()
    {
        if (IsDone) return false;
        if (read >= allowedBytes)
        {
            allowedBytes = StateDevice.VerifySliceBytes + (long)(time.GetElapsedTime(started).TotalSeconds * BytesASecond);
            if (read >= allowedBytes) return false;
        }
        // Segments below the begin of every kept checkpoint are deleted, and no checkpoint begins above the store.
        next = Math.Max(next, Math.Min(store.BeginAddress, fold.Tail));
        var proven = device.Verify(next, fold.Tail);
        var worked = proven > next || IsDone;
        read += proven - next;
        next = proven;
        return worked;
    }
}
