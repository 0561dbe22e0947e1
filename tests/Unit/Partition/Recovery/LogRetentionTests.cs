using System.Globalization;
using Google.Protobuf;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Unit.Generators;
using ReadStateStream.Unit.Log;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>The event log is cut only as far as no recovery needs what goes, and then recoveries are exact.</summary>
public class LogRetentionTests
{
    private static readonly TimeSpan Keeps = TimeSpan.FromHours(2);

    /// <summary>What may be cut, by what lies on the disk: the older manifest of two, and the snapshot store's own word.</summary>
    private static long LimitOf(DurablePartition product, bool withFiles)
    {
        var manifests = new CheckpointFolder(DiskOperations.Real, product.MachineFolder).Read();
        var older = manifests.Count < Checkpointer.Kept ? 0 : manifests.Min(found => found.Manifest!.Mark.Position);
        return withFiles ? Math.Min(older, product.ReadProgress().Shipped?.Position ?? 0) : older;
    }

    /// <summary>Random progress of folding, checkpoints and ships, kills between them, and every minute a look.</summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(4, false)]
    [InlineData(5, false)]
    public void The_log_is_never_cut_above_the_older_checkpoint_or_what_was_acknowledged(int seed, bool withFiles)
    {
        var many = new InterleavedLogs(80_000 + seed, 4, 200);
        var events = many.Events().ToList();
        using var product = withFiles ? DurablePartition.WithFiles(many.Policy.ToOptions()) : DurablePartition.WithoutSnapshots(many.Policy.ToOptions());
        product.Keeps = Keeps;
        product.Time.Advance(Keeps + TimeSpan.FromMinutes(1));
        var random = new Random(seed);
        var begins = new HashSet<long>();
        for (var next = 0; next < events.Count;)
        {
            if (random.Next(3) == 0) product.Tester.Append(events[next++]);
            Advance(product, random);
            // What is asked here is asked of the disk as it is, outage or not.
            var away = product.SnapshotDisk.IsAway;
            product.SnapshotDisk.IsAway = false;
            Assert.InRange(product.Log.BeginOffset, 0, Math.Max(0, LimitOf(product, withFiles) - 1));
            product.SnapshotDisk.IsAway = away;
            begins.Add(product.Log.BeginOffset);
        }
        Assert.True(begins.Count >= 5, $"{begins.Count} begins");
        product.SnapshotDisk.IsAway = false;
        product.Kill();
        product.Run();
        Assert.Null(many.FirstDifference(product.Tester));
    }

    private static void Advance(DurablePartition product, Random random)
    {
        product.Run();
        product.Partition.Persistence!.Step();
        product.Time.Advance(TimeSpan.FromSeconds(random.Next(20)));
        switch (random.Next(60))
        {
            case 0:
                product.SnapshotDisk.IsAway = false;
                product.Checkpoint();
                break;
            case 1:
                product.CheckpointWithoutShip();
                break;
            case 2:
                product.SnapshotDisk.IsAway = false;
                product.Kill();
                break;
            case 3:
                product.SnapshotDisk.IsAway = !product.SnapshotDisk.IsAway;
                break;
            default:
                break;
        }
    }

    [Fact]
    public void The_log_is_kept_whole_by_default()
    {
        using var product = DurablePartition.WithoutSnapshots(new PolicyOptions());
        FillAndAge(product, 4);
        Assert.Equal(0, product.Log.BeginOffset);
    }

    [Fact]
    public void Nothing_goes_before_two_checkpoints_are_kept()
    {
        using var product = DurablePartition.WithoutSnapshots(new PolicyOptions());
        product.Keeps = Keeps;
        FillAndAge(product, 1);
        Assert.Equal(0, product.Log.BeginOffset);
        FillAndAge(product, 1);
        Assert.True(product.Log.BeginOffset > 0);
    }

    [Fact]
    public void The_older_checkpoint_is_as_good_as_the_newest_after_a_cut()
    {
        using var product = DurablePartition.WithoutSnapshots(new PolicyOptions());
        product.Keeps = Keeps;
        FillAndAge(product, 4);
        Assert.True(product.Log.BeginOffset > 0);
        product.Kill();
        DamageManifest(product, newest: true);
        product.Run();
        Assert.Equal(RecoverySource.Checkpoint, product.Said.LastRecovery!.Value.Source);
        Assert.Equal(product.Log.EndOffset, product.Partition.Position);
    }

