using ReadStateStream.Fold;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host;

/// <summary>Makes partitions, whatever log they read.</summary>
/// <param name="settings">All of them.</param>
/// <param name="names">How telemetry names the log.</param>
/// <param name="snapshots">Where rows are shipped to.</param>
/// <param name="faults">Named steps at which a test may stop the process.</param>
/// <param name="time">The clock.</param>
/// <param name="telemetry">The instruments.</param>
/// <param name="logger">Told of what happens to a partition.</param>
/// <param name="stateChanged">Called, from any thread, after a partition's state changed.</param>
internal sealed class PartitionFactory(
    ProcessorSettings settings, LogNames names, ISnapshotStore snapshots, IFaultPoints faults, TimeProvider time, Telemetry telemetry, ILogger logger,
    Action stateChanged)
{
    /// <summary>A partition that recovers once its lineage is known.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="log">Its log.</param>
    /// <param name="lineage">The lineage, or the wait for it.</param>
    /// <param name="before">Awaited before each recovery; null: nothing.</param>
    /// <param name="deadLetters">Keeps what cannot be folded; null: the log itself does.</param>
    public StatePartition Create(
        int number, IEventLog log, Task<LineageEntry> lineage, Func<CancellationToken, Task>? before = null, IDeadLetters? deadLetters = null)
    {
        StatePartition? made = null;
        var recovery = new LineageRecovery(lineage, before, known => RecoveryOf(number, log, known, () => made?.OnWork?.Invoke()));
        var partition = made = new StatePartition(
            new PartitionSettings(
                number, settings.Processor.Partitions, settings.Policy, settings.EventIds.EpochUnixMs, settings.EventIds.MaxAheadSeconds * 1_000L, time),
            log, recovery, handle => telemetry.AddPartition(handle, names, () => handle.StoreMemoryBytes),
            (at, offset, reason) => logger.DeadLetter(at, offset, reason), deadLetters);
        partition.OnStateChanged = changed =>
        {
            if (changed.State == PartitionState.Failed && changed.Failure is { } failure) logger.PartitionFailed(failure, changed.Number, changed.Position);
            else logger.PartitionEntered(changed.Number, changed.State, changed.Position);
            stateChanged();
        };
        return partition;
    }

    private PartitionRecovery RecoveryOf(int number, IEventLog log, LineageEntry known, Action wake) => new(
        new RecoverySettings(
            new CheckpointSettings(known.Number, number, settings.Processor.Partitions, settings.Checkpoint, time),
            StoreFolders.Of(settings.Processor.DataFolder, known.Number, number), settings.PartitionStore, StoredPolicy.From(settings.Policy),
            new StateDeviceOptions { SegmentBytes = settings.PartitionStore.SegmentBytes, Time = time }, faults)
        {
            Retention = log is ICuttableLog cuttable && settings.Processor.LogRetentionHours > 0
                ? new LogRetention(cuttable, TimeSpan.FromHours(settings.Processor.LogRetentionHours), time) : null,
        },
        log, snapshots, new RecoveryLog(logger, wake));
}
