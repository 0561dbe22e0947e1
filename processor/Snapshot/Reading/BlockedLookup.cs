namespace ReadStateStream.Snapshot.Reading;

/// <summary>Whom users blocked: per user the set of blocked ids, sorted. A user absent here blocked nobody.</summary>
public sealed class BlockedLookup
{
    private readonly Dictionary<ulong, ulong[]> blocked = [];

    /// <summary>Adds a user; the ids need no order.</summary>
    public void Add(ulong user, IEnumerable<ulong> ids)
    {
        var sorted = ids.ToArray();
        Array.Sort(sorted);
        blocked[user] = sorted;
    }

    /// <summary>Sorted ids; empty where the user blocked nobody.</summary>
    public ReadOnlySpan<ulong> Of(ulong user) => blocked.TryGetValue(user, out var ids) ? ids : default;
}
