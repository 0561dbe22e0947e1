using System.ComponentModel.DataAnnotations;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Where the `files` and `none` snapshot stores lie, and how they write.</summary>
public sealed record FilesSnapshotOptions
{
    /// <summary>The store's folder: on this machine, or on a volume shared by processors and query APIs.</summary>
    [Required]
    public required string Folder { get; init; }

    /// <summary>An absent or empty folder is made a new store. False for those who only read.</summary>
    public bool CreateIfNew { get; init; } = true;

    /// <summary>
    /// Identity that the store must have (<see cref="FilesSnapshotStore.ReadStoreIdAsync"/>), where the caller has seen it before:
    /// an empty mount point is then "not reachable", not "new".
    /// </summary>
    public Guid? ExpectedStoreId { get; init; }

    /// <summary>Bytes of rows in one block, the unit that is read and checked; a longer row has a block of its own.</summary>
    [Range(256, 1 << 20)]
    public int BlockBytes { get; init; } = 16 << 10;

    /// <summary>Bytes of rows that a ship sorts in memory before it spills them.</summary>
    [Range(1 << 10, 1 << 30)]
    public int SortBytes { get; init; } = 16 << 20;

    /// <summary>Least bytes merged after a ship; a longer ship merges <see cref="MergeBytesPerShipped"/> times its own length.</summary>
    [Range(0, 1 << 30)]
    public long MergeBytesMin { get; init; } = 8 << 20;

    /// <summary>Bytes merged for each byte shipped: above the amortised write amplification, so that merging keeps up.</summary>
    [Range(1, 100)]
    public int MergeBytesPerShipped { get; init; } = 8;

    /// <summary>Runs up to this length count as equally long when merges are planned, bytes.</summary>
    [Range(1, 1 << 30)]
    public long SmallRunBytes { get; init; } = 64 << 10;

    /// <summary>Calls do their work before they return instead of on the thread pool: for tests and the simulator.</summary>
    public bool Inline { get; init; }

    /// <summary>The disk; a double in tests.</summary>
    public DiskOperations Disk { get; init; } = DiskOperations.Real;

    /// <summary>Source of names; a seeded one in the simulator.</summary>
    public Func<Guid> NewId { get; init; } = Guid.NewGuid;

    /// <summary>Told of named steps (<see cref="FaultSteps"/>), where a test may stop the process; null in production.</summary>
    public Action<string>? Reach { get; init; }

    /// <summary>Told what the store noticed and went on from; called on any thread, must not throw.</summary>
    public Action<SnapshotNotice>? Notice { get; init; }
}

/// <summary>What the store noticed and went on from.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Partition">Where.</param>
/// <param name="Detail">The files concerned, for an operator.</param>
public sealed record SnapshotNotice(SnapshotNoticeKind Kind, SnapshotPartition Partition, string Detail);

/// <summary>Kinds of <see cref="SnapshotNotice"/>.</summary>
public enum SnapshotNoticeKind
{
    /// <summary>The newest catalog, or a file that it names, is damaged: the one before is used, with its older position.</summary>
    FellBack,
    /// <summary>A block of rows fails its checksum.</summary>
    DamagedRun,
    /// <summary>Nothing whole was left; a ship of everything began anew.</summary>
    Refounded,
    /// <summary>Merging or tidying up after a ship failed; it is tried again after the next one. The ship itself is done.</summary>
    UpkeepFailed,
}
