namespace ReadStateStream.Partition.Log;

/// <summary>How a <see cref="FileDevice"/> treats its files.</summary>
public sealed record FileDeviceOptions
{
    /// <summary>
    /// True: a write completes when it is on the disk (fsync), and so does the creation or removal of a
    /// segment (fsync of the folder). False: the owner calls <see cref="FileDevice.Flush"/> when it matters.
    /// </summary>
    public bool Durable { get; init; }

    /// <summary>Deletes the segments on <c>Dispose</c> and <c>Reset</c>: for scratch data.</summary>
    public bool DeleteOnClose { get; init; }

    /// <summary>Whole blocks go past the system's cache where it can: for data that is not read again soon, or to be proven.</summary>
    public bool Direct { get; init; }

    /// <summary>Unit in which FASTER aligns its I/O, bytes: a power of two, 512 or 4096 as a rule.</summary>
    public uint SectorSizeBytes { get; init; } = 512;

    /// <summary>Reads and writes that may run at once, each on a thread of the device, 1 .. 64.</summary>
    public int MaxParallelism { get; init; } = 4;

    /// <summary>Attempts at one operation before its error is reported, 1 .. 10. A full disk is reported at once.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Segment files kept open at once; the least recently used is closed beyond it.</summary>
    public int MaxOpenSegments { get; init; } = 64;

    /// <summary>Operations queued or running beyond which <c>Throttle</c> asks FASTER to wait.</summary>
    public int ThrottleLimit { get; init; } = 120;

    /// <summary>The disk; a test may put a double here.</summary>
    public DiskOperations Disk { get; init; } = DiskOperations.Real;

    internal FileDeviceOptions Validated()
    {
        if (SectorSizeBytes < 512 || !System.Numerics.BitOperations.IsPow2(SectorSizeBytes))
            throw new ArgumentException($"SectorSizeBytes must be a power of two of at least 512, not {SectorSizeBytes}.");
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxParallelism, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxParallelism, 64);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxAttempts, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxAttempts, 10);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxOpenSegments, 2);
        return this;
    }
}

/// <summary>What a device has done since it was made.</summary>
/// <param name="Reads">Read operations.</param>
/// <param name="Writes">Write operations.</param>
/// <param name="BytesRead">Bytes found on the disk by reads; zero-filled bytes beyond a file's end do not count.</param>
/// <param name="BytesWritten">Bytes written.</param>
/// <param name="Errors">Attempts that failed, retried ones included.</param>
/// <param name="Failures">Operations given up after their last attempt.</param>
/// <param name="PendingWriteBytes">Bytes of writes queued or running now.</param>
/// <param name="MissingSegmentReads">Reads of a segment that has no file; they were answered with zeros.</param>
public readonly record struct FileDeviceCounters(
    long Reads, long Writes, long BytesRead, long BytesWritten, long Errors, long Failures,
    long PendingWriteBytes, long MissingSegmentReads);
