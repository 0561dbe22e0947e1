using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Files;
using ReadStateStream.Unit.Partition;
using ReadStateStream.Unit.Partition.Recovery;

namespace ReadStateStream.Crash.PowerCuts;

/// <summary>One partition with checkpoints and a `files` snapshot store on a traced disk, over a log in memory.</summary>
internal sealed class TracedPartition : IDisposable
{
    /// <summary>Folder of the machine.</summary>
    public const string MachineFolder = "/data";

    private readonly PolicyOptions policy;
    private readonly TracedDisk disk;
    private readonly MemoryLog log;
    private readonly FilesSnapshotStore snapshots;
    private readonly ManualTime time = new();
    private readonly long lineage;
    private PartitionTester? tester;

    public TracedPartition(PolicyOptions policy, TracedDisk disk, MemoryLog log, int seed)
    {
        (this.policy, this.disk, this.log) = (policy, disk, log);
        var ids = new Random(seed);
        snapshots = new FilesSnapshotStore(
            new FilesSnapshotOptions
            {
                // So small that ships are spilled and runs are merged.
                Folder = "/shared/snapshot", Inline = true, Disk = disk, BlockBytes = 1 << 10, SortBytes = 16 << 10, MergeBytesMin = 32 << 10,
                SmallRunBytes = 4 << 10,
                NewId = () =>
                {
                    var bytes = new byte[16];
                    ids.NextBytes(bytes);
                    return new Guid(bytes);
                },
                Notice = notice => Notices.Add($"{notice.Kind}: {notice.Detail}"),
            }, time);
        lineage = LineageOf();
    }

    /// <summary>What recoveries said.</summary>
    public DurablePartition.Notes Said { get; } = new();

    /// <summary>What the snapshot store said.</summary>
    public List<string> Notices { get; } = [];

    /// <summary>The partition; recovers with its first steps.</summary>
    public PartitionTester Tester => tester ??= Start();

    private StatePartition Partition => Tester.Partitions[0];

    /// <summary>Takes a checkpoint now, as far as the disk goes so many steps; more of them ship it and compact.</summary>
    public void Checkpoint(int steps)
    {
        Tester.Run();
        var persistence = Partition.Persistence!;
        if (persistence.Checkpointer.IsIdle && persistence.Checkpointer.IsWorthwhile(Partition.Position))
            persistence.Checkpointer.Begin(Partition.Position);
        Note(persistence);
        for (var i = 0; i < steps; i++)
        {
            var worked = persistence.Step();
            worked |= persistence.Compactor.IsReady && Partition.Step();
            if (worked) continue;
            if (persistence.Checkpointer.IsIdle && persistence.Shipper.BacklogBytes == 0) return;
            time.Advance(TimeSpan.FromMilliseconds(200));
        }
    }

    /// <summary>The partition ends as it is.</summary>
    public void Kill()
    {
        tester?.Dispose();
        tester = null;
    }

    public void Dispose() => Kill();

    private void Note(PartitionPersistence persistence)
    {
        persistence.Checkpointer.OnEnded = (manifest, _) =>
        {
            if (manifest is not null) disk.Mark(manifest.Mark.Position, shipped: false);
        };
        persistence.Shipper.OnEnded = (manifest, _, error) =>
        {
            if (error is null) disk.Mark(manifest.Mark.Position, shipped: true);
        };
    }

    private long LineageOf()
    {
        if (snapshots.ListLineagesAsync(default).GetAwaiter().GetResult() is [.., var last]) return last.Number;
        var identity = new LineageIdentity("topic", 1, FoldVersion.Current, "");
        return snapshots.CreateLineageAsync(identity, new AnswerSettings(policy, PartitionTester.Epoch, PartitionTester.Tiny().MaxValueBytes), default)
            .GetAwaiter().GetResult().Number;
    }

    private PartitionTester Start()
    {
        var store = PartitionTester.Tiny();
        store.SegmentBytes = 64 << 10;
        var settings = new CheckpointSettings(lineage, 0, 1, new CheckpointOptions { GarbageBytes = 64 << 10, GarbageRatio = 0.3 }, time);
        var recovery = new RecoverySettings(
            settings, $"{MachineFolder}/store/{lineage}/0", store, StoredPolicy.From(policy),
            new StateDeviceOptions { SegmentBytes = store.SegmentBytes, Time = time, Mode = DeviceMode.Inline, Disk = disk }, NoFaultPoints.Instance);
        return new PartitionTester(policy, [log], (_, events) => new PartitionRecovery(recovery, events, snapshots, Said), time);
    }
}
