using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>Section <c>Checkpoint</c>: when a partition's state is made durable, and how its record log is kept small.</summary>
public sealed class CheckpointOptions
{
    /// <summary>Time between two checkpoints of a partition, seconds, 1 .. 86,400; partitions take turns within it.</summary>
    [Range(1, 86_400)]
    public int IntervalSeconds { get; set; } = 30;

    /// <summary>Growth of a partition's record log after which one is taken earlier, bytes, 64 KiB .. 1 TiB.</summary>
    [Range(64L << 10, 1L << 40)]
    public long IntervalBytes { get; set; } = 256L << 20;

    /// <summary>Time a checkpoint may take to reach the disk, seconds, 1 .. 86,400; beyond it, it is given up and reported.</summary>
    [Range(1, 86_400)]
    public int DeadlineSeconds { get; set; } = 60;

    /// <summary>Garbage in a record log, as a share of its live bytes, from which it is compacted, 0.1 .. 100.</summary>
    [Range(0.1, 100)]
    public double GarbageRatio { get; set; } = 1.5;

    /// <summary>Garbage that is always accepted, bytes a partition, 64 KiB .. 1 TiB.</summary>
    [Range(64L << 10, 1L << 40)]
    public long GarbageBytes { get; set; } = 64L << 20;

    /// <summary>
    /// Growth of a partition's record log since its last copy of the hash index, as a share of its live bytes, after which a
    /// checkpoint takes a new one, 0.01 .. 1,000: what a restart scans of the log. Not before the log has grown by twice
    /// the copy's size.
    /// </summary>
    [Range(0.01, 1_000)]
    public double ImageRatio { get; set; } = 0.25;

    /// <summary>The interval.</summary>
    public TimeSpan Interval => TimeSpan.FromSeconds(IntervalSeconds);

    /// <summary>The deadline.</summary>
    public TimeSpan Deadline => TimeSpan.FromSeconds(DeadlineSeconds);
}
