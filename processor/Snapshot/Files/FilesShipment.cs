// A ship: rows are sorted in memory, spilled in parts where they are many, merged into one run, which the next catalog
// names together with the position. Nothing is visible before.
using System.Globalization;

namespace ReadStateStream.Snapshot.Files;

/// <summary>One ship into a partition's folder. Not thread-safe.</summary>
internal sealed class FilesShipment(PartitionShips ships, long @base, long since, SnapshotMark target) : IShipment
{
    private const int PartsMerged = 16;

    private readonly PartitionFolder _folder = ships.Folder;
    private readonly SortBuffer _buffer = new();
    private readonly List<(RunEntry Run, int Level)> _parts = [];
    private readonly Guid _id = ships.Folder.Options.NewId();
    private string? _run;
    private int _partsNamed;
    private bool _isBroken;
    private bool _ended;
    private bool _mayBeCommitted;

    public Task WriteAsync(IReadOnlyList<SnapshotRow> aggregate, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        for (var i = 0; i < aggregate.Count; i++)
        {
            var row = aggregate[i];
            // Refused before it is stored: the version has 44 bits for it.
            _ = LineageEntry.Version(LineageEntry.FirstNumber, row.Offset);
            _buffer.Add(row);
        }
        return _buffer.Bytes < _folder.Options.SortBytes ? Task.CompletedTask : DiskCall.RunBesideAsync(_folder.Options.Inline, Spill, cancellation);
    }

    private bool Spill()
    {
        _isBroken = true; // Until it has gone well: rows that a spill lost are in no part.
        AddPart(_buffer.WriteTo, level: 0);
        // Merged in levels, so that there are never many to be open at once.
        while (_parts.Count >= PartsMerged && _parts[^PartsMerged].Level == _parts[^1].Level)
        {
            var merged = _parts[^PartsMerged..];
            AddPart(writer => Merge(merged, writer, CancellationToken.None), merged[0].Level + 1);
            _parts.RemoveRange(_parts.Count - 1 - PartsMerged, PartsMerged);
            foreach (var (part, _) in merged) _folder.Options.Disk.Delete(_folder.PathOf(part.Name));
        }
        _isBroken = false;
        return true;
    }

    private void AddPart(Action<RunWriter> write, int level)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{PartitionNames.Based("part", @base, _id)}.{_partsNamed++}");
        _parts.Add((new RunEntry(name, 0, 0, 0), level)); // Named before it is there, so that it is deleted whatever happens.
        using var writer = NewWriter(name);
        write(writer);
        _parts[^1] = (writer.Finish(sync: false), level);
    }

    private RunWriter NewWriter(string name) => new(_folder.Options.Disk, _folder.PathOf(name), _folder.Options.BlockBytes);

    public Task CompleteAsync(CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_ended, this);
        _ended = true;
        return DiskCall.RunBesideAsync(_folder.Options.Inline, () =>
        {
            try
            {
                Complete(cancellation);
                return true;
            }
            finally
            {
                DeleteFiles();
            }
        }, cancellation);
    }

    private void Complete(CancellationToken cancellation)
    {
        if (_isBroken) throw new SnapshotUnavailableException("Rows of this ship could not be written; begin it again.");
        ships.RequirePlace();
        var run = WriteRun(cancellation);
        _folder.Options.Reach?.Invoke("files-after-run");
        cancellation.ThrowIfCancellationRequested();
        var present = _folder.Commit((catalog, number) => Change(catalog, number, run));
        // Written into what lies under a volume that went away meanwhile, it would not be there when that comes back.
        ships.RequirePlace();
        if (present is not null) ships.KeepUp(present, run.Length);
    }

    private RunEntry WriteRun(CancellationToken cancellation)
    {
        _run = PartitionNames.Based("run", @base, _id);
        RunEntry entry;
        using (var writer = NewWriter(_run))
        {
            if (_parts.Count == 0) _buffer.WriteTo(writer);
            else MergeAll(writer, cancellation);
            entry = writer.Finish();
        }
        _folder.Options.Disk.SyncFolder(_folder.Folder);
        return entry;
    }

    private void MergeAll(RunWriter writer, CancellationToken cancellation)
    {
        if (!_buffer.IsEmpty) AddPart(_buffer.WriteTo, level: 0);
        Merge(_parts, writer, cancellation);
    }

    private void Merge(List<(RunEntry Run, int Level)> parts, RunWriter writer, CancellationToken cancellation)
    {
        List<RunFile> open = [];
        try
        {
            foreach (var (part, _) in parts) open.Add(RunFile.Open(_folder.Options.Disk, _folder.Folder, part, damaged: null));
            var merge = PartitionView.Merge(open.Select(static part => new RunCursor(part, floor: 0, reuses: true)));
            while (merge.MoveNext())
            {
                writer.Add(merge.Current);
                cancellation.ThrowIfCancellationRequested();
            }
        }
        catch (SnapshotDamagedException e)
        {
            throw new SnapshotUnavailableException("What was spilled does not come back as it was; begin the ship again.", e);
        }
        finally
        {
            foreach (var part in open) part.Release();
        }
    }

    /// <summary>The catalog with these rows; null where nothing of them is needed.</summary>
    private Catalog? Change(Catalog? present, long number, RunEntry run)
    {
        if (present is null) return Found(number, run);
        if (!present.Accepts(@base, run.Name))
        {
            // All of a late ship is in the rows already.
            if (target.Position <= present.Position) return null;
            throw new SnapshotUnavailableException("Others have shipped for so long that this ship was dismissed; begin it again.");
        }
        if (since > present.Position) throw new SnapshotBehindException(present.Position, since);
        _mayBeCommitted = true;
        return present with
        {
            Runs = run.Rows > 0 ? [.. present.Runs, run] : present.Runs,
            Shipped = present.Shipped is { } shipped && shipped.Position >= target.Position ? shipped : target,
            LeastBase = Math.Max(present.LeastBase, number - Catalog.BaseWindow),
            Growing = ships.Growing,
        };
    }

    // Nothing whole is there: these rows are everything below the target, so they are all that counts below it.
    private Catalog Found(long number, RunEntry run)
    {
        if (since > 0) throw new SnapshotDamagedException($"Nothing whole is left in '{_folder.Folder}' to build on.");
        _folder.Notify(SnapshotNoticeKind.Refounded, $"catalog {number}, position {target.Position}");
        _mayBeCommitted = true;
        return Catalog.Empty with { Runs = [run], Shipped = target, Floor = target.Position, LeastBase = number };
    }

    private void DeleteFiles()
    {
        foreach (var (part, _) in _parts) _folder.Options.Disk.DeleteQuietly(_folder.PathOf(part.Name));
        if (_run is not null && !_mayBeCommitted) _folder.Options.Disk.DeleteQuietly(_folder.PathOf(_run));
        _parts.Clear();
    }

    public ValueTask DisposeAsync()
    {
        if (_ended) return ValueTask.CompletedTask;
        _ended = true;
        DeleteFiles();
        return ValueTask.CompletedTask;
    }
}
