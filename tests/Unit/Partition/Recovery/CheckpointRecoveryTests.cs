using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>Checkpoints and ships: what was folded is there again, and no more is replayed than must be.</summary>
public class CheckpointRecoveryTests
{
    private static CheckpointOptions Compacting => new() { GarbageBytes = 64 << 10, GarbageRatio = 0.3 };

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void A_checkpoint_holds_what_was_folded(int seed, bool tiny)
    {
        var many = new InterleavedLogs(70_000 + seed, 10, 300);
        using var product = DurablePartition.WithoutSnapshots(many.Policy.ToOptions(), tiny ? PartitionTester.Tiny() : null, Compacting);
        var random = new Random(seed);
        foreach (var some in InPieces(many, random))
        {
            foreach (var record in some) product.Tester.Append(record);
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

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    public void A_machine_that_is_lost_is_replaced_from_the_snapshot(int seed, bool tiny)
    {
        var many = new InterleavedLogs(71_000 + seed, 10, 300);
        using var product = DurablePartition.WithFiles(many.Policy.ToOptions(), tiny ? PartitionTester.Tiny() : null, Compacting);
        var random = new Random(seed);
        foreach (var some in InPieces(many, random))
        {
            foreach (var record in some) product.Tester.Append(record);
            product.Checkpoint();
            var position = product.Partition.Position;
            Assert.Equal(position, product.Partition.Persistence!.Shipper.Shipped.Position);
            if (random.Next(3) > 0) continue;
            product.Kill();
            product.LoseMachine();
            product.Run();
            Assert.Equal((RecoverySource.Snapshot, position, 0L), product.Said.LastRecovery);
        }
        product.Kill();
        product.LoseMachine();
        product.Run();
        Assert.Empty(product.Said.PassedOverReasons);
        Assert.Null(many.FirstDifference(product.Tester));
    }

    [Fact]
    public void Compaction_copies_what_lives_and_drops_the_rest()
    {
        var many = new InterleavedLogs(72_000, 20, 400);
        using var product = DurablePartition.WithoutSnapshots(many.Policy.ToOptions(), PartitionTester.Tiny(), Compacting);
        var random = new Random(1);
        long pages = 0;
        foreach (var some in InPieces(many, random))
        {
            foreach (var record in some) product.Tester.Append(record);
            product.Checkpoint();
            pages = Math.Max(pages, product.Partition.Persistence!.Compactor.Pages);
            Assert.Equal(LiveBytesIn(product), product.Partition.Persistence.Checkpointer.Newest!.Fold.LiveBytes);
        }
        Assert.True(pages > 20, $"{pages} pages were compacted");
        var figures = product.Partition.StoreFigures;
        Assert.InRange(figures.LogBytes, figures.LiveBytes, (figures.LiveBytes * 2) + (512 << 10));
        Assert.Null(many.FirstDifference(product.Tester));
        product.Kill();
        product.Run();
        Assert.Null(many.FirstDifference(product.Tester));
    }

    [Fact]
    public void The_older_checkpoint_keeps_all_it_needs_while_segments_go()
    {
        const int segmentBytes = 8 << 10;
        var many = new InterleavedLogs(77_000, 8, 300);
        using var product = DurablePartition.WithoutSnapshots(
            many.Policy.ToOptions(), PartitionTester.Tiny(segmentBytes), new CheckpointOptions { GarbageBytes = 16 << 10, GarbageRatio = 0.3 });
        var (older, gone) = (0, 0L);
        foreach (var (turn, some) in many.Events().Chunk(50).Index())
        {
            foreach (var record in some) product.Tester.Append(record);
            product.Checkpoint();
            var manifests = Manifests(product);
            if (manifests is not [var before, var newest] || before.Fold.Begin / segmentBytes == newest.Fold.Begin / segmentBytes) continue;
            // Segments lie between the two: those that only the older one needs. Now and then: going back brings none forward.
            if (turn % 4 != 0) continue;
            gone = Math.Max(gone, before.Fold.Begin / segmentBytes);
            product.Kill();
            File.WriteAllBytes(Path.Combine(product.MachineFolder, newest.FileName), []);
            product.Run();
            Assert.Equal((RecoverySource.Checkpoint, before.Mark.Position), (product.Said.LastRecovery!.Value.Source, product.Said.LastRecovery.Value.Position));
            older++;
        }
        Assert.True(older >= 5 && gone >= 5, $"{older} recoveries from the older one, {gone} segments gone");
        Assert.Null(many.FirstDifference(product.Tester));
    }

    /// <summary>The manifests on the disk, oldest first.</summary>
    private static CheckpointManifest[] Manifests(DurablePartition product) =>
        [.. Directory.GetFiles(product.MachineFolder, "manifest.*").Select(path => CheckpointManifest.Decode(path, File.ReadAllBytes(path))).OrderBy(manifest => manifest.Sequence)];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_snapshot_holds_the_records_of_the_store_and_no_other(int seed)
    {
        // A short window: blocks go, and with them the mentions of their messages.
        var policy = new PolicyOptions { Window = 40 };
        var generator = new InterleavedLogs(78_000 + seed, 6, 500);
        using var product = DurablePartition.WithFiles(policy, PartitionTester.Tiny(), Compacting);
        var deleted = 0;
        foreach (var some in InPieces(generator, new Random(seed)))
        {
            foreach (var record in some) product.Tester.Append(record);
            product.Checkpoint();
            var newest = NewestIn(product);
            deleted = Math.Max(deleted, newest.Count(record => record.Value.Capacity == 0));
            Assert.Equal(
                newest.Where(record => record.Value is { Capacity: not 0, Applied: >= 0 }).Select(record => (record.Key.A, record.Key.B, record.Value.Applied)).Order(),
                product.ReadRows().Values.Select(row => (row.Key.A, row.Key.B, row.Offset)).Order());
        }
        Assert.True(deleted >= 5, $"{deleted} records were deleted");
    }

    /// <summary>Bytes of the newest versions in the record log of the newest checkpoint.</summary>
    private static long LiveBytesIn(DurablePartition product) =>
        NewestIn(product).Values.Sum(record => record.Capacity == 0 ? 0L : RecordHeader.BytesOf(record.Capacity));

    /// <summary>The newest version of each record up to the newest checkpoint, from the files; capacity 0: a tombstone.</summary>
    private static Dictionary<Key16, (int Capacity, long Applied)> NewestIn(DurablePartition product)
    {
        var persistence = product.Partition.Persistence!;
        var fold = persistence.Checkpointer.Newest!.Fold;
        var scan = new RecordLogScan(persistence.Device, 1 << persistence.Checkpointer.Newest.Geometry.PageBits);
        var newest = new Dictionary<Key16, (int, long)>();
        for (scan.Begin(fold.Begin, fold.Tail); scan.Next();)
            newest[scan.Key] = scan.IsTombstone ? default : (scan.Value.Length, RecordHeader.Applied(scan.Value));
        return newest;
    }

    private static IEnumerable<Schemas.V1.ChannelEvent[]> InPieces(InterleavedLogs many, Random random)
    {
        var events = many.Events().ToList();
        for (var next = 0; next < events.Count;)
        {
            var some = events.Skip(next).Take(random.Next(1, 400)).ToArray();
            next += some.Length;
            yield return some;
        }
    }
}
