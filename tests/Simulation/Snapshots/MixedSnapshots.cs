using System.Runtime.CompilerServices;

namespace ReadStateStream.Simulation.Snapshots;

/// <summary>All rows of a partition as they were at one moment.</summary>
internal sealed class SnapshotImage
{
    public required SnapshotMark Mark { get; init; }

    public Dictionary<Key16, List<SnapshotRow>> Aggregates { get; } = [];

    public void Add(in SnapshotRow row)
    {
        if (!Aggregates.TryGetValue(row.Root, out var rows)) Aggregates[row.Root] = rows = [];
        rows.Add(row);
    }
}

/// <summary>A snapshot store with each aggregate as it was in an image of its own, at the lowest position of all of them.</summary>
internal sealed class MixedSnapshots : ISnapshotStore
{
    private readonly List<SnapshotRow> rows = [];
    private readonly SnapshotMark mark;

    public MixedSnapshots(IReadOnlyList<SnapshotImage> images, Random random)
    {
        mark = images.MinBy(static image => image.Mark.Position)!.Mark;
        foreach (var root in images.SelectMany(static image => image.Aggregates.Keys).Distinct().OrderBy(static key => key.A).ThenBy(static key => key.B))
            if (images[random.Next(images.Count)].Aggregates.TryGetValue(root, out var aggregate)) rows.AddRange(aggregate);
    }

    public bool KeepsRows => true;

    public Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation) =>
        Task.FromResult(new SnapshotProgress(mark, []));

    public async IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(
        SnapshotPartition partition, long position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask.ConfigureAwait(false);
        foreach (var row in rows) yield return row;
    }

    public Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation) => throw ReadOnly();

    public Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation) => throw ReadOnly();

    public Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation) => throw ReadOnly();

    public Task DropLineageAsync(long lineage, CancellationToken cancellation) => throw ReadOnly();

    public Task<IShipment> BeginShipAsync(SnapshotPartition partition, long since, SnapshotMark target, CancellationToken cancellation) => throw ReadOnly();

    public Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation) => throw ReadOnly();

    public Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation) => throw ReadOnly();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static NotSupportedException ReadOnly() => new("a mix of images is only restored");
}
