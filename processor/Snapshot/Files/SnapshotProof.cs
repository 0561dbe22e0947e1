// Reads everything that lies in a partition's folder of a `files` store: all catalogs, each run that one of them names, each
// block, each row. Unlike a reader it does not fall back: whatever is damaged is said.
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>A catalog that is whole.</summary>
/// <param name="Number">Its number; the greatest is the truth.</param>
/// <param name="Position">The shipped position.</param>
/// <param name="Runs">Runs that it names.</param>
/// <param name="Rows">Rows in them, repeated ones and tombstones included.</param>
public sealed record ProvenCatalog(long Number, long Position, int Runs, long Rows);

/// <summary>What reading a partition's rows showed.</summary>
/// <param name="Partition">Which.</param>
/// <param name="Catalogs">Whole catalogs, the newest first.</param>
/// <param name="Rows">Rows that stand, by the newest catalog; tombstones left out.</param>
/// <param name="Bytes">Bytes of runs read.</param>
/// <param name="OpenIntents">Ships begun and not completed, above the shipped position.</param>
/// <param name="Damage">What does not hold, each with its file; empty: all is well.</param>
public sealed record ProvenRows(
    SnapshotPartition Partition, IReadOnlyList<ProvenCatalog> Catalogs, long Rows, long Bytes, IReadOnlyList<SnapshotMark> OpenIntents,
    IReadOnlyList<string> Damage)
{
    /// <summary>The shipped position; 0 where nothing was shipped.</summary>
    public long Position => Catalogs.Count == 0 ? 0 : Catalogs[0].Position;
}

/// <summary>Proves the rows of a `files` store. Beside live writers: what they delete meanwhile is no damage.</summary>
public sealed class SnapshotProof
{
    private readonly FilesSnapshotOptions _options;
    private readonly StoreFolder _root;
    private readonly LineageFolder _lineages;

    /// <summary>Nothing is touched before the first call.</summary>
    public SnapshotProof(FilesSnapshotOptions options, TimeProvider time)
    {
        _options = options;
        _root = new StoreFolder(options);
        _lineages = new LineageFolder(options, _root, time);
    }

    /// <summary>Partitions of all lineages that rows were begun for.</summary>
    /// <exception cref="SnapshotUnavailableException">The store is not there.</exception>
    /// <exception cref="SnapshotDamagedException">Its marker or a lineage is damaged.</exception>
    public IReadOnlyList<SnapshotPartition> Partitions() => DiskCall.Guard<IReadOnlyList<SnapshotPartition>>(() =>
    {
        _root.Attach();
        List<SnapshotPartition> found = [];
        foreach (var lineage in _lineages.List())
            for (var number = 0; number < lineage.Identity.Partitions; number++)
                if (new SnapshotPartition(lineage.Number, number) is var partition && (_lineages.HasBegun(partition) || _options.Disk.List(PathOf(partition)) is not null))
                    found.Add(partition);
        return found;
    });

    private string PathOf(SnapshotPartition partition) =>
        Path.Combine(_options.Folder, FilesSnapshotStore.RowsFolder, PartitionShips.Name(partition.Lineage), PartitionShips.Name(partition.Number));

    /// <summary>Bytes of the partition's runs.</summary>
    /// <exception cref="SnapshotUnavailableException">The disk does not answer.</exception>
    public long BytesOf(SnapshotPartition partition) => DiskCall.Guard(() =>
        (_options.Disk.List(PathOf(partition)) ?? []).Where(name => name.StartsWith("run.", StringComparison.Ordinal))
            .Sum(name => _options.Disk.Length(Path.Combine(PathOf(partition), name)) ?? 0));

    /// <summary>Reads everything of one partition.</summary>
    /// <exception cref="SnapshotUnavailableException">The disk does not answer.</exception>
    public ProvenRows Run(SnapshotPartition partition, Action<long> progress) => DiskCall.Guard(() =>
    {
        var before = Newest(partition);
        var proven = Prove(partition, progress);
        // Tidied up while it was read: the newer catalog tells.
        return proven.Damage.Count > 0 && Newest(partition) != before ? Prove(partition, static _ => { }) : proven;
    });

    private PartitionFolder FolderOf(SnapshotPartition partition) => new(_options, _lineages, PathOf(partition), partition);

    private long Newest(SnapshotPartition partition) => FolderOf(partition).CatalogNumbers() is [var newest, ..] ? newest : 0;

