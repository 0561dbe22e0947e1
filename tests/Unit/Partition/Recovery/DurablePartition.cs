using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Files;
using ReadStateStream.Snapshot.None;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>One partition whose state outlives it, over a log in memory; restarted as often as a test likes.</summary>
public sealed class DurablePartition : IDisposable
{
    private readonly PolicyOptions policy;
    private readonly StoreOptions store;
    private readonly ISnapshotStore snapshots;
    private readonly CheckpointOptions options;
    private readonly long lineage;
    private PartitionTester? tester;

    private DurablePartition(PolicyOptions policy, Func<FilesSnapshotOptions, TimeProvider, ISnapshotStore> open, StoreOptions? store, CheckpointOptions? options)
    {
        this.policy = policy;
        this.store = store ?? PartitionTester.Small();
        this.options = options ?? new CheckpointOptions();
        snapshots = open(new FilesSnapshotOptions { Folder = Path.Combine(Folder, "snapshot"), Inline = true, Disk = SnapshotDisk }, Time);
        var identity = new LineageIdentity("topic", 1, FoldVersion.Current, "");
        lineage = snapshots.CreateLineageAsync(identity, new AnswerSettings(policy, PartitionTester.Epoch, this.store.MaxValueBytes), default)
            .GetAwaiter().GetResult().Number;
    }

    /// <summary>Checkpoints of the machine only.</summary>
    public static DurablePartition WithoutSnapshots(PolicyOptions policy, StoreOptions? store = null, CheckpointOptions? options = null) =>
        new(policy, static (files, time) => new NoneSnapshotStore(files, time), store, options);

    /// <summary>Snapshots in a folder.</summary>
    public static DurablePartition WithFiles(PolicyOptions policy, StoreOptions? store = null, CheckpointOptions? options = null) =>
        new(policy, static (files, time) => new FilesSnapshotStore(files, time), store, options);

    public string Folder { get; } = Directory.CreateTempSubdirectory("readstate-durable-").FullName;

    /// <summary>Folder of the machine: record log and manifests.</summary>
    public string MachineFolder => Path.Combine(Folder, "machine");

    /// <summary>Everything of the machine is gone; the event log and the snapshot store are elsewhere.</summary>
    public void LoseMachine() => Directory.Delete(MachineFolder, recursive: true);

    public MemoryLog Log { get; } = new();

    /// <summary>The log that the partition reads instead of <see cref="Log"/>, from its next start on.</summary>
    public IEventLog? OtherLog { get; set; }

    /// <summary>Retention of the log; null: it is kept whole.</summary>
    public TimeSpan? Keeps { get; set; }

    /// <summary>What the snapshot store says.</summary>
    public SnapshotProgress ReadProgress() => snapshots.ReadProgressAsync(new SnapshotPartition(lineage, 0), default).GetAwaiter().GetResult();

    /// <summary>The rows of the snapshot store by key.</summary>
    public Dictionary<Key16, SnapshotRow> ReadRows() =>
        snapshots.ReadPartitionAsync(new SnapshotPartition(lineage, 0), 0, default).ToBlockingEnumerable().ToDictionary(row => row.Key);

    internal TroubledDisk MachineDisk { get; } = new();

    internal TroubledDisk SnapshotDisk { get; } = new();

    public ManualTime Time { get; } = new();

    public Notes Said { get; } = new();

    public PartitionTester Tester => tester ??= Start();

    public StatePartition Partition => Tester.Partitions[0];

    /// <summary>Folds everything there is.</summary>
    public void Run() => Tester.Run();

    /// <summary>Appends an event; the partition need not be open.</summary>
    public void Append(Schemas.V1.ChannelEvent record)
    {
        var channel = record.ChannelCreated?.ChannelId ?? record.MessageSent?.ChannelId ?? record.MessagesRead.ChannelId;
        Log.Append(channel.ToString(System.Globalization.CultureInfo.InvariantCulture), record);
    }

    /// <summary>Times that the partition failed.</summary>
    public int Failures { get; private set; }

    /// <summary>The partition failed: time passes until it has recovered by itself.</summary>
    public void AwaitRecovery()
    {
        Failures++;
        if (Partition.State != Schemas.V1.PartitionState.Failed) throw new InvalidOperationException($"it is {Partition.State}");
        while (Partition.State != Schemas.V1.PartitionState.Running)
        {
            Time.Advance(TimeSpan.FromSeconds(1));
            Partition.Step();
        }
    }

    /// <summary>Takes a checkpoint, begins to ship it, and ends as if killed: its intent stays.</summary>
    public void BeginShipAndDie()
    {
        var persistence = BeginCheckpoint();
        while (!persistence.Checkpointer.IsIdle) persistence.Checkpointer.Step();
        persistence.Shipper.Step();
        Kill();
    }

    /// <summary>Takes a checkpoint now, and ships it.</summary>
    public void Checkpoint()
    {
        BeginCheckpoint();
        SettleBeside();
        if (Partition.Persistence!.Checkpointer.LastError is { } error) throw new InvalidOperationException("the checkpoint was given up", error);
    }

