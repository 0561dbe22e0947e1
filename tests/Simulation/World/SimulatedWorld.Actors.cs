using ReadStateStream.Contracts.Snapshot;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Simulation.Snapshots;
using ReadStateStream.Unit.Generators;

namespace ReadStateStream.Simulation.World;

// Who may be picked, and what each does.
internal sealed partial class SimulatedWorld
{
    /// <summary>Most bytes that one record may append to the record log, about: a crowd named in a channel that spills.</summary>
    private const long BytesARecord = 12 << 10;

    private void StepSomebody()
    {
        var lane = random.Pick(lanes);
        if (lane.Owner is null) Start(lane);
        switch (random.Next(1_000))
        {
            case < 80:
                if (lanes.All(l => l.Log.Count - (l.Owner?.Partition.Position ?? 0) < 1_500)) Produce();
                break;
            case < 330:
                StepWriter(lane.Owner!, lane.Log);
                break;
            case < 470:
                lane.Owner!.StepBeside(static persistence => persistence.Checkpointer.Step());
                break;
            case < 660:
                lane.Owner!.StepBeside(static persistence => persistence.Shipper.Step());
                break;
            case < 700:
                lane.Owner!.StepBeside(static persistence => persistence.Compactor.Step());
                break;
            case < 710:
                StepScrub(lane.Owner!);
                break;
            case < 820:
                StepDevice(lane.Owner!);
                break;
            case < 880:
                AdvanceClock();
                break;
            case < 960:
                ReleaseHeld();
                break;
            case < 966:
                Question();
                break;
            case < 968:
                TakeImage(lane);
                break;
            case < 973:
                LookAtCommittable(lane);
                break;
            case < 985:
                if (lane.Zombie is { } zombie) StepZombie(lane, zombie);
                break;
            default:
                if (random.Chance(scenario.Faultiness / 2)) StepFault(lane);
                break;
        }
    }

    private void StepWriter(Owner owner, SimulatedLog log)
    {
        var faults = owner.Machine.Disk.Faults.IsArmed;
        log.BatchMax = faults ? 1 : random.Pick([1, 7, 64, 256]);
        owner.Appetite = owner.Persistence is { Compactor.IsReady: true } ? long.MaxValue : log.BatchMax * BytesARecord;
        var before = owner.Partition.Position;
        owner.Partition.Step();
        owner.Appetite = 0;
        trace.Add("writer", owner.Partition.Position, owner.Partition.Position - before);
    }

    private void StepScrub(Owner owner)
    {
        if (owner.Persistence is not { Scrub: { IsDone: false } scrub } persistence) return;
        var wasWhole = persistence.Device.Damage is null;
        owner.StepBeside(_ => scrub.Step());
        if (owner.Life.IsDead) return;
        if (scrub.IsDone) tally.Add(TallyGroup.Other, "record log scrubbed");
        if (wasWhole && persistence.Device.Damage is not null) tally.Add(TallyGroup.Other, "damage found by the scrub");
    }

    private void StepDevice(Owner owner)
    {
        if (owner.Persistence?.Device is not { } device || owner.Life.IsDead) return;
        if (device.Stuck is not null && random.Next(3) == 0) device.RetryNow();
        if (device.Waiting > 0) device.CompleteOne(random.Next(device.Waiting));
    }

    private void AdvanceClock()
    {
        var by = random.Next(10) switch
        {
            < 6 => random.Next(1, 300),
            < 9 => random.Next(300, 3_000),
            _ => random.Next(3_000, 40_000),
        };
        trace.Add("clock", by);
        time.Advance(TimeSpan.FromMilliseconds(by));
    }

    private CallFate DecideRows(SnapshotCall call)
    {
        if (call.Kind != SnapshotCallKind.WriteRows || weather.Now != Weather.Slow || random.Next(4) > 0) return CallFate.Serve;
        tally.Add(TallyGroup.Fault, "snapshot rows slow");
        return random.Next(2) == 0 ? CallFate.Hold : CallFate.HoldAcknowledgement;
    }

