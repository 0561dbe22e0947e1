using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Simulation.Disk;
using ReadStateStream.Simulation.Snapshots;
using ReadStateStream.Unit.Generators;

namespace ReadStateStream.Simulation.World;

// What goes wrong. Counted where the product meets it, not here.
internal sealed partial class SimulatedWorld
{
    private static readonly DiskVerb[] Verbs = Enum.GetValues<DiskVerb>();

    /// <summary>Named steps at which a process may die (IFaultPoints).</summary>
    private static readonly string[] Steps =
    [
        "checkpoint-before-image", "checkpoint-after-image", "checkpoint-before-fold", "checkpoint-before-sync", "checkpoint-after-sync",
        "checkpoint-before-manifest", "checkpoint-after-manifest",
        "checkpoint-after-delete", "ship-before-intent", "ship-after-intent", "ship-row", "ship-before-position", "ship-after-position",
    ];

    private bool HasSnapshotFolder => scenario.Snapshots == SnapshotKind.Files;

    private bool KeepsRows => scenario.Snapshots != SnapshotKind.None;

    private void StepFault(Lane lane)
    {
        var kind = random.Next(100);
        trace.Add("fault", kind, lane.Number);
        switch (kind)
        {
            case < 21:
                Heal(lane.Machine);
                break;
            case < 29:
                Heal(snapshotDisk);
                break;
            case < 46:
                lane.Machine.Faults.Arm(random.Pick(Verbs), random.Next(1, random.Chance(0.2) ? 60 : 6));
                break;
            case < 52:
                lane.Machine.Faults.Capacity = lane.Machine.Used + random.Next(16 << 10);
                break;
            case < 60 when HasSnapshotFolder:
                snapshotDisk.Faults.Arm(random.Pick(Verbs), random.Next(1, random.Chance(0.2) ? 40 : 5));
                break;
            case < 63 when HasSnapshotFolder:
                snapshotDisk.Faults.Capacity = snapshotDisk.Used + random.Next(16 << 10);
                break;
            case < 72:
                weather.Now = Weather.Fair;
                break;
            case < 84:
                weather.Now = random.Pick([Weather.Away, Weather.Slow, Weather.Slow, Weather.Flaky, Weather.Flaky]);
                break;
            case < 87:
                Spoil(lane, lane.Machine, "running");
                break;
            case < 91 when HasSnapshotFolder:
                Spoil(lane, snapshotDisk, "running");
                break;
            case < 94 when scenario.HasSecondOwners:
                TakeOver(lane);
                break;
            case < 96 when scenario.DropsLineage && KeepsRows:
                DropLineage();
                break;
            default:
                if (scenario.HasRetention) CutBegin(lane);
                break;
        }
    }

    private static void Heal(SimulatedDisk disk) => disk.Faults.Clear();

    /// <summary>Damages a file: a bit, or its end.</summary>
    private void Spoil(Lane lane, SimulatedDisk disk, string when)
    {
        var files = disk.AllFiles.Where(f => f.File.Length > 0 && IsSpoilt(f.Path)).ToList();
        if (files.Count == 0) return;
        var (path, file) = random.Pick(files);
        if (ReferenceEquals(disk, snapshotDisk)) lanes.ForEach(static l => l.IsSnapshotDamaged = true);
        else lane.IsDamaged = true;
        trace.Add("spoil", path);
        if (random.Chance(0.6)) file.Flip(random.Next(file.Length), random.Next(8), $"bit flip, {when}");
        else file.Cut(random.Next(file.Length), $"truncated file, {when}");
    }

    /// <summary>Damages the newest manifest and nothing else.</summary>
    private void SpoilNewestManifest(Lane lane)
    {
        var newest = lane.Machine.AllFiles
            .Where(f => f.File.Length > 0 && CheckpointManifest.TrySequence(Path.GetFileName(f.Path), out _))
            .OrderBy(static f => CheckpointManifest.TrySequence(Path.GetFileName(f.Path), out var sequence) ? sequence : -1).LastOrDefault();
        if (newest.File is null) return;
        trace.Add("spoil", newest.Path);
        lane.IsNewestSpoilt = true;
        newest.File.Flip(random.Next(newest.File.Length), random.Next(8), "bit flip, newest manifest");
    }

    /// <summary>The store's marker and its lineages have no second copy: an operator restores those.</summary>
    private static bool IsSpoilt(string path) =>
        !path.EndsWith("readstate-snapshot.json", StringComparison.Ordinal) && !path.Contains("/lineages/", StringComparison.Ordinal);

    /// <summary>Another machine takes the partition over, and the owner of before does not know: it only paused.</summary>
    private void TakeOver(Lane lane)
    {
        if (lane.Zombie is not null || lane.Owner is not { Persistence: not null, Life: { IsDead: false, IsDoomed: false } }) return;
        lane.Zombie = lane.Owner;
        ((OwnedSnapshots)lane.Zombie.Snapshots).IsSuperseded = true;
        lane.Machine = NewMachine();
        lane.LosesMachine();
        lane.Owner = null;
        tally.Add(TallyGroup.Crash, "taken over by a second owner");
    }

    private void DropLineage()
    {
        if (lanes.Any(l => l.Owner?.Persistence is null || l.Zombie is not null || l.MustRefuse is not null)) return;
        // One lane may have got a lineage of its own since.
        if (lanes.Select(l => l.Lineage).Distinct().Count() > 1) return;
        OpenAsJudge().DropLineageAsync(lanes[0].Lineage, default).GetAwaiter().GetResult();
        foreach (var l in lanes) l.MustRefuse = "the lineage was dropped";
        trace.Add("lineage dropped");
    }

