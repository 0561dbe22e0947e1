using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>
/// A whole catalog with its runs open: one moment of a partition, readable also after writers went on. Counted like
/// its runs. Thread-safe.
/// </summary>
internal sealed class PartitionView(Catalog catalog, IReadOnlyList<RunFile> runs)
{
    private readonly Lock _lock = new();
    private int _users = 1;

    public Catalog Catalog { get; } = catalog;

    public IReadOnlyList<RunFile> Runs { get; } = runs;

    /// <summary>One more user; false where the last one has closed it.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            if (_users == 0) return false;
            _users++;
            return true;
        }
    }

    public void Release()
    {
        lock (_lock)
            if (--_users > 0)
                return;
        foreach (var run in Runs) run.Release();
    }

    private long FloorOf(int run) => run == 0 ? 0 : Catalog.Floor;

    /// <summary>Merges consecutive runs, from their beginning.</summary>
    public static RowMerge Merge(IEnumerable<RunCursor> cursors)
    {
        var merge = new RowMerge();
        foreach (var cursor in cursors)
            if (cursor.MoveNext())
                merge.Add(cursor);
        return merge;
    }

    /// <summary>A cursor before the first row of a run.</summary>
    /// <param name="run">Its place.</param>
    /// <param name="reuses">Whether values are used at once, so that the memory of blocks is used again.</param>
    public RunCursor CursorOf(int run, bool reuses = false) => new(Runs[run], FloorOf(run), reuses);

    /// <summary>All rows that stand, without tombstones.</summary>
    public IEnumerable<SnapshotRow> Rows()
    {
        var merge = Merge(Runs.Select((_, i) => CursorOf(i)));
        while (merge.MoveNext())
            if (!merge.Current.Value.IsEmpty)
                yield return merge.Current;
    }

    /// <summary>Adds the rows whose roots lie in a range, both ends included, to a set.</summary>
    public void AddRange(RowSet rows, Key16 first, Key16 last)
    {
        var merge = new RowMerge();
        for (var i = 0; i < Runs.Count; i++)
        {
            var cursor = CursorOf(i);
            if (cursor.MoveTo(first)) merge.Add(cursor);
        }
        while (merge.MoveNext() && RowOrder.Compare(merge.Current.Root, last) <= 0)
            if (!merge.Current.Value.IsEmpty)
                rows.Add(merge.Current);
    }
}
