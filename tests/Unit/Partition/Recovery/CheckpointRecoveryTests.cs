using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>Checkpoints of one machine: what was folded is there again, and no more is replayed than must be.</summary>
public class CheckpointRecoveryTests
{
    private static NoRows Nothing => new();

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void A_checkpoint_holds_what_was_folded(int seed, bool tiny)
    {
        var many = new InterleavedLogs(70_000 + seed, 10, 300);
        using var product = new DurablePartition(
            many.Policy.ToOptions(), Nothing, tiny ? PartitionTester.Tiny() : PartitionTester.Small(),
            new CheckpointOptions { GarbageBytes = 64 << 10, GarbageRatio = 0.5 });
        var events = many.Events().ToList();
        var next = 0;
        var random = new Random(seed);
        while (next < events.Count)
        {
            var until = Math.Min(events.Count, next + random.Next(1, 400));
            for (; next < until; next++) product.Tester.Append(events[next]);
            product.Checkpoint();
            var position = product.Partition.Position;
            if (random.Next(3) > 0) continue;
            product.Kill();
            product.Run();
            Assert.Equal((RecoverySource.Checkpoint, position, 0L), product.Said.LastRecovery);
        }
        product.Kill();
        product.Run();
        Assert.Empty(product.Said.PassedOverReasons);
        Assert.Null(many.FirstDifference(product.Tester));
    }

    /// <summary>A snapshot store that keeps no rows.</summary>
    public sealed class NoRows : ISnapshotStore
    {
        public bool KeepsRows => false;
        public Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation) => throw new NotSupportedException();
        public Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation) => throw new NotSupportedException();
        public Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation) => throw new NotSupportedException();
        public Task DropLineageAsync(long lineage, CancellationToken cancellation) => throw new NotSupportedException();
        public Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation) => Task.FromResult(new SnapshotProgress(null, []));
        public Task<IShipment> BeginShipAsync(SnapshotPartition partition, SnapshotMark target, CancellationToken cancellation) => throw new NotSupportedException();
        public IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(SnapshotPartition partition, CancellationToken cancellation) => throw new NotSupportedException();
        public Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation) => throw new NotSupportedException();
        public Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation) => throw new NotSupportedException();
        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
