using ReadStateStream.Schemas;
using ReadStateStream.Snapshot.Records;
using Xunit;

namespace ReadStateStream.Integration.Verbs;

/// <summary><c>checkpoint list</c>, <c>verify</c> and <c>inspect</c>, and <c>store stat</c>.</summary>
public class CheckpointVerbTests(StoppedProcessor stopped) : IClassFixture<StoppedProcessor>
{
    internal static int PartitionOf(int channel) => Partitioner.PartitionOf((ulong)channel, StoppedProcessor.Partitions);

    [Fact]
    public async Task List_names_both_checkpoints_of_every_partition()
    {
        using var left = stopped.Copy();
        var text = (await left.RunAsync("checkpoint list")).Exits(0);
        Assert.Equal(1 + (2 * StoppedProcessor.Partitions), text.Output.Trim().Split('\n').Length);
        var json = (await left.RunAsync("checkpoint list --json")).Exits(0).Json.EnumerateArray().ToList();
        Assert.Equal(2 * StoppedProcessor.Partitions, json.Count);
        Assert.Equal(StoppedProcessor.Events, json.GroupBy(one => one.GetProperty("partition").GetInt32()).Sum(of => of.Max(one => one.GetProperty("position").GetInt64())));
        Assert.All(json, one => Assert.True(one.GetProperty("liveBytes").GetInt64() <= one.GetProperty("logBytes").GetInt64()));
        Assert.Equal(2, (await left.RunAsync("checkpoint list --partition 1 --json")).Exits(0).Json.GetArrayLength());
    }

    [Fact]
    public async Task List_shows_a_damaged_manifest_beside_the_whole_ones()
    {
        using var left = stopped.Copy();
        LeftFolders.Flip(LeftFolders.Newest(left.Store(0), "manifest"));
        var result = (await left.RunAsync("checkpoint list")).Exits(1).Says("DAMAGED").Says("fails its checksum");
        Assert.Equal((2 * StoppedProcessor.Partitions) - 1, result.Output.Split("whole").Length - 1);
    }

    [Fact]
    public async Task Verify_reads_everything_and_changes_nothing()
    {
        using var left = stopped.Copy();
        var before = left.Contents();
        var result = (await left.RunAsync("checkpoint verify")).Exits(0);
        Assert.Equal(2 * StoppedProcessor.Partitions, result.Output.Split(": whole, position").Length - 1);
        Assert.Equal(before, left.Contents());
        (await left.RunAsync("checkpoint verify --sequence 77")).Exits(1).Complains("no such checkpoint");
    }

    [Theory]
    [InlineData("records.0", 0.03)]
    [InlineData("records.0", 0.5)]
    [InlineData("records.0", 0.97)]
    [InlineData("sums.0", 0.1)]
    [InlineData("sums.0", 0.9)]
    [InlineData("manifest.2", 0.1)]
    [InlineData("manifest.2", 0.98)]
    public async Task Verify_names_the_file_in_which_a_byte_was_flipped(string file, double where)
    {
        using var left = stopped.Copy();
        LeftFolders.Flip(Path.Combine(left.Store(1), file), where);
        (await left.RunAsync("checkpoint verify")).Exits(1).Says("lineage 256, partition 1, checkpoint 2: DAMAGED").Says(file)
            .Says("partition 0, checkpoint 2: whole");
        (await left.RunAsync("checkpoint verify --partition 0")).Exits(0);
    }

    [Theory]
    [InlineData("records.0")]
    [InlineData("sums.0")]
    public async Task Verify_names_a_file_that_was_cut(string file)
    {
        using var left = stopped.Copy();
        using (var cut = File.OpenWrite(Path.Combine(left.Store(1), file))) cut.SetLength(cut.Length / 2);
        (await left.RunAsync("checkpoint verify --json")).Exits(1).Says(file);
    }

    [Fact]
    public async Task Verify_finds_a_record_that_cannot_be_one_behind_checksums_that_hold()
    {
        using var left = stopped.Copy();
        PlantedRecord.Edit(left, PartitionOf(1), Key16.ReadState(2, 1), value => value[6] = 45);
        (await left.RunAsync("checkpoint verify")).Exits(1).Says("records.0").Says("read state of user 2 in channel 1");
    }

    [Fact]
    public async Task Verify_finds_a_channel_that_names_blocks_which_are_not_there()
    {
        using var left = stopped.Copy();
        // The entry's block number.
        PlantedRecord.Edit(left, PartitionOf(2), Key16.OfChannel(2, SubKind.Directory), value => value[RecordHeader.Length + 32] = 99);
        (await left.RunAsync("checkpoint verify")).Exits(1).Says("channel 2: its block 99 is missing");
    }

