using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Ships into one partition's folder, and the merging and tidying up that they pay for. Thread-safe.</summary>
internal sealed class PartitionShips(PartitionFolder folder, StoreFolder root, LineageFolder lineages, SnapshotPartition partition)
{
    /// <summary>Ships that ended without a word whose files are left lying, before all that are under way are dismissed.</summary>
    private const int AbandonedMax = 4;

    private readonly Lock _lock = new();
    private readonly List<MergeJob> _jobs = [];
    private volatile IReadOnlyList<string> _growing = [];

    public PartitionFolder Folder => folder;

    /// <summary>Outputs of merges under way in this process.</summary>
    public IReadOnlyList<string> Growing => _growing;

    private DiskOperations Disk => folder.Options.Disk;

    /// <summary>Makes sure that the store and the lineage are there.</summary>
    public void RequirePlace()
    {
        root.Attach();
        lineages.Require(partition.Lineage);
    }

    public FilesShipment Begin(long since, in SnapshotMark target)
    {
        RequirePlace();
        var present = Present(since);
        if (since > present.Position) throw new SnapshotBehindException(present.Position, since);
        if (target.Position > present.Position)
        {
            Disk.Create(folder.PathOf(IntentName.Of(target))).Dispose();
            Disk.SyncFolder(folder.Folder);
        }
        return new FilesShipment(this, present.Number, since, target);
    }

    /// <summary>The catalog to build on; of a first ship an empty one. What is damaged is left to a ship of everything.</summary>
    private Catalog Present(long since)
    {
        Catalog? present;
        try
        {
            present = Look();
        }
        catch (SnapshotDamagedException) when (since == 0)
        {
            CreateFolder();
            return Catalog.Empty with { Number = folder.CatalogNumbers() is [var newest, ..] ? newest : 0 };
        }
        if (present is null)
        {
            CreateFolder();
            present = folder.Commit(static (other, _) => other is null ? Catalog.Empty : null) ?? Look()!;
        }
        lineages.NoteBegun(partition);
        return IsLittered(present) ? Dismiss(present) : present;
    }

    private void CreateFolder() => root.CreateFolders(FilesSnapshotStore.RowsFolder, Name(partition.Lineage), Name(partition.Number));

    public static string Name(long number) => number.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private Catalog? Look()
    {
        if (folder.Load() is not { } view) return null;
        view.Release();
        return view.Catalog;
    }

    /// <summary>Whether more ships and merges than usual left files here that no catalog names.</summary>
    private bool IsLittered(Catalog present)
    {
        HashSet<string> named;
        try
        {
            named = folder.Needed(present).Concat(_growing).ToHashSet(StringComparer.Ordinal);
        }
        catch (SnapshotDamagedException)
        {
            return false; // The catalog before is damaged; the present one is not, and that is what counts.
        }
        return (Disk.List(folder.Folder) ?? [])
            .Where(name => PartitionNames.TryBased(name, out var @base) && @base >= present.LeastBase && !named.Contains(name))
            .Select(static name => name.Split('.')[2]).Distinct(StringComparer.Ordinal).Count() > AbandonedMax;
    }

    private Catalog Dismiss(Catalog present)
    {
        var dismissed = folder.Commit((other, number) => other is null ? null : other with { LeastBase = number, Growing = _growing });
        if (dismissed is null) return present;
        KeepUp(dismissed, 0);
        return Look() ?? dismissed;
    }

    /// <summary>Tidies up and merges a share; an error is told and left to the next ship: this one is done.</summary>
    public void KeepUp(Catalog present, long shipped)
    {
        lock (_lock)
        {
            try
            {
                folder.Tidy(present, _growing.ToHashSet(StringComparer.Ordinal));
                Merge(Math.Max(folder.Options.MergeBytesMin, shipped * folder.Options.MergeBytesPerShipped));
            }
            catch (Exception e) when (DiskCall.IsOfDisk(e) || e is SnapshotDamagedException or SnapshotUnavailableException)
            {
                End(_jobs);
                folder.Notify(SnapshotNoticeKind.UpkeepFailed, e.Message);
            }
        }
    }

    private void Merge(long budget)
    {
        while (budget > 0)
        {
            if (folder.Load() is not { } view) return;
            try
            {
                End(_jobs.Where(job => !job.IsOf(view.Catalog)));
                Plan(view);
            }
            finally
            {
                view.Release();
            }
            // The shortest first: questions wait for the many, not for the long.
            if (_jobs.MinBy(static job => job.Bytes) is not { } next || !next.Step(ref budget)) return;
            var merged = next.Commit();
            End([next]);
            if (merged is not null) folder.Tidy(merged, _growing.ToHashSet(StringComparer.Ordinal));
        }
    }

    private void Plan(PartitionView view)
    {
        var runs = view.Catalog.Runs;
        var lengths = runs.Select(static run => run.Length).ToArray();
        while (MergePlan.Next(lengths, run => _jobs.Any(job => job.Concerns(runs[run])), folder.Options.SmallRunBytes) is { } range)
        {
            if (!view.TryTake()) return;
            _jobs.Add(new MergeJob(folder, view, range));
            _growing = [.. _jobs.Select(static job => job.Output)];
        }
    }

    private void End(IEnumerable<MergeJob> jobs)
    {
        foreach (var job in jobs.ToList())
        {
            _jobs.Remove(job);
            job.Dispose();
        }
        _growing = [.. _jobs.Select(static job => job.Output)];
    }

    /// <summary>Ends merges under way and closes what is kept open.</summary>
    public void Close()
    {
        lock (_lock) End(_jobs);
        folder.Close();
    }
}
