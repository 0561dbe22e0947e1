namespace ReadStateStream.Simulation;

/// <summary>How often a full run (10,000 seeds) has to meet what.</summary>
internal static class Targets
{
    private const long EachFault = 500;
    private const long EachOther = 100;

    /// <summary>Where a process may die that is rare by nature: one of many operations of a kind.</summary>
    private const long EachOperation = 20;

    private static readonly string[] Faults =
    [
        "bit flip, running", "bit flip, running, snapshot", "bit flip, stopped", "bit flip, stopped, snapshot", "delete error", "disk full",
        "failed fsync lost sectors", "late call of an abandoned ship", "list error", "log cut back and grown again", "open error",
        "power cut lost folder entries", "power cut lost folder entries, snapshot", "power cut lost or tore sectors",
        "power cut lost or tore sectors, snapshot", "read error", "rename error", "snapshot acknowledgement lost", "snapshot call failed",
        "snapshot call slow", "snapshot read broke off", "snapshot rows slow", "sync error", "syncfolder error", "truncated file, running",
        "truncated file, running, snapshot", "truncated file, stopped", "truncated file, stopped, snapshot", "write error",
    ];

    private static readonly (TallyGroup Group, string Name)[] Others =
    [
        (TallyGroup.Crash, "between two steps"), (TallyGroup.Crash, "machine lost"), (TallyGroup.Crash, "power cut"),
        (TallyGroup.Crash, "power cut, snapshot too"), (TallyGroup.Crash, "taken over by a second owner"),
        (TallyGroup.Source, "Checkpoint"), (TallyGroup.Source, "Checkpoint, by index image"), (TallyGroup.Source, "index image passed over"),
        (TallyGroup.Source, "LogStart"), (TallyGroup.Source, "Snapshot"),
        (TallyGroup.Refusal, "lineage gone"), (TallyGroup.Refusal, "log begins above the candidates"),
        (TallyGroup.Refusal, "log forked below shipped rows"), (TallyGroup.Watchdog, "checkpoint overdue"),
        (TallyGroup.Watchdog, "recovery waited for the snapshot store"), (TallyGroup.Watchdog, "write stuck, disk full"),
        (TallyGroup.Watchdog, "write stuck, error"), (TallyGroup.Other, "full state = oracle from mixed offsets"),
        (TallyGroup.Other, "full state = oracle from the checkpoint"), (TallyGroup.Other, "full state = oracle from the snapshot"),
        (TallyGroup.Other, "zombie's late rows"), (TallyGroup.Other, "zombie's late position"), (TallyGroup.Other, "zombie's late intent"),
        (TallyGroup.Other, "log begin moved by retention"), (TallyGroup.Other, "record log scrubbed"),
        (TallyGroup.Other, "damage found by the scrub"),
    ];

    /// <summary>What was met too seldom.</summary>
    public static List<string> Missed(Tally tally)
    {
        var least = new Dictionary<(TallyGroup Group, string Name), long>();
        foreach (var name in Faults) least[(TallyGroup.Fault, name)] = EachFault;
        foreach (var other in Others) least[other] = EachOther;
        foreach (var (group, name) in tally.Counts.Keys)
        {
            if (group == TallyGroup.Fault) least.TryAdd((group, name), EachFault);
            else if (group != TallyGroup.Other) least.TryAdd((group, name), group == TallyGroup.Crash && name.StartsWith("in ", StringComparison.Ordinal) ? EachOperation : EachOther);
        }
        return [.. least.Select(wanted => (wanted.Key.Name, wanted.Value, Met: tally.Counts.GetValueOrDefault(wanted.Key)))
            .Where(static wanted => wanted.Met < wanted.Value).Select(static wanted => $"{wanted.Name}: {wanted.Met} of {wanted.Value}")];
    }
}