    [Fact]
    public void With_no_checkpoint_left_and_a_log_that_was_cut_the_partition_is_refused()
    {
        using var product = DurablePartition.WithoutSnapshots(new PolicyOptions());
        product.Keeps = Keeps;
        FillAndAge(product, 4);
        product.Kill();
        DamageManifest(product, newest: true);
        DamageManifest(product, newest: false);
        var refused = Assert.Throws<InvalidOperationException>(product.Run).InnerException;
        Assert.IsType<RecoveryRefusedException>(refused);
        Assert.Contains($"its log begins at offset {product.Log.BeginOffset}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cut_that_fails_is_tried_again_after_the_pause_and_disturbs_nothing()
    {
        var time = new ManualTime();
        var log = new FailingCut();
        var retention = new LogRetention(log, Keeps, time);
        var failures = 0;
        retention.OnFailed = _ => failures++;
        Assert.False(retention.Step(10));
        Assert.False(retention.Step(10));
        Assert.Equal((1, 1), (log.Calls, failures));
        Assert.NotNull(retention.LastError);
        log.Fails = false;
        time.Advance(LogRetention.Pause);
        Assert.False(retention.Step(10));
        Assert.Equal((2, 1), (log.Calls, failures));
        Assert.Null(retention.LastError);
        Assert.False(retention.Step(10));
        Assert.Equal(2, log.Calls);
    }

    private sealed class FailingCut : ICuttableLog
    {
        public bool Fails { get; set; } = true;

        public int Calls { get; private set; }

        public bool CutBelow(long offset, long appendedBeforeUnixMs, int filesMax)
        {
            Calls++;
            return Fails ? throw new IOException("the disk does not answer") : false;
        }
    }

    private static void FillAndAge(DurablePartition product, int checkpoints)
    {
        for (var i = 0; i < checkpoints; i++)
        {
            if (product.Log.EndOffset == 0)
                product.Append(new Schemas.V1.ChannelEvent
                {
                    EventId = 1, ChannelCreated = new Schemas.V1.ChannelCreated { ChannelId = 5, Kind = Schemas.V1.ChannelKind.Guild, MemberIds = { 1, 2 } },
                });
            for (var n = 0; n < 20; n++)
            {
                var id = (ulong)product.Log.EndOffset;
                product.Append(new Schemas.V1.ChannelEvent
                {
                    EventId = 1000 + id, MessageSent = new Schemas.V1.MessageSent { ChannelId = 5, MessageId = id, AuthorId = 1 },
                });
            }
            product.Checkpoint();
        }
        product.Time.Advance(Keeps + LogRetention.Pause);
        product.SettleBeside();
    }

    private static void DamageManifest(DurablePartition product, bool newest)
    {
        var manifests = new CheckpointFolder(DiskOperations.Real, product.MachineFolder).Read();
        Assert.Equal(Checkpointer.Kept, manifests.Count);
        var path = Path.Combine(product.MachineFolder, CheckpointManifest.NameOf(manifests[newest ? 0 : 1].Sequence));
        var bytes = File.ReadAllBytes(path);
        bytes[10] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    /// <summary>The embedded log itself: folded, checkpointed, shipped, aged, cut; then the machine is lost.</summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    public async Task A_partition_over_a_log_that_is_cut_recovers_exactly(int seed, bool withFiles)
    {
        var many = new InterleavedLogs(81_000 + seed, 8, 200);
        using var folder = new TopicFolder();
        using var product = withFiles ? DurablePartition.WithFiles(many.Policy.ToOptions()) : DurablePartition.WithoutSnapshots(many.Policy.ToOptions());
        product.Keeps = Keeps;
        var random = new Random(seed);
        var begins = new HashSet<long>();
        var limit = 0L;
        var topic = folder.Open(TopicFolder.Tiny, time: product.Time);
        var log = topic.Partitions[0];
        product.OtherLog = log;
        foreach (var some in many.Events().Chunk(150))
        {
            OutgoingRecord[] records = [.. some.Select(e => new OutgoingRecord(
                0, System.Text.Encoding.UTF8.GetBytes(PartitionTester.OwnerOf(e).ToString(CultureInfo.InvariantCulture)), e.ToByteArray(), 0))];
            Assert.All(await topic.PublishAsync(records, TestContext.Current.CancellationToken), result => Assert.Null(result.Error));
            product.Checkpoint();
            begins.Add(log.BeginOffset);
            // A machine that is new has one checkpoint, and needs what it was replaced from.
            limit = Math.Max(limit, LimitOf(product, withFiles));
            Assert.InRange(log.BeginOffset, 0, Math.Max(0, limit - 1));
            product.Time.Advance(TimeSpan.FromHours(random.NextDouble() * 2));
            if (random.Next(4) > 0) continue;
            product.Kill();
            await topic.DisposeAsync();
            if (withFiles && random.Next(2) == 0) product.LoseMachine();
            topic = folder.Open(TopicFolder.Tiny, time: product.Time);
            product.OtherLog = log = topic.Partitions[0];
            product.Run();
            Assert.NotEqual(RecoverySource.LogStart, product.Said.LastRecovery!.Value.Source);
        }
        Assert.True(begins.Count > 3, $"{begins.Count} begins");
        Assert.Empty(product.Said.PassedOverReasons);
        product.Kill();
        if (withFiles) product.LoseMachine();
        product.Run();
        Assert.Equal(withFiles ? RecoverySource.Snapshot : RecoverySource.Checkpoint, product.Said.LastRecovery!.Value.Source);
        Assert.Null(many.FirstDifference(product.Tester));
        product.Kill();
        await topic.DisposeAsync();
    }
}
