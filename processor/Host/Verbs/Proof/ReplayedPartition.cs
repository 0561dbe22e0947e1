// A partition as a start would have it, without a processor: the same recovery, the same writer, in a folder that
// may be written to. No checkpoint is taken and nothing is shipped: nobody steps what runs beside the writer.
using ReadStateStream.Fold;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Verbs.Proof;

/// <summary>Where a partition is replayed.</summary>
/// <param name="Settings">The processor's settings.</param>
/// <param name="Lineage">Lineage of the state.</param>
/// <param name="Number">Number of the partition.</param>
/// <param name="Folder">Folder that is written to.</param>
/// <param name="Time">The clock.</param>
internal sealed record ReplayPlace(ProcessorSettings Settings, long Lineage, int Number, string Folder, TimeProvider Time);

/// <summary>A partition recovered and replayed. One thread at a time.</summary>
internal sealed class ReplayedPartition : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    private readonly LimitedLog log;
    private readonly KeptRecovery recovery;
    private readonly StatePartition partition;
    private readonly AutoResetEvent work = new(false);

    public ReplayedPartition(ReplayPlace place, LimitedLog log, ISnapshotStore snapshots, IRecoveryObserver observer)
    {
        this.log = log;
        var settings = place.Settings;
        recovery = new KeptRecovery(new PartitionRecovery(SettingsOf(place), log, snapshots, observer));
        partition = new StatePartition(
            new PartitionSettings(
                place.Number, settings.Processor.Partitions, settings.Policy, settings.EventIds.EpochUnixMs, settings.EventIds.MaxAheadSeconds * 1_000L, place.Time),
            log, recovery)
        {
            OnWork = () => work.Set(),
        };
    }

    /// <summary>What the recovery took.</summary>
    public RecoveredState Recovered => recovery.Recovered ?? throw new InvalidOperationException("nothing was recovered yet");

    /// <summary>Next offset to be applied.</summary>
    public long Position => partition.Position;

    private StateDevice Device => Recovered.Persistence!.Device;

    /// <summary>Recovers, where that is not done yet, and applies the log up to a position.</summary>
    /// <exception cref="RecoveryRefusedException">There is no state that can be trusted.</exception>
    /// <exception cref="InvalidDataException">The partition failed.</exception>
    public void Replay(long until, Action<long> progress, CancellationToken cancellation)
    {
        log.Limit = until;
        var said = partition.Position;
        while (partition.Source is null || partition.Position < until)
        {
            cancellation.ThrowIfCancellationRequested();
            var worked = partition.Step();
            if (partition.State == PartitionState.Failed) throw Failed();
            progress(partition.Position - said);
            said = partition.Position;
            if (worked) continue;
            RequireWritable();
            work.WaitOne(Look);
        }
    }

    /// <summary>Its current records, on the disk.</summary>
    /// <exception cref="IOException">They do not reach it.</exception>
    public NewestRecords Contents(CancellationToken cancellation)
    {
        var store = Recovered.Store;
        var mark = store.Fold();
        while (store.FlushedUntil < mark.Tail)
        {
            cancellation.ThrowIfCancellationRequested();
            RequireWritable();
            work.WaitOne(Look);
        }
        return new NewestRecords(Device, 1 << store.Geometry.PageBits, mark.Begin, mark.Tail);
    }

    public void Dispose()
    {
        partition.Dispose();
        work.Dispose();
    }

    private void RequireWritable()
    {
        if (partition.Source is not null && Device.Stuck is { } stuck) throw new IOException($"the work folder cannot be written: {stuck.Error.Message}", stuck.Error);
    }

    private Exception Failed() => partition.Failure is RecoveryRefusedException or OperationCanceledException
        ? partition.Failure
        : new InvalidDataException($"partition {partition.Number} failed at offset {partition.Position}: {partition.Failure?.Message}", partition.Failure);

    private static RecoverySettings SettingsOf(ReplayPlace place)
    {
        var store = place.Settings.PartitionStore;
        // Folding the store over for checkpoints that nobody takes would only cost.
        var never = new CheckpointOptions { IntervalSeconds = 86_400, IntervalBytes = 1L << 40 };
        return new RecoverySettings(
            new CheckpointSettings(place.Lineage, place.Number, place.Settings.Processor.Partitions, never, place.Time), place.Folder, store,
            StoredPolicy.From(place.Settings.Policy), new StateDeviceOptions { SegmentBytes = store.SegmentBytes, Time = place.Time },
            NoFaultPoints.Instance);
    }

    /// <summary>A recovery whose outcome can be looked at.</summary>
    private sealed class KeptRecovery(IStateRecovery recovery) : IStateRecovery
    {
        public RecoveredState? Recovered { get; private set; }

        public async Task<RecoveredState> RecoverAsync(Exception? failure, CancellationToken cancellation) =>
            Recovered = await recovery.RecoverAsync(failure, cancellation).ConfigureAwait(false);
    }
}
