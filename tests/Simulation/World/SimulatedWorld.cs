// One run of one seed: a seeded scheduler that picks, again and again, who of all actors does its next step.
//
// Invariants:
// - One thread, a virtual clock, nothing real: the same seed gives the same trace.
// - A process that died has no effect any more; what it left is its disks as a crash or a power cut leaves them.
// - Faults end before the last comparison: what is left then has to be whole by itself.
using Google.Protobuf;
using ReadStateStream.Contracts.Snapshot;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Simulation.Disk;
using ReadStateStream.Simulation.Snapshots;
using ReadStateStream.Snapshot.Files;
using ReadStateStream.Snapshot.None;
using ReadStateStream.Unit.Generators;
using ReadStateStream.Unit.Partition;

namespace ReadStateStream.Simulation.World;

/// <summary>A run found something that must not be.</summary>
internal sealed class DifferenceException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The run of one seed.</summary>
internal sealed partial class SimulatedWorld : IDisposable
{
    private const string SnapshotFolder = "/snapshots/store";

    private readonly Scenario scenario;
    private readonly Tally tally;
    private readonly Trace trace;
    private readonly Random random;
    private readonly VirtualTime time = new();
    private readonly PolicyOptions policy;
    private readonly SnapshotWeather weather;
    private readonly MemorySnapshotStore memory;
    private readonly SimulatedDisk snapshotDisk;
    private readonly List<Lane> lanes = [];
    private readonly Judge judge;
    private readonly IEnumerator<(int Log, ChannelEvent Source, ChannelEvent Event)> events;
    private readonly ProcessLife judging = new();
    private bool producedAll;
    private long produced;
    private ulong ids;

    public SimulatedWorld(Scenario scenario, Tally tally, Trace trace)
    {
        this.scenario = scenario;
        this.tally = tally;
        this.trace = trace;
        random = new Random(scenario.Seed ^ 0x5EED);
        policy = scenario.Logs.Policy.ToOptions();
        weather = new SnapshotWeather(random);
        memory = new MemorySnapshotStore(time) { InFlightMax = random.Next(1, 65) };
        memory.Decide = DecideRows;
        snapshotDisk = new SimulatedDisk("snapshots");
        snapshotDisk.Prepare("/snapshots");
        for (var i = 0; i < scenario.Partitions; i++) lanes.Add(new Lane(i, new SimulatedLog(), NewMachine()));
        judge = new Judge(scenario, [.. lanes.Select(lane => lane.Log)]);
        events = scenario.Logs.Tagged().GetEnumerator();
        var lineage = CreateLineage();
        foreach (var lane in lanes) lane.Lineage = lineage;
    }

    /// <summary>Runs it to its end.</summary>
    /// <exception cref="DifferenceException">Something was lost, counted twice, or silent.</exception>
    public void Run()
    {
        var step = 0;
        var nextCrash = random.Next(100, 1_200);
        while (!producedAll || lanes.Sum(static lane => lane.Crashes) < scenario.Crashes)
        {
            StepSomebody();
            if (++step >= nextCrash)
            {
                var lane = random.Pick(lanes);
                PlanCrash(lane);
                nextCrash = step + random.Next(50, 1_500);
            }
            foreach (var lane in lanes) Look(lane);
        }
        ComeToRest();
        JudgeAll();
    }

    public void Dispose()
    {
        judging.Kill("over");
        foreach (var lane in lanes)
        {
            lane.Owner?.Bury();
            lane.Zombie?.Bury();
        }
        events.Dispose();
    }

    // Making things

    private static SimulatedDisk NewMachine()
    {
        var disk = new SimulatedDisk("machine");
        disk.Prepare("/data");
        return disk;
    }

    private Guid NewId() => new(scenario.Seed, 0, 0, BitConverter.GetBytes(++ids * 0x9E3779B97F4A7C15));

    private FilesSnapshotOptions FilesOptions(DiskView view) => new()
    {
        Folder = SnapshotFolder, Inline = true, Disk = view, NewId = NewId, BlockBytes = 256 << (scenario.Seed % 5),
        SortBytes = 4 << (10 + (scenario.Seed % 4)), MergeBytesMin = 4 << 10, SmallRunBytes = 1 << 10,
        Notice = notice => NoteSnapshot(view, notice),
    };

    private void NoteSnapshot(DiskView view, SnapshotNotice notice)
    {
        if (view.Immune) return;
        foreach (var lane in lanes)
        {
            lane.IsSnapshotNoticed = true;
            // It was said that the newest rows are gone.
            if (notice.Kind != SnapshotNoticeKind.UpkeepFailed) lane.Shipped = 0;
        }
        trace.Add("snapshot " + notice.Kind);
        tally.Add(TallyGroup.Other, "snapshot store " + notice.Kind);
    }

