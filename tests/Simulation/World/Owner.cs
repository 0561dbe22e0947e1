using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Simulation.Disk;
using ReadStateStream.Unit.Partition;

namespace ReadStateStream.Simulation.World;

/// <summary>What an owner is made with.</summary>
/// <param name="Policy">What counts.</param>
/// <param name="Store">Memory and layout of its store.</param>
/// <param name="Checkpoints">When checkpoints are taken.</param>
/// <param name="Device">How its device works.</param>
/// <param name="Lineage">Lineage of its state.</param>
/// <param name="Partition">Number of its partition.</param>
/// <param name="Partitions">Number of all.</param>
internal sealed record OwnerSettings(
    PolicyOptions Policy, StoreOptions Store, CheckpointOptions Checkpoints, StateDeviceOptions Device, long Lineage, int Partition, int Partitions);

/// <summary>A process that owns a partition: the real one, over a simulated disk, clock, log and snapshot store.</summary>
internal sealed class Owner : IStateRecovery, IRecoveryObserver, IFaultPoints
{
    private readonly OwnerSettings settings;
    private readonly DiskView machine;
    private readonly SimulatedLog log;
    private readonly PartitionRecovery recovery;
    private readonly Tally tally;
    private readonly Trace trace;

    public Owner(
        OwnerSettings settings, DiskView machine, ProcessLife life, SimulatedLog log, ISnapshotStore snapshots, TimeProvider time, Tally tally, Trace trace)
    {
        this.settings = settings;
        this.machine = machine;
        this.log = log;
        this.tally = tally;
        this.trace = trace;
        Life = life;
        Snapshots = snapshots;
        machine.MayRefuseRecords = HasRoom;
        var checkpoint = new CheckpointSettings(settings.Lineage, settings.Partition, settings.Partitions, settings.Checkpoints, time);
        recovery = new PartitionRecovery(
            new RecoverySettings(checkpoint, FolderOf(settings), settings.Store, StoredPolicy.From(settings.Policy), settings.Device, this),
            log, snapshots, this);
        Partition = new StatePartition(
            new PartitionSettings(settings.Partition, settings.Partitions, settings.Policy, IAsked.Epoch, 3_600_000, time), log, this);
    }

    public static string FolderOf(OwnerSettings settings) => $"/data/store/{settings.Lineage}/{settings.Partition}";

    public StatePartition Partition { get; }

    public ProcessLife Life { get; }

    public DiskView Machine => machine;

    public ISnapshotStore Snapshots { get; }

    public StateStore? Store { get; private set; }

    public PartitionPersistence? Persistence => Partition.Persistence;

    /// <summary>Bytes that the step under way may still append to the record log.</summary>
    public long Appetite { get; set; }

    /// <summary>Candidates that were passed over until a recovery succeeded.</summary>
    public List<(RecoverySource Source, long Position, string Why)> PassedOverNow { get; } = [];

    /// <summary>Told of each candidate that was passed over.</summary>
    public Action? OnPassedOver { get; set; }

    /// <summary>Told of each recovery: source, position.</summary>
    public Action<RecoverySource, long>? OnRecovered { get; set; }

    /// <summary>Told of each durable checkpoint.</summary>
    public Action<CheckpointManifest>? OnCheckpoint { get; set; }

    /// <summary>Told of each completed ship.</summary>
    public Action<long>? OnShipped { get; set; }

    public async Task<RecoveredState> RecoverAsync(Exception? failure, CancellationToken cancellation)
    {
        Store = null;
        var recovered = await recovery.RecoverAsync(failure, cancellation).ConfigureAwait(false);
        Store = recovered.Store;
        return recovered;
    }

    public void Waiting(int partition, Exception why)
    {
        if (!Life.IsDead) tally.Add(TallyGroup.Watchdog, "recovery waited for the snapshot store");
    }

    public void PassedOver(int partition, RecoverySource source, long position, string why)
    {
        if (Life.IsDead) return;
        trace.Add("passed over " + source, position);
        PassedOverNow.Add((source, position, why));
        tally.Add(TallyGroup.Other, "passed over " + source);
        OnPassedOver?.Invoke();
    }

    public void ImagePassedOver(int partition, long position, string why)
    {
        if (Life.IsDead) return;
        trace.Add("index image passed over", position);
        tally.Add(TallyGroup.Source, "index image passed over");
    }

    public void ImageUsed(int partition, long position, long scanned)
    {
        if (Life.IsDead) return;
        trace.Add("index image used", position, scanned);
        tally.Add(TallyGroup.Source, "Checkpoint, by index image");
    }

    public void Recovered(int partition, RecoverySource source, long position, long replay, TimeSpan took)
    {
        if (Life.IsDead) return;
        trace.Add("recovered " + source, position, replay);
        OnRecovered?.Invoke(source, position);
    }

    public void Assembled(int partition, PartitionPersistence persistence)
    {
        persistence.Checkpointer.OnEnded = (manifest, error) =>
        {
            if (Life.IsDead) return;
            if (error is CheckpointOverdueException) tally.Add(TallyGroup.Watchdog, "checkpoint overdue");
            tally.Add(TallyGroup.Other, manifest is null ? "checkpoint given up" : "checkpoint");
            trace.Add("checkpoint", manifest?.Mark.Position ?? -1);
            if (manifest is not null) OnCheckpoint?.Invoke(manifest);
        };
        persistence.Images.OnEnded = (image, _) =>
        {
            if (Life.IsDead) return;
            tally.Add(TallyGroup.Other, image is null ? "index image given up" : "index image");
            trace.Add("index image", image?.Number ?? -1, image?.Start ?? -1);
        };
        persistence.Shipper.OnEnded = (manifest, rows, error) =>
        {
            if (Life.IsDead) return;
            tally.Add(TallyGroup.Other, error is null ? "ship" : "ship given up");
            trace.Add("ship", error is null ? manifest.Mark.Position : -1, rows);
            if (error is null) OnShipped?.Invoke(manifest.Mark.Position);
        };
        persistence.Device.OnStuckChanged = state =>
        {
            if (!Life.IsDead && state is not null) tally.Add(TallyGroup.Watchdog, state.IsDiskFull ? "write stuck, disk full" : "write stuck, error");
        };
    }

    public void Reach(string step)
    {
        if (Life.IsDead) return;
        trace.Add(step);
        Life.Reach(step);
    }

    /// <summary>One step of what runs beside the writer.</summary>
    public bool StepBeside(Func<PartitionPersistence, bool> step)
    {
        if (Persistence is not { } persistence) return false;
        try
        {
            return step(persistence);
        }
        catch (Exception error)
        {
            Partition.FailBeside(error);
            return true;
        }
    }

    /// <summary>The process is no more; what it held in memory is given back.</summary>
    public void Bury()
    {
        Life.Kill("buried");
        Partition.Dispose();
    }

    /// <summary>
    /// A write may fail only where FASTER then still finds room for the rest of the step: it waits for the disk inside
    /// an update, and here nobody else could heal it.
    /// </summary>
    private bool HasRoom()
    {
        if (Store is not { } store || Appetite == long.MaxValue) return false;
        var page = 1L << store.Geometry.PageBits;
        return store.FlushedUntil + settings.Store.LogMemoryBytes - (3 * page) - store.TailAddress >= Appetite;
    }
}
