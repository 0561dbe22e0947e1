using System.Collections.Concurrent;
using ReadStateStream.Fold;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.QueryApiTests;

/// <summary>Snapshot rows in memory, for reading: a test puts in rows and positions, and meddles with each read.</summary>
internal sealed class FakeSnapshotStore : ISnapshotStore
{
    private readonly Lock gate = new();
    private readonly List<LineageEntry> lineages = [];
    private readonly Dictionary<SnapshotPartition, SnapshotProgress> progress = [];
    private readonly Dictionary<SnapshotPartition, Dictionary<Key16, SnapshotRow>> rows = [];

    /// <summary>Called with the operation and its subject before each read; what it throws, the read throws.</summary>
    public Func<string, SnapshotPartition, ulong, Task>? OnRead { get; set; }

    /// <summary>Operations read, in order of arrival.</summary>
    public ConcurrentQueue<string> Reads { get; } = [];

    public bool KeepsRows => true;

    public void AddLineage(long number, string topic, int partitions, PolicyOptions? policy = null, int maxValueBytes = 16 << 10)
    {
        var entry = new LineageEntry(number, new LineageIdentity(topic, partitions, 1, ""),
            new AnswerSettings(policy ?? new PolicyOptions(), Unit.Partition.PartitionTester.Epoch, maxValueBytes), 0);
        lock (gate) lineages.Add(entry);
    }

    public void SetPosition(SnapshotPartition partition, long position, long writtenUnixMs = 0)
    {
        lock (gate) progress[partition] = new SnapshotProgress(new SnapshotMark(position, default, writtenUnixMs), []);
    }

    public void Put(SnapshotPartition partition, IEnumerable<SnapshotRow> shipped)
    {
        lock (gate)
        {
            if (!rows.TryGetValue(partition, out var there)) rows[partition] = there = [];
            foreach (var row in shipped) there[row.Key] = row;
        }
    }

    public void Remove(SnapshotPartition partition, Func<Key16, bool> which)
    {
        lock (gate)
            foreach (var key in rows[partition].Keys.Where(which).ToList()) rows[partition].Remove(key);
    }

    public async Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation)
    {
        await ReadingAsync("list_lineages", default, 0);
        lock (gate) return [.. lineages];
    }

    public async Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation)
    {
        await ReadingAsync("read_progress", partition, 0);
        lock (gate) return progress.GetValueOrDefault(partition) ?? new SnapshotProgress(null, []);
    }

    public async Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation)
    {
        await ReadingAsync("read_user", partition, user);
        return Find(partition, row => row.Root.Kind is RecordKind.ReadState or RecordKind.User && row.Root.User == user);
    }

    public async Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation)
    {
        await ReadingAsync("read_channel", partition, channel);
        return Find(partition, row => row.Root.Kind == RecordKind.Channel && row.Root.Channel == channel);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // A query API only reads.
    public Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation) => throw new NotSupportedException();
    public Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation) => throw new NotSupportedException();
    public Task DropLineageAsync(long lineage, CancellationToken cancellation) => throw new NotSupportedException();
    public Task<IShipment> BeginShipAsync(SnapshotPartition partition, long since, SnapshotMark target, CancellationToken cancellation) => throw new NotSupportedException();
    public IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(SnapshotPartition partition, long position, CancellationToken cancellation) => throw new NotSupportedException();

    private async Task ReadingAsync(string operation, SnapshotPartition partition, ulong id)
    {
        Reads.Enqueue(operation);
        if (OnRead is { } meddle) await meddle(operation, partition, id);
    }

    private RowSet Find(SnapshotPartition partition, Func<SnapshotRow, bool> which)
    {
        var found = new RowSet();
        lock (gate)
            if (rows.TryGetValue(partition, out var there))
                foreach (var row in there.Values.Where(which)) found.Add(row);
        return found;
    }
}
