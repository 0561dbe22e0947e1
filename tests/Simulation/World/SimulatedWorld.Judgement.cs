using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Simulation.Disk;
using ReadStateStream.Simulation.Snapshots;
using ReadStateStream.Unit.Generators;

namespace ReadStateStream.Simulation.World;

// What must hold, looked at after every step and at the end.
internal sealed partial class SimulatedWorld
{
    private const int StepsToRest = 60_000;

    private void NotePassedOver(Lane lane, Owner owner)
    {
        lane.IsPassedOverSaid = true;
        var (source, position, why) = owner.PassedOverNow[^1];
        // A manifest appears whole or not at all, whatever a crash or a power cut leaves of the rest.
        if (owner == lane.Owner && source == RecoverySource.Checkpoint && position < 0 && lane is { IsDamaged: false, IsNewestSpoilt: false })
            Found($"a manifest is not whole although nothing was damaged: {why}");
    }

    private void NoteRecovered(Lane lane, Owner owner, RecoverySource source, long position)
    {
        if (owner != lane.Owner) return;
        tally.Add(TallyGroup.Source, source.ToString());
        // Whose rows are damaged does not see how far they reached: they are replaced as a whole then.
        if (lane.MustRefuse is { } reason && !(lane.IsSnapshotDamaged && lane.IsPassedOverSaid)) Found($"{source} at {position} was taken, but {reason}");
        var known = Math.Max(lane.IsNewestSpoilt ? lane.PreviousCheckpoint : lane.Checkpointed, KeepsRows ? lane.Shipped : 0);
        if (position < known && !lane.IsPassedOverSaid && !lane.IsSnapshotNoticed)
            Found($"{source} at {position} was taken in silence: a checkpoint at {lane.Checkpointed} and rows at {lane.Shipped} were durable");
        if (position < known && !lane.IsDamaged && !lane.IsSnapshotDamaged && !lane.IsForked)
            Found($"{source} at {position} was taken although nothing was damaged: a checkpoint at {lane.Checkpointed} and rows at {lane.Shipped} were durable; "
                + string.Join("; ", owner.PassedOverNow));
        owner.PassedOverNow.Clear();
        // What was passed over is deleted: from here on there is one checkpoint, though it be at the same position.
        if (lane.IsNewestSpoilt || position != lane.Checkpointed) lane.PreviousCheckpoint = 0;
        lane.Checkpointed = source == RecoverySource.Checkpoint ? position : 0;
        lane.IsNewestSpoilt = false;
        if (position < lane.Shipped) lane.Shipped = 0;
        lane.CountsAllShipped();
        lane.MustRefuse = null;
        lane.MayRefuse = false;
        lane.IsForked = false;
        lane.IsPassedOverSaid = false;
        lane.IsSnapshotNoticed = false;
    }

    private static void NoteCheckpoint(Lane lane, Owner owner, CheckpointManifest manifest)
    {
        if (owner != lane.Owner) return;
        lane.PreviousCheckpoint = lane.Checkpointed;
        lane.Checkpointed = manifest.Mark.Position;
    }

    private string? found;

    /// <summary>Noted: what is thrown inside the product would be taken for an error of its own.</summary>
    private void Found(string what) => found ??= what;

    /// <summary>Looks after an owner once somebody did a step.</summary>
    private void Look(Lane lane)
    {
        if (found is not null) throw new DifferenceException(found);
        if (lane.Zombie is { Life.IsDead: true } zombie)
        {
            zombie.Bury();
            lane.Zombie = null;
        }
        if (lane.Owner is not { } owner) return;
        if (owner.Life.IsDead)
        {
            AfterCrash(lane);
            return;
        }
        lane.NoteReached(owner.Partition.Position);
        if (owner.Partition.State != PartitionState.Failed || ReferenceEquals(owner.Partition.Failure, lane.LastFailure)) return;
        lane.LastFailure = owner.Partition.Failure;
        LookAtFailure(lane, owner, owner.Partition.Failure!);
    }

    private void LookAtFailure(Lane lane, Owner owner, Exception failure)
    {
        trace.Add("failed", failure.GetType().Name);
        switch (failure)
        {
            case RecoveryRefusedException refused:
                AfterRefusal(lane, owner, refused.Message);
                return;
            case DamageException when lane.IsDamaged:
            case IOException:
            case SnapshotUnavailableException:
            case SnapshotDamagedException when lane.IsSnapshotDamaged:
            case LineageGoneException when lane.MustRefuse is not null:
            case LogForkedException when lane.IsForked:
                tally.Add(TallyGroup.Other, "partition failed: " + failure.GetType().Name);
                return;
            default:
                throw new DifferenceException($"the partition failed: {failure.Message}", failure);
        }
    }

