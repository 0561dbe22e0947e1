using System.Numerics;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// Sizes and limits of one partition's embedded log. Page and segment size are fixed when the topic is
/// created; a topic that exists keeps its own.
/// </summary>
public sealed record EmbeddedLogOptions
{
    /// <summary>FasterLog page, bytes: a power of two, 4 KiB .. 64 MiB. A frame, and so a record, fits in one.</summary>
    public int PageSizeBytes { get; init; } = 4 << 20;

    /// <summary>Pages held in memory for appending: a power of two, 4 .. 1024. 4 of 4 MiB: 16 MiB a partition.</summary>
    public int MemoryPages { get; init; } = 4;

    /// <summary>Segment file, bytes: a power of two, at least a page.</summary>
    public long SegmentSizeBytes { get; init; } = 128 << 20;

    /// <summary>Largest key plus value of one record, bytes; must fit in a page with about 100 bytes of framing.</summary>
    public int MaxRecordBytes { get; init; } = 1 << 20;

    /// <summary>A frame is closed at this size, bytes, unless a single record is larger.</summary>
    public int TargetFrameBytes { get; init; } = 256 << 10;

    /// <summary>Bytes of records waiting for their commit beyond which more are refused.</summary>
    public long MaxPendingBytes { get; init; } = 64L << 20;

    /// <summary>One index entry (16 bytes of memory) for so many bytes of log; a reader skips at most that much.</summary>
    public int IndexIntervalBytes { get; init; } = 256 << 10;

    /// <summary>A reader's buffer, bytes; grows to the largest frame met.</summary>
    public int ReadBufferBytes { get; init; } = 256 << 10;

    /// <summary>What a refused publisher is told to wait.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The disk; a test may put a double here.</summary>
    public DiskOperations Disk { get; init; } = DiskOperations.Real;

    /// <summary>These options, or an <see cref="ArgumentException"/> that names what is wrong.</summary>
    public EmbeddedLogOptions Validated()
    {
        Require(BitOperations.IsPow2(PageSizeBytes) && PageSizeBytes is >= 4096 and <= 64 << 20,
            $"{nameof(PageSizeBytes)} must be a power of two from 4096 to 67108864, not {PageSizeBytes}.");
        Require(BitOperations.IsPow2(MemoryPages) && MemoryPages is >= 4 and <= 1024,
            $"{nameof(MemoryPages)} must be a power of two from 4 to 1024, not {MemoryPages}.");
        Require(BitOperations.IsPow2(SegmentSizeBytes) && SegmentSizeBytes >= PageSizeBytes && SegmentSizeBytes <= 1L << 40,
            $"{nameof(SegmentSizeBytes)} must be a power of two and at least a page, not {SegmentSizeBytes}.");
        Require(MaxRecordBytes >= 1 && MaxRecordBytes <= PageSizeBytes - LogFrame.FramingBytes(1),
            $"{nameof(MaxRecordBytes)} must be from 1 to {PageSizeBytes - LogFrame.FramingBytes(1)} with pages of {PageSizeBytes} bytes, not {MaxRecordBytes}.");
        Require(TargetFrameBytes >= 1, $"{nameof(TargetFrameBytes)} must be positive, not {TargetFrameBytes}.");
        Require(MaxPendingBytes >= MaxRecordBytes,
            $"{nameof(MaxPendingBytes)} must be at least {nameof(MaxRecordBytes)}, not {MaxPendingBytes}.");
        Require(IndexIntervalBytes >= 1, $"{nameof(IndexIntervalBytes)} must be positive, not {IndexIntervalBytes}.");
        Require(ReadBufferBytes >= 512, $"{nameof(ReadBufferBytes)} must be at least 512, not {ReadBufferBytes}.");
        return this;
    }

    private static void Require(bool holds, string message)
    {
        if (!holds) throw new ArgumentException(message);
    }
}
