using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>
/// Stands before a snapshot store and counts, by what the rows hold and nothing else, how many differ from what was
/// shipped of the same key before.
/// </summary>
internal sealed class ChangeCounter(ISnapshotStore store) : ISnapshotStore
{
    private readonly Dictionary<Key16, (long Offset, int Length, uint Sum)> last = [];

    /// <summary>Rows that were not there before, or are others than before.</summary>
    public long Changed { get; private set; }

    public bool KeepsRows => store.KeepsRows;

    public Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation) => store.ListLineagesAsync(cancellation);

    public Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation) =>
        store.CreateLineageAsync(identity, answers, cancellation);

    public Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation) =>
        store.DescribeLineageAsync(lineage, answers, cancellation);

    public Task DropLineageAsync(long lineage, CancellationToken cancellation) => store.DropLineageAsync(lineage, cancellation);

    public Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation) =>
        store.ReadProgressAsync(partition, cancellation);

    public async Task<IShipment> BeginShipAsync(SnapshotPartition partition, long since, SnapshotMark target, CancellationToken cancellation) =>
        new Shipment(this, await store.BeginShipAsync(partition, since, target, cancellation).ConfigureAwait(false));

    public IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(SnapshotPartition partition, long position, CancellationToken cancellation) =>
        store.ReadPartitionAsync(partition, position, cancellation);

    public Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation) =>
        store.ReadUserAsync(partition, user, cancellation);

    public Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation) =>
        store.ReadChannelAsync(partition, channel, cancellation);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private void Note(in SnapshotRow row)
    {
        var now = (row.Offset, row.Value.Length, Crc32C.Of(row.Value.Span));
        if (last.TryGetValue(row.Key, out var before) && before == now) return;
        last[row.Key] = now;
        Changed++;
    }

    private sealed class Shipment(ChangeCounter counter, IShipment shipment) : IShipment
    {
        public Task WriteAsync(IReadOnlyList<SnapshotRow> aggregate, CancellationToken cancellation)
        {
            foreach (var row in aggregate) counter.Note(row);
            return shipment.WriteAsync(aggregate, cancellation);
        }

        public Task CompleteAsync(CancellationToken cancellation) => shipment.CompleteAsync(cancellation);

        public ValueTask DisposeAsync() => shipment.DisposeAsync();
    }
}
