using System.Collections.Concurrent;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Snapshot.Files;

/// <summary>
/// The folder of one partition in one lineage: finds its newest whole catalog, commits the next one, tidies up. Several
/// processes may do so at once. Thread-safe.
/// </summary>
internal sealed class PartitionFolder(FilesSnapshotOptions options, LineageFolder lineages, string folder, SnapshotPartition partition)
{
    private const int AttemptsMax = 100;

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, bool> _damagedRuns = [];
    private PartitionView? _view;
    private long _lastFallBack;

    public string Folder => folder;

    public FilesSnapshotOptions Options => options;

    private DiskOperations Disk => options.Disk;

    public string PathOf(string name) => Path.Combine(folder, name);

    public void Notify(SnapshotNoticeKind kind, string detail) => options.Notice?.Invoke(new SnapshotNotice(kind, partition, detail));

    /// <summary>Numbers of the catalogs that lie here, from the newest.</summary>
    public List<long> CatalogNumbers()
    {
        List<long> numbers = [];
        foreach (var name in Disk.List(folder) ?? [])
            if (PartitionNames.TryCatalog(name, out var number))
                numbers.Add(number);
        numbers.Sort(static (left, right) => right.CompareTo(left));
        return numbers;
    }

    /// <summary>Intents above a position.</summary>
    /// <exception cref="SnapshotDamagedException">The name of one fails its checksum.</exception>
    public List<SnapshotMark> OpenIntents(long position)
    {
        List<SnapshotMark> open = [];
        foreach (var name in Disk.List(folder) ?? [])
            if (IntentName.TryRead(name, out var mark) && mark.Position > position)
                open.Add(mark);
        open.Sort(static (left, right) => left.Position.CompareTo(right.Position));
        return open;
    }

