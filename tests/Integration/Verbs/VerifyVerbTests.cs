using System.Buffers.Binary;
using ReadStateStream.Snapshot.Records;
using Xunit;

namespace ReadStateStream.Integration.Verbs;

/// <summary><c>verify</c>: a start's state against a recount of the whole log.</summary>
public class VerifyVerbTests(StoppedProcessor stopped) : IClassFixture<StoppedProcessor>
{
    [Fact]
    public async Task What_a_processor_left_equals_the_recount_and_stays_as_it_is()
    {
        using var left = stopped.Copy();
        var before = left.Contents();
        var all = (await left.RunAsync("verify --json")).Exits(0).Json.EnumerateArray().ToList();
        Assert.Equal(StoppedProcessor.Partitions, all.Count);
        Assert.All(all, one => Assert.Equal("checkpoint", one.GetProperty("source").GetString()));
        Assert.All(all, one => Assert.Equal(one.GetProperty("state").GetProperty("records").GetInt64(), one.GetProperty("rows").GetProperty("records").GetInt64()));
        Assert.Equal(StoppedProcessor.Events, all.Sum(one => one.GetProperty("events").GetInt64()));
        Assert.Equal(before, left.Contents());
    }

    [Fact]
    public async Task It_replays_from_the_checkpoint_before_where_the_newest_is_damaged()
    {
        using var left = stopped.Copy();
        LeftFolders.Flip(LeftFolders.Newest(left.Store(0), "manifest"));
        (await left.RunAsync("verify --partition 0")).Exits(0).Says("passed over: Checkpoint").Says("a start begins with the snapshot").Says("all equal to the recount");
        foreach (var catalog in Directory.GetFiles(left.Rows(0), "catalog.*")) LeftFolders.Flip(catalog);
        var older = (await left.RunAsync("verify --partition 0")).Exits(0).Says("a start begins with the checkpoint at position").Says("all equal to the recount");
        Assert.DoesNotContain("replays 0 of", older.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_names_the_record_the_field_and_both_values_of_a_planted_difference()
    {
        using var left = stopped.Copy();
        var partition = CheckpointVerbTests.PartitionOf(4);
        // The pointer lies behind prefix, flags and membership.
        PlantedRecord.Edit(left, partition, Key16.ReadState(7, 4), value => BinaryPrimitives.WriteUInt64LittleEndian(value.AsSpan(18), 17));
        (await left.RunAsync("checkpoint verify --sequence 2")).Exits(0);
        var result = (await left.RunAsync("verify")).Exits(1).Says("state: 1 of ").Says("(1 readState)")
            .Says("read state of user 7 in channel 4, pointer: a start has \"17\", the recount \"118\"");
        Assert.Contains("snapshot rows", result.Output, StringComparison.Ordinal);
        (await left.RunAsync($"verify --partition {1 - partition}")).Exits(0);
    }

    [Fact]
    public async Task Two_encodings_of_equal_fields_are_no_difference()
    {
        using var left = stopped.Copy();
        // An edit that waits, a checkpoint, then a message: the recount, without a checkpoint between, appends it in place.
        await left.RunProcessorAsync(["{\"messageEdited\":{\"channelId\":\"50\",\"messageId\":\"10\"}}"]);
        await left.RunProcessorAsync(["{\"messageSent\":{\"channelId\":\"50\",\"messageId\":\"11\",\"authorId\":\"1\"}}"]);
        var partition = CheckpointVerbTests.PartitionOf(50);
        (await left.RunAsync($"verify --partition {partition}")).Exits(0).Says("all equal to the recount (1 of them otherwise encoded)");
        (await left.RunAsync("checkpoint verify")).Exits(0);
    }

    [Fact]
    public async Task It_names_what_another_policy_would_have_kept()
    {
        using var left = stopped.Copy();
        (await left.RunAsync("verify", "Policy__OwnSendAcks=false")).Exits(2).Complains("no lineage is of these settings");
        (await left.RunAsync("verify --lineage 256", "Policy__OwnSendAcks=false")).Exits(1).Complains("is of other settings than these")
            .Says("pointer: a start has ").Says("pointer: the snapshot store has ");
    }

    [Fact]
    public async Task It_does_not_run_beside_a_processor_nor_without_the_snapshot_store()
    {
        using var left = stopped.Copy();
        await using (var live = await left.StartAsync())
        {
            (await left.RunAsync("verify")).Exits(1).Complains("is open in another process");
            (await left.RunAsync("lineage create")).Exits(1).Complains("is open in another process");
            (await left.RunAsync("lineage drop 256 --yes --force")).Exits(1).Complains("is open in another process");
            await live.StopAsync();
        }
        Directory.Delete(left.Snapshot, recursive: true);
        (await left.RunAsync("verify")).Exits(1).Complains("readstate-snapshot.json");
        (await left.RunAsync("verify --partition 2")).Exits(2).Complains("--partition must be 0 .. 1");
        (await left.RunAsync("verify", "Processor__Partitions=3", "Store__LogMemoryBytes=1048576")).Exits(2).Complains("has 2 partitions");
    }

    [Fact]
    public async Task A_damaged_log_is_said_to_be_damaged()
    {
        using var left = stopped.Copy();
        LeftFolders.Flip(Path.Combine(left.Data, "log", "partition-0000", "log.0"), 0.0005);
        (await left.RunAsync("verify")).Exits(1).Complains("is damaged");
        (await left.RunAsync("lineage create")).Exits(1).Complains("could not be rebuilt from this log");
    }
}
