namespace ReadStateStream.Simulation;

/// <summary>How often a full run has to meet what.</summary>
internal static class Targets
{
    private const long EachFault = 500;
    private const long EachOther = 100;

    private static readonly (TallyGroup Group, string Name)[] Known = [];

    /// <summary>What was met too seldom.</summary>
    public static List<string> Missed(Tally tally)
    {
        var missed = Known.Where(known => tally.Counts.GetValueOrDefault(known) == 0).Select(static known => $"{known.Name}: 0").ToList();
        foreach (var ((group, name), count) in tally.Counts)
        {
            var least = group switch
            {
                TallyGroup.Fault or TallyGroup.Crash => EachFault,
                TallyGroup.Other => 0,
                _ => EachOther,
            };
            if (count < least) missed.Add($"{name}: {count} of {least}");
        }
        return missed;
    }
}