    [Fact]
    public async Task Inspect_counts_what_was_published()
    {
        using var left = stopped.Copy();
        var states = 0L;
        for (var partition = 0; partition < StoppedProcessor.Partitions; partition++)
        {
            (await left.RunAsync($"checkpoint inspect --partition {partition}")).Exits(0).Says("garbage: ").Says("readState").Says("#");
            var json = (await left.RunAsync($"checkpoint inspect --partition {partition} --json")).Exits(0).Json.GetProperty("statistics");
            states += json.GetProperty("states").GetInt64();
            Assert.Equal(json.GetProperty("kinds").EnumerateArray().Sum(kind => kind.GetProperty("records").GetInt64()),
                json.GetProperty("sizes").EnumerateArray().Sum(size => size.GetProperty("records").GetInt64()));
        }
        Assert.Equal(StoppedProcessor.Channels * StoppedProcessor.Members, states);
        (await left.RunAsync("checkpoint inspect --partition 0 --sequence 9")).Exits(1).Complains("no checkpoint 9; it has 2, 1");
    }

    [Fact]
    public async Task Inspect_decodes_a_state_and_a_channel()
    {
        using var left = stopped.Copy();
        var (mine, other) = (PartitionOf(3), 1 - PartitionOf(3));
        (await left.RunAsync($"checkpoint inspect --partition {mine} --user 4 --channel 3")).Exits(0)
            .Says("read state of user 4 in channel 3 (applied up to offset ").Says("  member: true").Says("  pointer: 115").Says("  greatestOwn: 115");
        (await left.RunAsync($"checkpoint inspect --partition {mine} --channel 3")).Exits(0)
            .Says("  kind: guild").Says("  head: 120").Says("channel 3, directory 0").Says("channel 3, block 0").Says("mentions 3");
        var json = (await left.RunAsync($"checkpoint inspect --partition {mine} --channel 3 --json")).Exits(0).Json;
        Assert.Equal("120", json[0].GetProperty("fields").GetProperty("head").GetString());
        (await left.RunAsync($"checkpoint inspect --partition {other} --channel 3")).Exits(1).Says($"the channel is in partition {mine}");
    }

    [Fact]
    public async Task Inspect_refuses_settings_that_are_of_no_lineage()
    {
        using var left = stopped.Copy();
        (await left.RunAsync("checkpoint inspect --partition 0", "Policy__Window=77")).Exits(2).Complains("no lineage is of these settings");
        (await left.RunAsync("checkpoint inspect --partition 0 --lineage 256", "Policy__Window=77")).Exits(0);
        (await left.RunAsync("checkpoint inspect")).Exits(2);
        (await left.RunAsync("checkpoint inspect --partition x")).Exits(2);
    }

    [Fact]
    public async Task Stat_sums_partitions_and_names_the_largest_channels()
    {
        using var left = stopped.Copy();
        var text = (await left.RunAsync("store stat")).Exits(0).Says("a state takes ").Says("Store__LogMemoryBytes: ").Says("largest channels");
        Assert.DoesNotContain("NaN", text.Output, StringComparison.Ordinal);
        var all = (await left.RunAsync("store stat --json")).Exits(0).Json.GetProperty("all");
        Assert.Equal(StoppedProcessor.Channels * 2 * StoppedProcessor.MessagesEach, all.GetProperty("messages").GetInt64());
        Assert.Equal(StoppedProcessor.Channels, all.GetProperty("largest").GetArrayLength());
        Assert.Equal(all.GetProperty("kinds").EnumerateArray().Sum(kind => kind.GetProperty("bytes").GetInt64()), all.GetProperty("liveBytes").GetInt64());
    }

    [Fact]
    public async Task They_work_beside_a_live_processor()
    {
        using var left = stopped.Copy();
        await using var live = await left.StartAsync();
        foreach (var verb in new[] { "checkpoint list", "checkpoint verify", "checkpoint inspect --partition 0", "store stat", "lineage list", "snapshot verify" })
            (await left.RunAsync(verb)).Exits(0);
        await live.StopAsync();
    }

    [Fact]
    public async Task A_folder_without_a_processor_is_said_to_be_one()
    {
        var folder = Directory.CreateTempSubdirectory("readstate-empty-");
        using var empty = new LeftFolders(folder.FullName);
        (await empty.RunAsync("checkpoint list")).Exits(0).Says("no checkpoint under");
        (await empty.RunAsync("checkpoint verify")).Exits(1).Complains("no such checkpoint");
        (await empty.RunAsync("verify")).Exits(2).Complains("no processor was ever started on it");
        (await empty.RunAsync("lineage list")).Exits(1);
        Assert.Empty(folder.GetFileSystemInfos());
    }
}
