namespace ReadStateStream.Simulation;

/// <summary>What the counts are of; each has a least number in a full run.</summary>
internal enum TallyGroup { Fault, Crash, Source, Refusal, Watchdog, Other }

/// <summary>How often the product met what. One run writes to one of its own; sums are taken afterwards.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<(TallyGroup Group, string Name), long> counts = new(
        Comparer<(TallyGroup Group, string Name)>.Create(static (x, y) =>
            x.Group != y.Group ? x.Group.CompareTo(y.Group) : string.CompareOrdinal(x.Name, y.Name)));

    public IReadOnlyDictionary<(TallyGroup Group, string Name), long> Counts => counts;

    public void Add(TallyGroup group, string name, long by = 1) => counts[(group, name)] = counts.GetValueOrDefault((group, name)) + by;

    public void Add(Tally other)
    {
        foreach (var (key, count) in other.counts) Add(key.Group, key.Name, count);
    }
}