    /// <summary>The newest whole catalog with its runs, to be released; null where nothing was ever shipped.</summary>
    /// <exception cref="SnapshotDamagedException">There is none, but there was.</exception>
    public PartitionView? Load()
    {
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            var numbers = CatalogNumbers();
            if (numbers.Count == 0)
            {
                if (!lineages.HasBegun(partition)) return null;
                throw new SnapshotDamagedException($"'{folder}' has no catalog any more.");
            }
            if (Cached(numbers[0]) is { } cached) return cached;
            SnapshotDamagedException? failure = null;
            foreach (var number in numbers)
            {
                try
                {
                    if (Open(number) is not { } view) break; // Deleted meanwhile: there is a newer one.
                    // So it is where a newer one lacked what was deleted meanwhile: that one is old then, and not damaged.
                    if (failure is null || IsNewest(numbers[0])) return Accept(view, numbers[0], failure);
                    view.Release();
                    failure = null;
                    break;
                }
                catch (SnapshotDamagedException e)
                {
                    // A catalog goes before its runs do: one that is gone by now was replaced, and is not damaged. (A list of the
                    // folder may lack what is made while it is read.)
                    if (Disk.Length(PathOf(PartitionNames.CatalogOf(number))) is null)
                    {
                        failure = null;
                        break;
                    }
                    failure ??= e;
                }
            }
            // What is missing may have been tidied up while we looked; then there is a newer catalog.
            if (failure is not null && IsNewest(numbers[0])) throw failure;
        }
        throw new SnapshotUnavailableException($"'{folder}' changes faster than it can be read.");
    }

    private bool IsNewest(long number) => CatalogNumbers() is [var newest, ..] && newest == number;

    private PartitionView? Cached(long newest)
    {
        lock (_lock)
        {
            if (_view is null || _view.Catalog.Number != newest || _view.Runs.Any(run => _damagedRuns.ContainsKey(run.Entry.Name))) return null;
            return _view.TryTake() ? _view : null;
        }
    }

    private PartitionView Accept(PartitionView view, long newest, SnapshotDamagedException? failure)
    {
        if (failure is not null)
        {
            if (Interlocked.Exchange(ref _lastFallBack, newest) != newest)
                Notify(SnapshotNoticeKind.FellBack, $"catalog {newest} -> {view.Catalog.Number}: {failure.Message}");
            return view;
        }
        PartitionView? former;
        lock (_lock)
        {
            view.TryTake();
            (former, _view) = (_view, view);
        }
        former?.Release();
        return view;
    }

    /// <summary>Reads a catalog; null where the file does not exist.</summary>
    private Catalog? ReadCatalog(long number)
    {
        var path = PathOf(PartitionNames.CatalogOf(number));
        var catalog = SealedFile.Read<Catalog>(Disk, Catalog.Kind, path);
        if (catalog is not null && catalog.Number != number) throw new SnapshotDamagedException($"'{path}' is catalog {catalog.Number}.");
        return catalog;
    }

    private PartitionView? Open(long number)
    {
        if (ReadCatalog(number) is not { } catalog) return null;
        List<RunFile> runs = [];
        try
        {
            foreach (var entry in catalog.Runs)
            {
                if (_damagedRuns.ContainsKey(entry.Name)) throw new SnapshotDamagedException($"'{PathOf(entry.Name)}' was found damaged.");
                runs.Add(OpenedBefore(entry) ?? RunFile.Open(Disk, folder, entry, NoteDamaged));
            }
            return new PartitionView(catalog, runs);
        }
        catch
        {
            foreach (var run in runs) run.Release();
            throw;
        }
    }

    private RunFile? OpenedBefore(RunEntry entry)
    {
        lock (_lock) return _view?.Runs.FirstOrDefault(run => run.Entry == entry)?.Take();
    }

    private void NoteDamaged(string run)
    {
        if (_damagedRuns.TryAdd(run, true)) Notify(SnapshotNoticeKind.DamagedRun, run);
    }

    /// <summary>
    /// Creates the next catalog. Of two writers one has to look again: the change is computed anew from what is then there.
    /// </summary>
    /// <param name="change">From the present catalog (null: there is none that is whole) and the next number; null: nothing to do.</param>
    /// <returns>The newest catalog, with the change; null where there was nothing to do.</returns>
    public Catalog? Commit(Func<Catalog?, long, Catalog?> change)
    {
        var commit = options.NewId();
        for (var attempt = 0; attempt < AttemptsMax; attempt++)
        {
            // Numbers first: a catalog that comes after makes the number be taken.
            var newest = CatalogNumbers() is [var first, ..] ? first : 0;
            var present = Present();
            if (present is not null && present.Commits.Contains(commit)) return present;
            var number = Math.Max(newest, present?.Number ?? 0) + 1;
            if (change(present, number) is not { } next) return null;
            var commits = (present?.Commits ?? []).TakeLast(Catalog.CommitsKept - 1).Append(commit).ToList();
            next = next with { Number = number, Previous = present?.Number ?? 0, Commits = commits };
            var temporary = PathOf(PartitionNames.Based("tmp", number, options.NewId()));
            options.Reach?.Invoke("files-before-catalog");
            // Whether it was the newest shows the next look.
            SealedFile.TryCreate(Disk, temporary, PathOf(PartitionNames.CatalogOf(number)), SealedFile.Seal(Catalog.Kind, next));
            options.Reach?.Invoke("files-after-catalog");
        }
        throw new SnapshotUnavailableException($"'{folder}' changes faster than it can be written.");
    }

    private Catalog? Present()
    {
        try
        {
            if (Load() is not { } view) return null;
            view.Release();
            return view.Catalog;
        }
        catch (SnapshotDamagedException)
        {
            return null;
        }
    }

    /// <summary>Files that the two newest catalogs name.</summary>
    public IEnumerable<string> Needed(Catalog present)
    {
        var previous = present.Previous == 0 ? null : ReadCatalog(present.Previous);
        return present.Runs.Concat(previous?.Runs ?? []).Select(static run => run.Name).Concat(present.Growing);
    }

    /// <summary>Deletes what no catalog of the two newest needs and nobody can commit any more.</summary>
    /// <param name="present">The newest catalog.</param>
    /// <param name="own">Files of this process that are still being written.</param>
    public void Tidy(Catalog present, IReadOnlySet<string> own)
    {
        var needed = Needed(present).Concat(own).ToHashSet(StringComparer.Ordinal);
        var names = Disk.List(folder) ?? [];
        foreach (var name in names)
            if (PartitionNames.TryCatalog(name, out var number) && number < present.Number && number != present.Previous)
                DeleteCatalog(number, needed);
        options.Reach?.Invoke("files-in-tidy");
        foreach (var name in names)
        {
            if (PartitionNames.TryBased(name, out var @base) ? @base < present.LeastBase && !needed.Contains(name) : IsPassed(name, present))
                Disk.Delete(PathOf(name));
        }
    }

    private static bool IsPassed(string name, Catalog present)
    {
        try
        {
            return IntentName.TryRead(name, out var mark) && mark.Position <= present.Position;
        }
        catch (SnapshotDamagedException)
        {
            return false;
        }
    }

    // First the catalog, so that nobody falls back to one without its runs.
    private void DeleteCatalog(long number, HashSet<string> needed)
    {
        IReadOnlyList<RunEntry> runs;
        try
        {
            runs = ReadCatalog(number)?.Runs ?? [];
        }
        catch (SnapshotDamagedException)
        {
            runs = []; // They go by their base.
        }
        Disk.Delete(PathOf(PartitionNames.CatalogOf(number)));
        foreach (var run in runs)
            if (!needed.Contains(run.Name))
                Disk.Delete(PathOf(run.Name));
    }

    /// <summary>Closes what is kept open between calls.</summary>
    public void Close()
    {
        PartitionView? view;
        lock (_lock) (view, _view) = (_view, null);
        view?.Release();
    }
}
