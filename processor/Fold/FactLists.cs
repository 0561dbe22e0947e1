namespace ReadStateStream.Fold;

/// <summary>
/// The id lists of a batch of facts, one after the other in one buffer that grows and is used again, so
/// that a batch allocates nothing. One thread at a time.
/// </summary>
public sealed class FactLists
{
    private const int InitialCapacity = 1024;

    private ulong[] items = new ulong[InitialCapacity];

    /// <summary>Number of ids held.</summary>
    public int Count { get; private set; }

    /// <summary>The list of a fact, ascending, each id once. Valid until the next addition or removal.</summary>
    public ReadOnlySpan<ulong> Of(in Fact fact) => items.AsSpan(fact.ListStart, fact.ListCount);

    /// <summary>Forgets all lists; the buffer is kept.</summary>
    public void Clear() => Count = 0;

    /// <summary>Forgets what was added after <see cref="Count"/> was this.</summary>
    public void TruncateTo(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)Count, nameof(count));
        Count = count;
    }

    /// <summary>Appends an id.</summary>
    public void Add(ulong id)
    {
        if (Count == items.Length) Array.Resize(ref items, items.Length * 2);
        items[Count++] = id;
    }

    /// <summary>Sorts what was added from a start on, drops repetitions, and says how many ids remain.</summary>
    public int SortDistinct(int start)
    {
        var list = items.AsSpan(start, Count - start);
        if (list.Length < 2) return list.Length;
        list.Sort();
        var kept = 1;
        for (var i = 1; i < list.Length; i++)
            if (list[i] != list[kept - 1]) list[kept++] = list[i];
        Count = start + kept;
        return kept;
    }
}