    private void AfterRefusal(Lane lane, Owner owner, string message)
    {
        var kind = message.Contains("is not in the snapshot store", StringComparison.Ordinal) ? "lineage gone"
            : message.Contains("log begins at", StringComparison.Ordinal) ? "log begins above the candidates"
            : message.Contains("of another log", StringComparison.Ordinal) ? "log forked below shipped rows"
            : "other";
        // The newest manifest was damaged twice, with no checkpoint in between: there is no other one.
        var nothingLeft = lane is { IsNewestSpoilt: true, PreviousCheckpoint: 0 };
        var excused = lane.MustRefuse is not null || lane.MayRefuse || lane is { IsSnapshotDamaged: true, Log.History: > 0 }
            || (lane.Log.BeginOffset > 0 && (nothingLeft || lane.IsDamaged || lane.IsSnapshotDamaged || lane.IsMachineLost || lane.IsForked));
        if (!excused || kind == "other") throw new DifferenceException($"refused without a reason: {message}");
        if (owner.Partition.RecoversAt is not null) throw new DifferenceException($"a refusal is tried again by itself: {message}");
        tally.Add(TallyGroup.Refusal, kind);
        trace.Add("refused " + kind);
        owner.Bury();
        lane.Zombie?.Bury();
        lane.Zombie = null;
        lane.Owner = null;
        // What an operator does then: puts the log back, or begins a new lineage.
        lane.Log.BeginOffset = 0;
        if (kind != "log begins above the candidates") lane.Lineage = CreateLineage();
        lane.BeginAnew(isNewLineage: kind != "log begins above the candidates");
    }

    /// <summary>All faults end, and everything that can be done is done.</summary>
    private void ComeToRest()
    {
        trace.Add("rest");
        weather.Now = Weather.Fair;
        Heal(snapshotDisk);
        foreach (var lane in lanes)
        {
            Heal(lane.Machine);
            if (lane.Owner is { Life.IsDoomed: true } doomed) doomed.Life.Kill("between two steps");
        }
        for (var step = 0; ; step++)
        {
            if (step == StepsToRest) throw new DifferenceException("it does not come to rest: " + string.Join("; ", lanes.Select(Describe)));
            while (weather.Held.Count + memory.Held.Count > 0) ReleaseHeld();
            foreach (var lane in lanes)
            {
                if (lane.Owner is null) Start(lane);
                Heal(lane.Machine);
                if (lane.Zombie is { } zombie && step < 100) StepZombie(lane, zombie);
                StepAll(lane);
                Look(lane);
            }
            if (lanes.All(IsAtRest))
            {
                var unnoticed = lanes.Where(static lane => lane.MustRefuse is not null).ToList();
                if (unnoticed.Count == 0) return;
                unnoticed.ForEach(Restart);
            }
            if (step % 4 == 0) time.Advance(TimeSpan.FromMilliseconds(step < 1_000 ? 50 : 500));
        }
    }

    /// <summary>
    /// Whoever had nothing to ship did not meet what stops it, and went on with what it holds, which is right: its
    /// next start must be refused.
    /// </summary>
    private void Restart(Lane lane)
    {
        trace.Add("restart", lane.Number);
        tally.Add(TallyGroup.Other, "restarted to be refused");
        lane.Owner!.Bury();
        lane.Owner = null;
    }

    private void StepAll(Lane lane)
    {
        var owner = lane.Owner!;
        StepWriter(owner, lane.Log);
        StepDevice(owner);
        owner.StepBeside(static persistence => persistence.Step());
    }

    private bool IsAtRest(Lane lane) =>
        lane.Owner is { Partition: { State: PartitionState.Running, LagEvents: 0 }, Persistence: { } persistence } owner
        && persistence.Checkpointer.IsIdle && (persistence.Checkpointer.Newest?.Mark.Position ?? 0) == owner.Partition.Position
        && persistence.Scrub is null or { IsDone: true }
        && (!KeepsRows || persistence.Shipper.BacklogEvents == 0) && persistence.Shipper.Waiting is null or { IsCompleted: true };

    private static string Describe(Lane lane) => lane.Owner is not { } owner ? "no owner"
        : $"{owner.Partition.State} at {owner.Partition.Position} of {lane.Log.Count}, checkpoint {owner.Persistence?.Checkpointer.Newest?.Mark.Position}, "
          + $"idle {owner.Persistence?.Checkpointer.IsIdle} {owner.Persistence?.Checkpointer.LastError?.Message}, "
          + $"shipped {owner.Persistence?.Shipper.Shipped} {owner.Persistence?.Shipper.LastError}, waiting {owner.Persistence?.Shipper.Waiting?.Status}, "
          + $"stuck {owner.Persistence?.Device.Stuck}, failure {owner.Partition.Failure?.Message}";