    private void ReleaseHeld()
    {
        var mine = weather.Held.Count;
        var rows = memory.Held.Count;
        if (mine + rows == 0) return;
        var chosen = random.Next(mine + rows);
        trace.Add("release", chosen);
        if (chosen < mine) weather.Release(chosen);
        else if (random.Chance(0.9)) memory.Held[chosen - mine].Release();
        else memory.Held[chosen - mine].Fail();
    }

    private void Question()
    {
        if (lanes.Any(lane => lane.Owner?.Persistence is not { Device.Stuck: null })) return;
        var owners = lanes.Select(lane => lane.Owner!).ToList();
        var asked = new AskedOwners(owners, [.. lanes.Select(lane => lane.Log)]);
        try
        {
            var difference = judge.Difference(asked, owners, random.Next(scenario.Logs.Logs.Count));
            if (owners.Any(owner => owner.Life.IsDead)) return;
            if (difference is not null) throw new DifferenceException($"a live answer differs: {difference}");
            tally.Add(TallyGroup.Other, "live answers compared");
            trace.Add("question");
        }
        catch (NotAskedException)
        {
            trace.Add("not asked");
            tally.Add(TallyGroup.Other, "questions refused");
        }
    }

    /// <summary>Keeps the rows of the snapshot store as they are now.</summary>
    private void TakeImage(Lane lane)
    {
        if (scenario.Snapshots == SnapshotKind.None || lane.Images.Count >= 5 || lane.IsSnapshotDamaged || lane.MustRefuse is not null) return;
        var store = OpenAsJudge();
        var partition = new SnapshotPartition(lane.Lineage, lane.Number);
        try
        {
            if (store.ReadProgressAsync(partition, default).GetAwaiter().GetResult() is not { Shipped: { Position: > 0 } mark }) return;
            var image = new SnapshotImage { Mark = mark };
            foreach (var row in Rows(store, partition)) image.Add(row);
            lane.Images.Add(image);
        }
        catch (Exception error) when (error is SnapshotDamagedException or LineageGoneException)
        {
            // A fault of before; the owner will meet it too.
        }
    }

    /// <summary>What may be committed is durable: in a checkpoint, and in the rows where those outlive the machine.</summary>
    private void LookAtCommittable(Lane lane)
    {
        if (lane.Owner is not { Persistence: { } persistence, Life.IsDead: false } || lane.MustRefuse is not null) return;
        var committable = persistence.CommittablePosition(KeepsRows);
        if (committable > lane.Checkpointed) Found($"{committable} may be committed, the newest durable checkpoint is at {lane.Checkpointed}");
        if (!KeepsRows || lane.IsSnapshotDamaged) return;
        var progress = OpenAsJudge().ReadProgressAsync(new SnapshotPartition(lane.Lineage, lane.Number), default).GetAwaiter().GetResult();
        if (committable > (progress.Shipped?.Position ?? 0)) Found($"{committable} may be committed, the rows are of {progress.Shipped?.Position ?? 0}");
    }

    private static List<SnapshotRow> Rows(ISnapshotStore store, SnapshotPartition partition)
    {
        var rows = new List<SnapshotRow>();
        var reading = Read();
        if (!reading.IsCompleted) throw new InvalidOperationException("an inline store did not answer inline");
        reading.GetAwaiter().GetResult();
        return rows;

        async Task Read()
        {
            await foreach (var row in store.ReadPartitionAsync(partition, 0, default).ConfigureAwait(false))
                rows.Add(row with { Value = row.Value.ToArray() });
        }
    }

    private void StepZombie(Lane lane, Owner zombie)
    {
        for (var n = random.Next(1, 12); n > 0 && !zombie.Life.IsDead; n--)
        {
            switch (random.Next(4))
            {
                case 0:
                    zombie.StepBeside(static persistence => persistence.Checkpointer.Step());
                    break;
                case 1:
                    StepDevice(zombie);
                    break;
                case 2 when random.Chance(0.2):
                    StepWriter(zombie, lane.Log);
                    break;
                default:
                    zombie.StepBeside(static persistence => persistence.Shipper.Step());
                    break;
            }
        }
        if (!random.Chance(0.03)) return;
        zombie.Bury();
        lane.Zombie = null;
    }
}