    /// <summary>Retention as it is allowed: one record below what the older checkpoint and the snapshot store hold stays.</summary>
    private void CutBegin(Lane lane)
    {
        var kept = KeepsRows ? Math.Min(lane.PreviousCheckpoint, lane.Shipped) : lane.PreviousCheckpoint;
        if (kept - 1 <= lane.Log.BeginOffset || lane.MustRefuse is not null) return;
        lane.Log.BeginOffset = kept - 1;
        tally.Add(TallyGroup.Other, "log begin moved by retention");
        trace.Add("begin", kept - 1);
    }

    private void PlanCrash(Lane lane)
    {
        if (lane.Owner is not { } owner) return;
        var kind = owner.Life.IsDoomed ? 0 : random.Next(HasSnapshotFolder ? 6 : 4);
        trace.Add("crash planned", kind);
        if (kind == 0) owner.Life.Kill("between two steps");
        else if (kind == 1) owner.Life.KillAtStep(random.Pick(Steps));
        else if (kind < 4) owner.Life.KillInOperation(random.Next(1, 120));
        else owner.Life.KillInOperation(random.Next(1, 60), inSnapshots: true);
    }

    /// <summary>A process died: what it leaves behind, and what else happens while nobody looks.</summary>
    private void AfterCrash(Lane lane)
    {
        var owner = lane.Owner!;
        trace.Add("crash", owner.Life.Cause);
        tally.Add(TallyGroup.Crash, owner.Life.Cause);
        lane.Crashes++;
        lane.NoteReached(owner.Partition.Position);
        owner.Bury();
        lane.Owner = null;
        if (random.Chance(owner.Life.Cause.StartsWith("in snapshot", StringComparison.Ordinal) ? 0.8 : 0.5)) CutPower(lane);
        if (scenario.LosesMachines && random.Chance(0.3))
        {
            lane.Machine = NewMachine();
            lane.LosesMachine();
            tally.Add(TallyGroup.Crash, "machine lost");
        }
        if (random.Chance(0.1)) SpoilNewestManifest(lane);
        else if (scenario.Faultiness > 0 && random.Chance(0.15)) Spoil(lane, lane.Machine, "stopped");
        if (scenario.Faultiness > 0 && random.Chance(0.25) && HasSnapshotFolder) Spoil(lane, snapshotDisk, "stopped");
        if (scenario.HasForks && random.Chance(0.35)) Fork(lane);
        else if (scenario.HasOvercuts && random.Chance(0.4)) Overcut(lane);
    }

    private void CutPower(Lane lane)
    {
        var isShared = scenario.IsSharedMachine && HasSnapshotFolder && lanes.Count == 1 && lane.Zombie is null;
        NotePower(lane.Machine.CutPower(random), "");
        if (isShared) NotePower(snapshotDisk.CutPower(random), ", snapshot");
        tally.Add(TallyGroup.Crash, isShared ? "power cut, snapshot too" : "power cut");
    }

    private void NotePower((int Sectors, int Entries) lost, string where)
    {
        trace.Add("power", lost.Sectors, lost.Entries);
        if (lost.Sectors > 0) tally.Add(TallyGroup.Fault, "power cut lost or tore sectors" + where);
        if (lost.Entries > 0) tally.Add(TallyGroup.Fault, "power cut lost folder entries" + where);
    }

    /// <summary>The log loses its end and grows again with other records.</summary>
    private void Fork(Lane lane)
    {
        if (lane.MustRefuse is not null || lane.Log.Count <= lane.Log.BeginOffset + 1) return;
        lane.Zombie?.Bury();
        lane.Zombie = null;
        // What is on its way would be of the history that is gone.
        weather.Forget();
        while (memory.Held.Count > 0) memory.Held[0].Fail();
        var from = random.NextInt64(Math.Max(lane.Log.BeginOffset, lane.Log.Count - 900), lane.Log.Count);
        lane.Log.CutBack(from);
        lane.Letters.RemoveAll(letter => letter >= from);
        lane.Images.Clear();
        lane.IsForked = true;
        tally.Add(TallyGroup.Fault, "log cut back and grown again");
        trace.Add("fork", from);
        if (!KeepsRows) return;
        try
        {
            var progress = OpenAsJudge().ReadProgressAsync(new SnapshotPartition(lane.Lineage, lane.Number), default).GetAwaiter().GetResult();
            if (progress.OpenIntents.Append(progress.Shipped ?? default).Any(mark => mark.Position > from))
                lane.MustRefuse = $"the log was cut back to {from}, below rows in the snapshot store";
        }
        catch (SnapshotDamagedException)
        {
            lane.MayRefuse = true;
        }
    }

    /// <summary>Somebody deletes more of the log than is allowed: it begins above everything that is kept.</summary>
    private void Overcut(Lane lane)
    {
        if (lane.MustRefuse is not null || lane.Furthest >= lane.Log.Count) return;
        lane.Log.BeginOffset = random.NextInt64(lane.Furthest + 1, lane.Log.Count + 1);
        lane.MustRefuse = $"the log begins at {lane.Log.BeginOffset}, above every candidate";
        trace.Add("overcut", lane.Log.BeginOffset);
    }
}