    private ProvenRows Prove(SnapshotPartition partition, Action<long> progress)
    {
        var folder = FolderOf(partition);
        List<string> damage = [];
        List<ProvenCatalog> whole = [];
        var runs = new Dictionary<RunEntry, bool>();
        long rows = -1;
        var numbers = folder.CatalogNumbers();
        if (numbers.Count == 0 && _lineages.HasBegun(partition)) damage.Add($"'{folder.Folder}' has no catalog any more.");
        foreach (var number in numbers)
        {
            if (ReadCatalog(folder, number, damage) is not { } catalog) continue;
            foreach (var entry in catalog.Runs)
                if (!runs.ContainsKey(entry))
                    runs[entry] = ProveRun(folder, entry, damage, progress);
            if (!catalog.Runs.All(entry => runs[entry])) continue;
            if (rows < 0) rows = CountStanding(folder, catalog);
            whole.Add(new ProvenCatalog(number, catalog.Position, catalog.Runs.Count, catalog.Runs.Sum(entry => entry.Rows)));
        }
        var intents = OpenIntents(folder, whole.Count == 0 ? 0 : whole[0].Position, damage);
        return new ProvenRows(partition, whole, Math.Max(0, rows), runs.Keys.Sum(entry => entry.Length), intents, damage);
    }

    private Catalog? ReadCatalog(PartitionFolder folder, long number, List<string> damage)
    {
        var path = folder.PathOf(PartitionNames.CatalogOf(number));
        try
        {
            // Null: deleted since it was listed.
            var catalog = SealedFile.Read<Catalog>(_options.Disk, Catalog.Kind, path);
            if (catalog is null || catalog.Number == number) return catalog;
            damage.Add($"'{path}' is catalog {catalog.Number}.");
        }
        catch (SnapshotDamagedException found)
        {
            damage.Add(found.Message);
        }
        return null;
    }

    private bool ProveRun(PartitionFolder folder, RunEntry entry, List<string> damage, Action<long> progress)
    {
        var faults = damage.Count;
        try
        {
            var run = RunFile.Open(_options.Disk, folder.Folder, entry, damaged: null);
            try
            {
                ProveBlocks(run, folder.PathOf(entry.Name), damage, progress);
            }
            finally
            {
                run.Release();
            }
        }
        catch (SnapshotDamagedException found)
        {
            damage.Add(found.Message);
        }
        return damage.Count == faults;
    }

    private static void ProveBlocks(RunFile run, string path, List<string> damage, Action<long> progress)
    {
        long rows = 0;
        var faults = damage.Count;
        SnapshotRow? former = null;
        for (var number = 0; number < run.Blocks; number++)
        {
            try
            {
                var block = run.ReadBlock(number);
                for (var at = 0; at < block.Length; rows++)
                {
                    at += RunFormat.ReadRow(block, at, out var row);
                    if (FaultOf(row, former) is { } fault) damage.Add($"'{path}', block {number}: {fault}");
                    former = row;
                }
                progress(block.Length);
            }
            catch (Exception found) when (found is SnapshotDamagedException or ArgumentException or IndexOutOfRangeException)
            {
                damage.Add(found is SnapshotDamagedException ? found.Message : $"'{path}', block {number}: a row does not fit in.");
                former = null;
            }
        }
        if (rows != run.Entry.Rows && damage.Count == faults) damage.Add($"'{path}' has {rows} rows, its catalog says {run.Entry.Rows}.");
    }

    private static string? FaultOf(in SnapshotRow row, in SnapshotRow? former)
    {
        if (former is { } last && RowOrder.Compare(last.Root, last.Key, row.Root, row.Key) >= 0) return $"the row at offset {row.Offset} is out of order.";
        var value = row.Value.Span;
        if (value.IsEmpty) return null;
        if (RecordHeader.Used(value) != value.Length || RecordHeader.Applied(value) != row.Offset)
            return $"a row of {value.Length} bytes at offset {row.Offset} is no record.";
        try
        {
            return AggregateRoot.Of(row.Key, value) == row.Root ? null : $"the row at offset {row.Offset} lies under another aggregate than its own.";
        }
        catch (InvalidDataException fault)
        {
            return $"the row at offset {row.Offset} is no record: {fault.Message}";
        }
    }

    private long CountStanding(PartitionFolder folder, Catalog catalog)
    {
        var view = new PartitionView(catalog, [.. catalog.Runs.Select(entry => RunFile.Open(_options.Disk, folder.Folder, entry, damaged: null))]);
        try
        {
            return view.Rows().LongCount();
        }
        finally
        {
            view.Release();
        }
    }

    private static List<SnapshotMark> OpenIntents(PartitionFolder folder, long position, List<string> damage)
    {
        try
        {
            return folder.OpenIntents(position);
        }
        catch (SnapshotDamagedException found)
        {
            damage.Add(found.Message);
            return [];
        }
    }
}
