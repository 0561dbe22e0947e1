using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Snapshot.Files;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>
/// A folder with the record log, the manifests and the snapshots of one partition, as the processor has them; deleted
/// with this. What recovers a partition from it is the product's.
/// </summary>
internal sealed class DurableFolder : IDisposable
{
    private const long EventIdEpochUnixMs = 1_420_070_400_000;

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("readstate-bench-");
    private readonly StoreOptions store;
    private readonly DiskOperations disk;
    private readonly TimeProvider time;
    private readonly long lineage;

    /// <param name="store">Memory and layout of the store.</param>
    /// <param name="time">Clock of checkpoints and ships.</param>
    /// <param name="disk">Where the record log and the snapshots lie.</param>
    /// <param name="wrap">What stands before the snapshot store; nothing by default.</param>
    public DurableFolder(StoreOptions store, TimeProvider time, DiskOperations disk, Func<ISnapshotStore, ISnapshotStore>? wrap = null)
    {
        (this.store, this.time, this.disk) = (store, time, disk);
        ISnapshotStore files = new FilesSnapshotStore(
            new FilesSnapshotOptions { Folder = Path.Combine(folder.FullName, "snapshot"), Disk = disk }, time);
        Snapshots = wrap is null ? files : wrap(files);
        var identity = new LineageIdentity("benchmark", 1, FoldVersion.Current, "");
        lineage = Snapshots.CreateLineageAsync(identity, new AnswerSettings(Policy, EventIdEpochUnixMs, store.MaxValueBytes), CancellationToken.None)
            .GetAwaiter().GetResult().Number;
    }

    /// <summary>Checkpoints as if there were none.</summary>
    public static CheckpointOptions Never { get; } = new() { IntervalSeconds = 86_400, IntervalBytes = 1L << 40 };

    /// <summary>What counts.</summary>
    public static PolicyOptions Policy { get; } = new();

    /// <summary>Where rows go.</summary>
    public ISnapshotStore Snapshots { get; }

    /// <summary>Folder of the record log and the manifests.</summary>
    public string Machine => Path.Combine(folder.FullName, "machine");

    /// <summary>How the record log's device works.</summary>
    public StateDeviceOptions Device => new() { SegmentBytes = 1L << StoreGeometry.From(store).SegmentBits, Time = time, Disk = disk };

    /// <summary>A partition that recovers from this folder, or from the log's start where there is nothing yet.</summary>
    public StatePartition Open(IEventLog log, CheckpointOptions checkpoint, IFaultPoints faults, IRecoveryObserver observer)
    {
        var recovery = new RecoverySettings(
            new CheckpointSettings(lineage, 0, 1, checkpoint, time), Machine, store, StoredPolicy.From(Policy), Device, faults);
        return new StatePartition(
            new PartitionSettings(0, 1, Policy, EventIdEpochUnixMs, Settings.MaxAheadMs, time), log,
            new PartitionRecovery(recovery, log, Snapshots, observer));
    }

    public void Dispose()
    {
        Snapshots.DisposeAsync().AsTask().GetAwaiter().GetResult();
        folder.Delete(recursive: true);
    }
}