    /// <summary>Takes a checkpoint now; whatever becomes of its ship.</summary>
    public void CheckpointWithoutShip()
    {
        var persistence = BeginCheckpoint();
        while (!persistence.Checkpointer.IsIdle)
        {
            persistence.Step();
            Time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    private PartitionPersistence BeginCheckpoint()
    {
        Run();
        var persistence = Partition.Persistence!;
        // One that fell due by itself ends first.
        while (!persistence.Checkpointer.IsIdle) persistence.Checkpointer.Step();
        if (persistence.Checkpointer.IsWorthwhile(Partition.Position)) persistence.Checkpointer.Begin(Partition.Position);
        return persistence;
    }

    /// <summary>Steps what runs beside the writer until it is done.</summary>
    public void SettleBeside()
    {
        var persistence = Partition.Persistence!;
        while (true)
        {
            var worked = persistence.Step();
            worked |= persistence.Compactor.IsReady && Partition.Step();
            if (worked) continue;
            if (persistence.Checkpointer.IsIdle && persistence.Shipper.BacklogBytes == 0) return;
            // It waits for its pace.
            Time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }

    /// <summary>
    /// Proves what a recovery by an index image left unread: damage fails the partition, which recovers by itself, by a scan.
    /// </summary>
    public void Scrub()
    {
        while (Partition.Persistence is { Scrub: { IsDone: false } scrub })
        {
            try
            {
                if (!scrub.Step()) Time.Advance(TimeSpan.FromMilliseconds(100));
            }
            catch (DamageException damage)
            {
                Partition.FailBeside(damage);
                Partition.Step();
                AwaitRecovery();
                if (Partition.Persistence!.Scrub is not null) throw new InvalidOperationException("after damage it recovered by an index image again");
            }
        }
    }

    /// <summary>The partition ends without a last checkpoint, as if killed between two steps.</summary>
    public void Kill()
    {
        tester?.Dispose();
        tester = null;
    }

    public void Dispose()
    {
        Kill();
        Directory.Delete(Folder, recursive: true);
    }

    private PartitionTester Start()
    {
        var settings = new CheckpointSettings(lineage, 0, 1, options, Time);
        var geometry = StoreGeometry.From(store);
        var recovery = new RecoverySettings(
            settings, MachineFolder, store, StoredPolicy.From(policy), new StateDeviceOptions { SegmentBytes = 1L << geometry.SegmentBits, Time = Time, Mode = DeviceMode.Inline, Disk = MachineDisk },
            NoFaultPoints.Instance)
        {
            Retention = Keeps is { } keeps ? new LogRetention((ICuttableLog)(OtherLog ?? Log), keeps, Time) : null,
        };
        return new PartitionTester(policy, [OtherLog ?? Log], (_, log) => new PartitionRecovery(recovery, log, snapshots, Said), Time);
    }

    /// <summary>What recoveries said.</summary>
    public sealed class Notes : IRecoveryObserver
    {
        private readonly Lock gate = new();

        public List<string> PassedOverReasons { get; } = [];

        /// <summary>Why index images could not be used.</summary>
        public List<string> ImagesPassedOver { get; } = [];

        /// <summary>Recoveries by an index image.</summary>
        public int ImagesUsed { get; private set; }

        public (RecoverySource Source, long Position, long Replay)? LastRecovery { get; private set; }

        public int Waits { get; private set; }

        public void Clear()
        {
            lock (gate)
            {
                PassedOverReasons.Clear();
                ImagesPassedOver.Clear();
                ImagesUsed = 0;
                LastRecovery = null;
            }
        }

        public void Waiting(int partition, Exception why)
        {
            lock (gate) Waits++;
        }

        public void PassedOver(int partition, RecoverySource source, long position, string why)
        {
            lock (gate) PassedOverReasons.Add($"{source} {position}: {why}");
        }

        public void ImagePassedOver(int partition, long position, string why)
        {
            lock (gate) ImagesPassedOver.Add($"{position}: {why}");
        }

        public void ImageUsed(int partition, long position, long scanned)
        {
            lock (gate) ImagesUsed++;
        }

        public void Recovered(int partition, RecoverySource source, long position, long replay, TimeSpan took)
        {
            lock (gate) LastRecovery = (source, position, replay);
        }

        public void Assembled(int partition, PartitionPersistence persistence)
        {
        }
    }
}

/// <summary>A clock that a test moves; timestamps too.</summary>
public sealed class ManualTime : TimeProvider
{
    private long ticks = DateTimeOffset.FromUnixTimeMilliseconds(MemoryLog.AppendedUnixMs).UtcTicks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public void Advance(TimeSpan by) => Interlocked.Add(ref ticks, by.Ticks);

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref ticks), TimeSpan.Zero);

    public override long GetTimestamp() => Interlocked.Read(ref ticks);
}
