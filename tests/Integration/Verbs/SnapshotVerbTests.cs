using System.Text.Json;
using Xunit;

namespace ReadStateStream.Integration.Verbs;

/// <summary><c>snapshot verify</c> and <c>snapshot export</c>.</summary>
public class SnapshotVerbTests(StoppedProcessor stopped) : IClassFixture<StoppedProcessor>
{
    [Fact]
    public async Task Verify_reads_every_row_and_changes_nothing()
    {
        using var left = stopped.Copy();
        var before = left.Contents();
        var proven = (await left.RunAsync("snapshot verify --json")).Exits(0).Json;
        Assert.Equal(StoppedProcessor.Partitions, proven.GetArrayLength());
        Assert.Equal(StoppedProcessor.Events, proven.EnumerateArray().Sum(one => one.GetProperty("position").GetInt64()));
        Assert.All(proven.EnumerateArray(), one => Assert.Equal(0, one.GetProperty("openIntents").GetArrayLength()));
        (await left.RunAsync("snapshot verify --partition 1")).Exits(0).Says("lineage 256, partition 1: whole, position ");
        Assert.Equal(before, left.Contents());
    }

    [Theory]
    [InlineData("catalog", 0.02)]
    [InlineData("catalog", 0.5)]
    [InlineData("run", 0.01)]
    [InlineData("run", 0.5)]
    [InlineData("run", 0.99)]
    public async Task Verify_names_the_file_in_which_a_byte_was_flipped(string kind, double where)
    {
        using var left = stopped.Copy();
        var file = kind == "catalog"
            ? LeftFolders.Newest(left.Rows(1), "catalog")
            : Directory.GetFiles(left.Rows(1), "run.*").MaxBy(run => new FileInfo(run).Length)!;
        LeftFolders.Flip(file, where);
        (await left.RunAsync("snapshot verify")).Exits(1).Says("lineage 256, partition 1: DAMAGED").Says(Path.GetFileName(file)).Says("partition 0: whole");
    }

    [Fact]
    public async Task Verify_misses_a_run_and_says_when_all_catalogs_are_gone()
    {
        using var left = stopped.Copy();
        foreach (var run in Directory.GetFiles(left.Rows(0), "run.*")) File.Delete(run);
        (await left.RunAsync("snapshot verify")).Exits(1).Says("is missing");
        foreach (var catalog in Directory.GetFiles(left.Rows(0), "catalog.*")) File.Delete(catalog);
        (await left.RunAsync("snapshot verify")).Exits(1).Says("has no catalog any more").Says("nothing whole is left");
    }

    [Fact]
    public async Task A_store_that_is_not_there_is_no_empty_one()
    {
        using var left = stopped.Copy();
        Directory.Delete(left.Snapshot, recursive: true);
        (await left.RunAsync("snapshot verify")).Exits(1).Complains("readstate-snapshot.json");
        Assert.False(Directory.Exists(left.Snapshot));
        (await left.RunAsync("snapshot verify", "Snapshot__Store=none")).Exits(2).Complains("keeps no rows");
    }

    [Fact]
    public async Task Export_writes_every_row_as_a_line_of_json()
    {
        using var left = stopped.Copy();
        var file = Path.Combine(left.Data, "rows.jsonl");
        (await left.RunAsync($"snapshot export --out {file}")).Exits(0).Says("rows of lineage 256");
        var rows = File.ReadLines(file).Select(line => JsonSerializer.Deserialize<JsonElement>(line)).ToList();
        Assert.Equal(StoppedProcessor.Channels * StoppedProcessor.Members, rows.Count(row => row.GetProperty("kind").GetString() == "readState"));
        var channel = Assert.Single(rows, row => row.GetProperty("kind").GetString() == "channel" && row.GetProperty("channel").GetString() == "5");
        Assert.Equal(CheckpointVerbTests.PartitionOf(5), channel.GetProperty("partition").GetInt32());
        Assert.Equal($"{2 * StoppedProcessor.MessagesEach}", channel.GetProperty("fields").GetProperty("head").GetString());
        (await left.RunAsync($"snapshot export --out {file}")).Exits(2).Complains("exists already");
    }

    [Fact]
    public async Task Export_of_damaged_rows_leaves_no_file()
    {
        using var left = stopped.Copy();
        foreach (var run in Directory.GetFiles(left.Rows(1), "run.*")) LeftFolders.Flip(run);
        var file = Path.Combine(left.Data, "rows.jsonl");
        (await left.RunAsync($"snapshot export --out {file}")).Exits(1).Complains("fails its checksum");
        Assert.Empty(Directory.GetFiles(left.Data, "rows.*"));
    }
}
