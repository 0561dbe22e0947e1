using System.Numerics;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Store;

/// <summary>On which threads a <see cref="StateDevice"/> does its work.</summary>
public enum DeviceMode
{
    /// <summary>On threads of its own.</summary>
    Threads,
    /// <summary>At once, on the caller's thread. One thread at a time uses the device.</summary>
    Inline,
    /// <summary>
    /// Operations wait until <see cref="StateDevice.TryComplete"/> or <see cref="StateDevice.CompleteOne"/> does them
    /// on the caller's thread. One thread at a time uses the device.
    /// </summary>
    Held,
}

/// <summary>How a <see cref="StateDevice"/> treats its files.</summary>
public sealed record StateDeviceOptions
{
    /// <summary>Bytes of a segment file: a power of two of at least 4 KiB, the same that FASTER is given.</summary>
    public required long SegmentBytes { get; init; }

    /// <summary>Where the work is done.</summary>
    public DeviceMode Mode { get; init; } = DeviceMode.Threads;

    /// <summary>Reads and writes that may run at once with <see cref="DeviceMode.Threads"/>, 1 .. 64.</summary>
    public int MaxParallelism { get; init; } = 4;

    /// <summary>
    /// Writes, and what is read back to be proven, go past the system's cache where it can (Linux, most file systems). Else
    /// the same bytes lie in memory twice, and the cache is written out when it likes.
    /// </summary>
    public bool Direct { get; init; } = true;

    /// <summary>Attempts at one operation before a write waits or a read is damage, 1 .. 10. A full disk is not tried again at once.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>Segment files kept open at once, 2 or more.</summary>
    public int MaxOpenSegments { get; init; } = 64;

    /// <summary>Operations queued or running beyond which <c>Throttle</c> asks FASTER to wait.</summary>
    public int ThrottleLimit { get; init; } = 120;

    /// <summary>Time to the first retry of a write that failed; it doubles up to <see cref="LongestRetryDelay"/>.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Longest time between two retries of a write.</summary>
    public TimeSpan LongestRetryDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// With <see cref="DeviceMode.Held"/>: how many bytes of the log the end of the newest write may lie above the start
    /// of one that waits; what is further behind is done at once. FASTER waits for room without asking the device to
    /// complete anything, so with P pages of memory this must be at most P - floor(P x mutable fraction) - 1 pages, or
    /// the store hangs. 0: writes never wait.
    /// </summary>
    public long HeldWriteBytes { get; init; }

    /// <summary>
    /// With <see cref="DeviceMode.Held"/>: which of the waiting operations <see cref="StateDevice.TryComplete"/> does
    /// next, from 0, given how many wait. The oldest where this is null. It cannot refuse: FASTER would hang.
    /// </summary>
    public Func<int, int>? Choose { get; init; }

    /// <summary>The clock of the retries.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The disk; a test may put a double here.</summary>
    public DiskOperations Disk { get; init; } = DiskOperations.Real;

    internal StateDeviceOptions Validated()
    {
        if (SegmentBytes < 4096 || !BitOperations.IsPow2(SegmentBytes))
            throw new ArgumentException($"SegmentBytes must be a power of two of at least 4096, not {SegmentBytes}.");
        ArgumentOutOfRangeException.ThrowIfNegative(HeldWriteBytes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(RetryDelay, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(LongestRetryDelay, RetryDelay);
        _ = Files().Validated();
        return this;
    }

    internal FileDeviceOptions Files() => new()
    {
        Disk = Disk, Direct = Direct, MaxOpenSegments = MaxOpenSegments, MaxAttempts = MaxAttempts, MaxParallelism = MaxParallelism,
    };
}

/// <summary>What a device has done since it was made.</summary>
/// <param name="Reads">Read operations, FASTER's and others.</param>
/// <param name="Writes">Write operations that came off.</param>
/// <param name="BytesRead">Bytes found on the disk.</param>
/// <param name="BytesWritten">Bytes written.</param>
/// <param name="Errors">Attempts that failed, retried ones included.</param>
/// <param name="Retries">Attempts after the first.</param>
/// <param name="VerifiedSectors">Sectors read whose checksum held.</param>
/// <param name="Damaged">Operations that met damage.</param>
/// <param name="PendingWriteBytes">Bytes of writes queued or running now.</param>
/// <param name="StuckWrites">Writes that failed and wait to be tried again, now.</param>
public readonly record struct StateDeviceCounters(
    long Reads, long Writes, long BytesRead, long BytesWritten, long Errors, long Retries, long VerifiedSectors,
    long Damaged, long PendingWriteBytes, int StuckWrites);

/// <summary>Writes have failed and wait to be tried again; FASTER knows nothing of it.</summary>
/// <param name="Error">The latest error.</param>
/// <param name="SinceUnixMs">When the first of them failed, Unix milliseconds.</param>
/// <param name="IsDiskFull">Whether the disk or the quota is full.</param>
public sealed record StuckWrite(Exception Error, long SinceUnixMs, bool IsDiskFull);
