// Snapshots in a folder: for one machine, or a volume shared by processors (which write) and query APIs (which read).
//
//   readstate-snapshot.json   marker with the store's identity
//   lineages/                 LineageFolder
//   rows/<lineage>/<partition>/
//     catalog.<n>             Catalog: which runs, how far
//     run.<base>.<id>         RunFormat: sorted rows
//     intent.<…>              IntentName: a ship begun
//     part.<…>, tmp.<…>       of a ship under way
//
// Invariants:
// - All of a ship becomes visible at once, with its position, by one rename. An abandoned ship leaves nothing.
// - What is not whole is never read as less: an error, or the catalog before, with its older position.
// - What cannot be reached is never read as empty.
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>The `files` adapter of the snapshot store.</summary>
public sealed class FilesSnapshotStore : ISnapshotStore
{
    internal const string RowsFolder = "rows";
    private const ulong IdMax = long.MaxValue;

    private readonly FilesSnapshotOptions _options;
    private readonly StoreFolder _root;
    private readonly LineageFolder _lineages;
    private readonly ConcurrentDictionary<SnapshotPartition, PartitionShips> _partitions = [];

    /// <summary>Nothing is touched before the first call.</summary>
    public FilesSnapshotStore(FilesSnapshotOptions options, TimeProvider time)
    {
        _options = options;
        _root = new StoreFolder(options);
        _lineages = new LineageFolder(options, _root, time);
    }

    public bool KeepsRows => true;

    /// <summary>The store's identity, for <see cref="FilesSnapshotOptions.ExpectedStoreId"/> of later starts.</summary>
    public Task<Guid> ReadStoreIdAsync(CancellationToken cancellation) => DiskCall.RunAsync(_options.Inline, _root.Attach, cancellation);

    private Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellation) => DiskCall.RunAsync(_options.Inline, () =>
    {
        _root.Attach();
        return work();
    }, cancellation);

    private PartitionShips ShipsOf(SnapshotPartition partition) => _partitions.GetOrAdd(partition, key =>
    {
        var path = Path.Combine(_options.Folder, RowsFolder, PartitionShips.Name(key.Lineage), PartitionShips.Name(key.Number));
        return new PartitionShips(new PartitionFolder(_options, _lineages, path, key), _root, _lineages, key);
    });

    public Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation) =>
        RunAsync<IReadOnlyList<LineageEntry>>(_lineages.List, cancellation);

    public Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation) =>
        RunAsync(() => _lineages.Create(identity, answers), cancellation);

    public Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation) => RunAsync(() =>
    {
        _lineages.Describe(lineage, answers);
        return true;
    }, cancellation);

    public Task DropLineageAsync(long lineage, CancellationToken cancellation) => RunAsync(() =>
    {
        if (!_lineages.TryBury(lineage)) return false;
        foreach (var partition in _partitions.Keys.Where(key => key.Lineage == lineage))
            if (_partitions.TryRemove(partition, out var ships))
                ships.Close();
        DeleteRows(Path.Combine(_options.Folder, RowsFolder, PartitionShips.Name(lineage)));
        return true;
    }, cancellation);

    private void DeleteRows(string folder)
    {
        foreach (var partition in _options.Disk.List(folder) ?? [])
        {
            var path = Path.Combine(folder, partition);
            foreach (var file in _options.Disk.List(path) ?? []) _options.Disk.Delete(Path.Combine(path, file));
            _options.Disk.DeleteFolder(path);
        }
        _options.Disk.DeleteFolder(folder);
    }

    public Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation) => RunAsync(() =>
    {
        _lineages.Require(partition.Lineage);
        var folder = ShipsOf(partition).Folder;
        var intents = folder.OpenIntents(position: 0);
        var view = folder.Load();
        view?.Release();
        var catalog = view?.Catalog ?? Catalog.Empty;
        return new SnapshotProgress(catalog.Shipped, intents.FindAll(intent => intent.Position > catalog.Position));
    }, cancellation);

    public Task<IShipment> BeginShipAsync(SnapshotPartition partition, long since, SnapshotMark target, CancellationToken cancellation) =>
        RunAsync<IShipment>(() => ShipsOf(partition).Begin(since, target), cancellation);

    public async IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(
        SnapshotPartition partition, long position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var view = await RunAsync(() =>
        {
            _lineages.Require(partition.Lineage);
            return ShipsOf(partition).Folder.Load();
        }, cancellation).ConfigureAwait(false);
        if ((view?.Catalog.Position ?? 0) < position)
        {
            view?.Release();
            throw new SnapshotDamagedException($"The rows reach position {view?.Catalog.Position ?? 0} only, not {position}.");
        }
        if (view is null) yield break;
        try
        {
            using var rows = view.Rows().GetEnumerator();
            while (DiskCall.Guard(rows.MoveNext))
            {
                cancellation.ThrowIfCancellationRequested();
                yield return rows.Current;
            }
        }
        finally
        {
            view.Release();
        }
    }

    public Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation)
    {
        var list = Key16.OfUser(user, 0);
        return ReadAsync(partition, cancellation,
            (Key16.ReadState(user, 0), Key16.ReadState(user, IdMax)), (list, Key16.FromParts(list.A, IdMax)));
    }

    public Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation)
    {
        var record = Key16.OfChannel(channel, SubKind.ChannelRecord);
        return ReadAsync(partition, cancellation, (record, Key16.FromParts(record.A, ulong.MaxValue)));
    }

    private Task<RowSet> ReadAsync(SnapshotPartition partition, CancellationToken cancellation, params (Key16 First, Key16 Last)[] ranges) =>
        RunAsync(() =>
        {
            _lineages.Require(partition.Lineage);
            var folder = ShipsOf(partition).Folder;
            try
            {
                return Read(folder, ranges);
            }
            catch (SnapshotDamagedException)
            {
                // The damaged run is known now: the catalog before may do without it.
                return Read(folder, ranges);
            }
        }, cancellation);

    private static RowSet Read(PartitionFolder folder, (Key16 First, Key16 Last)[] ranges)
    {
        var rows = new RowSet();
        if (folder.Load() is not { } view) return rows;
        try
        {
            foreach (var (first, last) in ranges) view.AddRange(rows, first, last);
            return rows;
        }
        finally
        {
            view.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        foreach (var ships in _partitions.Values) ships.Close();
        _partitions.Clear();
        return ValueTask.CompletedTask;
    }
}