    private void JudgeAll()
    {
        trace.Add("judge");
        foreach (var lane in lanes) lane.Zombie?.Bury();
        foreach (var lane in lanes) lane.Zombie = null;
        CompareLive();
        foreach (var lane in lanes)
        {
            lane.Owner!.Bury();
            lane.Owner = null;
        }
        // With what was damaged the log's beginning may be all there is.
        foreach (var lane in lanes)
            if (lane.IsDamaged || lane.IsSnapshotDamaged) lane.Log.BeginOffset = 0;
        Rebuild("from the machine", static lane => lane.Machine, _ => OpenAsJudge(), RecoverySource.Checkpoint);
        tally.Add(TallyGroup.Other, "full state = oracle from the checkpoint");
        if (!KeepsRows) return;
        Rebuild("from the snapshot", static _ => NewMachine(), _ => OpenAsJudge(), RecoverySource.Snapshot);
        tally.Add(TallyGroup.Other, "full state = oracle from the snapshot");
        foreach (var lane in lanes) TakeImage(lane);
        if (lanes.Any(lane => lane.Images.Select(static image => image.Mark.Position).Distinct().Count() < 2)) return;
        // Images may be older than what retention left of the log.
        foreach (var lane in lanes) lane.Log.BeginOffset = 0;
        Rebuild("from mixed images", static _ => NewMachine(), lane => new MixedSnapshots(lane.Images, random), RecoverySource.Snapshot);
        tally.Add(TallyGroup.Other, "full state = oracle from mixed offsets");
    }

    /// <summary>Damage that nobody read yet may be met by a question: it is refused, and its partition recovers.</summary>
    private void CompareLive()
    {
        for (var again = lanes.Count; ; again--)
        {
            try
            {
                Compare([.. lanes.Select(lane => lane.Owner!)], "live");
                return;
            }
            catch (DifferenceException difference) when (
                again > 0 && difference.InnerException is NotAskedException
                && lanes.Any(static lane => lane is { IsDamaged: true, Owner.Partition.Failure: DamageException }))
            {
                tally.Add(TallyGroup.Other, "damage met by a last question");
                ComeToRest();
            }
        }
    }

    /// <summary>Opens all partitions anew, replays, and compares everything.</summary>
    private void Rebuild(string what, Func<Lane, SimulatedDisk> machine, Func<Lane, ISnapshotStore> snapshots, RecoverySource expected)
    {
        List<Owner> owners = [];
        try
        {
            foreach (var lane in lanes)
            {
                var life = new ProcessLife();
                var view = new DiskView(machine(lane), life, random, tally, trace) { Immune = true };
                var owner = new Owner(SettingsOf(lane, view, plain: true), view, life, lane.Log, snapshots(lane), time, tally, trace);
                owners.Add(owner);
                for (var step = 0; !IsProven(owner); step++)
                {
                    owner.Partition.Step();
                    owner.StepBeside(static persistence => persistence.Scrub?.Step() ?? false);
                    time.Advance(TimeSpan.FromMilliseconds(1));
                    // What an index image left unread is damaged: it recovers again, by a scan.
                    if (owner.Partition.Failure is DamageException && lane.IsDamaged && step < StepsToRest) continue;
                    if (owner.Partition.Failure is RecoveryRefusedException && lane is { IsSnapshotDamaged: true, Log.History: > 0 })
                    {
                        // An intent of the history that is gone outlived the rows that were damaged with it.
                        tally.Add(TallyGroup.Other, "refused for an intent of lost rows");
                        return;
                    }
                    if (owner.Partition.State == PartitionState.Failed || step == StepsToRest)
                        throw new DifferenceException($"{what}: {owner.Partition.Failure?.Message ?? "it does not end"}", owner.Partition.Failure);
                }
                if (owner.Partition.Source != expected && lane.Log.Count > 0 && (expected == RecoverySource.Checkpoint ? !lane.IsDamaged : !lane.IsSnapshotDamaged))
                    throw new DifferenceException($"{what}: {owner.Partition.Source} was taken: {string.Join("; ", owner.PassedOverNow)}");
            }
            Compare(owners, what);
        }
        finally
        {
            foreach (var owner in owners) owner.Bury();
        }
    }

    private static bool IsProven(Owner owner) =>
        owner is { Partition: { State: PartitionState.Running, LagEvents: 0 }, Persistence: { Scrub: null or { IsDone: true } } };

    private void Compare(IReadOnlyList<Owner> owners, string what)
    {
        try
        {
            if (judge.Difference(new AskedOwners(owners, [.. lanes.Select(lane => lane.Log)]), owners, null) is { } difference)
                throw new DifferenceException($"{what}: {difference}");
        }
        catch (NotAskedException away)
        {
            throw new DifferenceException($"{what}: {away.Message}", away);
        }
    }
}
