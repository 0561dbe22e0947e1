using ReadStateStream.Snapshot.Files;

namespace ReadStateStream.Snapshot.None;

/// <summary>
/// Keeps no rows: what is shipped is dropped, positions are committed by verified checkpoints alone. Lineages lie in
/// a local folder, as in <see cref="FilesSnapshotStore"/>.
/// </summary>
public sealed class NoneSnapshotStore : ISnapshotStore
{
    private readonly FilesSnapshotOptions _options;
    private readonly StoreFolder _root;
    private readonly LineageFolder _lineages;

    /// <summary>Nothing is touched before the first call.</summary>
    public NoneSnapshotStore(FilesSnapshotOptions options, TimeProvider time)
    {
        _options = options;
        _root = new StoreFolder(options);
        _lineages = new LineageFolder(options, _root, time);
    }

    public bool KeepsRows => false;

    private Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellation) => DiskCall.RunAsync(_options.Inline, () =>
    {
        _root.Attach();
        return work();
    }, cancellation);

    public Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation) =>
        RunAsync<IReadOnlyList<LineageEntry>>(_lineages.List, cancellation);

    public Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation) =>
        RunAsync(() => _lineages.Create(identity, answers), cancellation);

    public Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation) =>
        RunAsync(() =>
        {
            _lineages.Describe(lineage, answers);
            return true;
        }, cancellation);

    public Task DropLineageAsync(long lineage, CancellationToken cancellation) =>
        RunAsync(() => _lineages.TryBury(lineage), cancellation);

    public Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation) =>
        Task.FromResult(new SnapshotProgress(null, []));

    public Task<IShipment> BeginShipAsync(SnapshotPartition partition, long since, SnapshotMark target, CancellationToken cancellation) =>
        Task.FromResult<IShipment>(new Drop());

    public async IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(
        SnapshotPartition partition, long position, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        yield break;
    }

    public Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation) => Task.FromResult(new RowSet());

    public Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation) =>
        Task.FromResult(new RowSet());

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Drop : IShipment
    {
        public Task WriteAsync(IReadOnlyList<SnapshotRow> aggregate, CancellationToken cancellation) => Task.CompletedTask;

        public Task CompleteAsync(CancellationToken cancellation) => Task.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