    private ISnapshotStore OpenSnapshots(DiskView view) => scenario.Snapshots switch
    {
        SnapshotKind.None => new NoneSnapshotStore(FilesOptions(view), time),
        SnapshotKind.Files => new FilesSnapshotStore(FilesOptions(view), time),
        _ => memory,
    };

    /// <summary>The snapshot store as an operator sees it: no fault meets him.</summary>
    private ISnapshotStore OpenAsJudge() => OpenSnapshots(new DiskView(snapshotDisk, judging, random, tally, new Trace()) { Immune = true });

    private long CreateLineage()
    {
        var identity = new LineageIdentity("topic", scenario.Partitions, FoldVersion.Current, "");
        var answers = new AnswerSettings(policy, IAsked.Epoch, scenario.Store.MaxValueBytes);
        return OpenAsJudge().CreateLineageAsync(identity, answers, default).GetAwaiter().GetResult().Number;
    }

    private OwnerSettings SettingsOf(Lane lane, DiskView view, bool plain) => new(
        policy, scenario.Store, scenario.Checkpoints,
        new StateDeviceOptions
        {
            SegmentBytes = 1L << StoreGeometry.From(scenario.Store).SegmentBits, Time = time, Disk = view,
            Mode = scenario.IsHeld && !plain ? DeviceMode.Held : DeviceMode.Inline,
            HeldWriteBytes = scenario.HeldWriteBytes, MaxAttempts = scenario.DeviceAttempts, MaxOpenSegments = scenario.OpenSegments,
            Choose = plain ? null : random.Next,
        },
        lane.Lineage, lane.Number, scenario.Partitions);

    private void Start(Lane lane)
    {
        var life = new ProcessLife();
        var machine = new DiskView(lane.Machine, life, random, tally, trace)
        {
            OnDoubt = () => lane.IsDamaged = true,
            OnDamageMet = kind => tally.Add(TallyGroup.Fault, kind),
        };
        var folder = new DiskView(snapshotDisk, life, random, tally, trace)
        {
            OnDoubt = () => lane.IsSnapshotDamaged = true,
            OnDamageMet = kind => tally.Add(TallyGroup.Fault, kind + ", snapshot"),
        };
        var snapshots = new OwnedSnapshots(OpenSnapshots(folder), life, weather, scenario.Snapshots == SnapshotKind.Memory, tally, trace);
        var owner = new Owner(SettingsOf(lane, machine, plain: false), machine, life, lane.Log, snapshots, time, tally, trace);
        owner.OnPassedOver = () => NotePassedOver(lane, owner);
        owner.OnRecovered = (source, position) => NoteRecovered(lane, owner, source, position);
        owner.OnCheckpoint = manifest => NoteCheckpoint(lane, owner, manifest);
        owner.OnShipped = position => lane.NoteShipped(owner, position);
        lane.CountsAllShipped();
        lane.Owner = owner;
        trace.Add("start", lane.Number);
    }

    // The producer

    private void Produce()
    {
        for (var n = random.Next(1, 40); n > 0; n--)
        {
            if (!events.MoveNext())
            {
                producedAll = true;
                return;
            }
            produced++;
            if (scenario.GarbageRecords > 0) ProduceGarbage();
            var (source, fact, record) = events.Current;
            var owner = record.FactCase == ChannelEvent.FactOneofCase.UserBlocked ? record.UserBlocked.UserId : OwnerOf(record);
            var key = owner.ToString(System.Globalization.CultureInfo.InvariantCulture);
            var lane = lanes[Partitioner.PartitionOf(owner, lanes.Count)];
            lane.Log.Append(new LogEntry(System.Text.Encoding.UTF8.GetBytes(key), record.ToByteArray(), 0, source, fact));
        }
        trace.Add("produced", produced);
    }

    private static ulong OwnerOf(ChannelEvent record) => Oracle.ReadStateOracle.ChannelOf(record)!.Value;

    private void ProduceGarbage()
    {
        var lane = random.Pick(lanes);
        if (random.Chance(scenario.GarbageRecords))
        {
            lane.Letters.Add(lane.Log.Count);
            lane.Log.Append(new LogEntry("1"u8.ToArray(), [0xff, 0xff, 0xff], 0, -1, null));
        }
        if (lane.Letters.Count == 0 || !random.Chance(scenario.GarbageRecords)) return;
        var at = random.Next(lane.Letters.Count);
        var resolved = new ChannelEvent
        {
            EventId = 1, DeadLetterResolved = new DeadLetterResolved { Partition = (uint)lane.Number, Offset = (ulong)lane.Letters[at] },
        };
        lane.Letters.RemoveAt(at);
        var key = System.Text.Encoding.UTF8.GetBytes(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"#{lane.Number}"));
        lane.Log.Append(new LogEntry(key, resolved.ToByteArray(), 0, -1, resolved));
    }
}
