namespace ReadStateStream.Snapshot.Files;

/// <summary>A merge under way: a slice after each ship, so that a long one takes its share of many. Not thread-safe.</summary>
internal sealed class MergeJob : IDisposable
{
    private const int RowsBetweenLooks = 256;

    private readonly PartitionFolder _folder;
    private readonly PartitionView _view;
    private readonly MergeRange _range;
    private readonly List<RunCursor> _cursors;
    private readonly RowMerge _merge;
    private readonly RunWriter _writer;
    private readonly long _base;
    private long _floor;
    private bool _mayBeCommitted;

    /// <param name="folder">The partition's.</param>
    /// <param name="view">The rows; taken over.</param>
    /// <param name="range">Runs of the view to merge.</param>
    public MergeJob(PartitionFolder folder, PartitionView view, MergeRange range)
    {
        (_folder, _view, _range, _base) = (folder, view, range, view.Catalog.Number);
        try
        {
            _cursors = [.. Enumerable.Range(range.First, range.Count).Select(run => view.CursorOf(run, reuses: true))];
            _merge = PartitionView.Merge(_cursors);
            Output = PartitionNames.Based("run", _base, folder.Options.NewId());
            _writer = new RunWriter(folder.Options.Disk, folder.PathOf(Output), folder.Options.BlockBytes);
        }
        catch
        {
            view.Release();
            throw;
        }
    }

    /// <summary>Name of the run it writes.</summary>
    public string Output { get; }

    private IEnumerable<RunEntry> Inputs => _view.Catalog.Runs.Skip(_range.First).Take(_range.Count);

    /// <summary>Bytes read and to be read.</summary>
    public long Bytes => Inputs.Sum(static run => run.Length);

    public bool Concerns(RunEntry run) => Inputs.Contains(run);

    /// <summary>Whether its inputs are still there, one after another.</summary>
    public bool IsOf(Catalog catalog) => PlaceIn(catalog) >= 0;

    private int PlaceIn(Catalog catalog)
    {
        var first = catalog.Runs.ToList().IndexOf(Inputs.First());
        if (first < 0 || (first == 0) != (_range.First == 0)) return -1;
        return catalog.Runs.Skip(first).Take(_range.Count).SequenceEqual(Inputs) ? first : -1;
    }

    /// <summary>Merges about so many bytes; true when all is merged.</summary>
    /// <param name="budget">Bytes to read; lessened by those that were.</param>
    public bool Step(ref long budget)
    {
        var before = BytesRead;
        while (BytesRead - before < budget)
        {
            for (var row = 0; row < RowsBetweenLooks; row++)
            {
                if (!_merge.MoveNext())
                {
                    budget -= BytesRead - before;
                    return true;
                }
                Keep(_merge.Current);
            }
        }
        budget = 0;
        return false;
    }

    private long BytesRead => _cursors.Sum(static cursor => cursor.BytesRead);

    // In the oldest run a tombstone has nothing left to hide; late rows that it would have hidden lie below the floor.
    private void Keep(in SnapshotRow row)
    {
        if (_range.First == 0 && row.Value.IsEmpty && row.Offset < _view.Catalog.Position) _floor = Math.Max(_floor, row.Offset + 1);
        else _writer.Add(row);
    }

    /// <summary>Puts the output in the place of the inputs; null where they are no longer there.</summary>
    public Catalog? Commit()
    {
        var output = _writer.Finish();
        _folder.Options.Disk.SyncFolder(_folder.Folder);
        _folder.Options.Reach?.Invoke("files-before-merge");
        var merged = _folder.Commit((present, _) =>
        {
            if (present is null || !present.Accepts(_base, Output) || PlaceIn(present) is var place && place < 0) return null;
            _mayBeCommitted = true;
            var runs = present.Runs.ToList();
            runs.RemoveRange(place, _range.Count);
            runs.Insert(place, output); // Empty too: the run after it is not the oldest, and not complete below the floor.
            return present with
            {
                Runs = runs,
                Floor = Math.Max(present.Floor, _floor),
                Growing = [.. present.Growing.Where(name => name != Output)],
            };
        });
        _folder.Options.Reach?.Invoke("files-after-merge");
        return merged;
    }

    public void Dispose()
    {
        _writer.Dispose();
        _view.Release();
        if (!_mayBeCommitted) _folder.Options.Disk.DeleteQuietly(_folder.PathOf(Output));
    }
}
