namespace ReadStateStream.Snapshot.Files;

/// <summary>Consecutive runs to be merged, by their place in the catalog.</summary>
/// <param name="First">The oldest.</param>
/// <param name="Count">How many.</param>
internal readonly record struct MergeRange(int First, int Count);

/// <summary>
/// Which runs to merge. Newer runs in tiers: four of about one length become one, so a row is written again once a
/// tier, that is logarithmically often. All of them into the oldest once they are together as long as it: so the rows
/// take at most about twice their space.
/// </summary>
internal static class MergePlan
{
    public const int Fanout = 4;

    /// <summary>Lengths of one tier differ at most by this factor.</summary>
    private const int TierFactor = 2;

    /// <summary>More runs than this are merged whatever their lengths: each is a block to be read by every question.</summary>
    public const int RunsMax = 32;

    /// <summary>The next range, or null where nothing is to be merged.</summary>
    /// <param name="lengths">Lengths of the runs from the oldest, bytes.</param>
    /// <param name="busy">Runs that are being merged.</param>
    /// <param name="small">Shorter ones count as this long.</param>
    public static MergeRange? Next(ReadOnlySpan<long> lengths, Func<int, bool> busy, long small)
    {
        var free = 0; // Free ones from the oldest on.
        long newer = 0;
        while (free < lengths.Length && !busy(free))
        {
            if (free > 0) newer += Math.Max(lengths[free], small);
            free++;
        }
        var least = newer < small * Fanout ? Fanout : 1;
        if (free > least && newer >= Math.Max(lengths[0], small)) return new MergeRange(0, free);
        for (var last = lengths.Length - 1; last > 0; last--)
            if (Tier(lengths, busy, small, last) is { } range)
                return range;
        return lengths.Length > RunsMax && Longest(lengths.Length, busy) is { Count: > Fanout } any ? any : null;
    }

    private static MergeRange? Tier(ReadOnlySpan<long> lengths, Func<int, bool> busy, long small, int last)
    {
        if (busy(last)) return null;
        var longest = Math.Max(lengths[last], small);
        var first = last;
        while (first > 1 && !busy(first - 1) && Math.Max(lengths[first - 1], small) <= longest * TierFactor)
            longest = Math.Max(longest, lengths[--first]);
        var count = last - first + 1;
        return count >= Fanout ? new MergeRange(first, count) : null;
    }

    private static MergeRange Longest(int count, Func<int, bool> busy)
    {
        var best = default(MergeRange);
        for (var first = 1; first < count; first++)
        {
            var end = first;
            while (end < count && !busy(end)) end++;
            if (end - first > best.Count) best = new MergeRange(first, end - first);
            first = end;
        }
        return best;
    }
}
