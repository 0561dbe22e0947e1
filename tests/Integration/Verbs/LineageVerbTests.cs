using Xunit;

namespace ReadStateStream.Integration.Verbs;

/// <summary><c>lineage list</c>, <c>create</c> and <c>drop</c>.</summary>
public class LineageVerbTests(StoppedProcessor stopped) : IClassFixture<StoppedProcessor>
{
    [Fact]
    public async Task A_new_lineage_is_rebuilt_by_the_next_start_and_the_old_one_can_go()
    {
        using var left = stopped.Copy();
        (await left.RunAsync("lineage create")).Exits(0).Says("created lineage 257").Says($"rebuilt from {StoppedProcessor.Events} events")
            .Says("lineage 256 has the same settings");
        var listed = (await left.RunAsync("lineage list --json")).Exits(0).Json;
        Assert.Equal([(256L, false), (257L, true)], listed.EnumerateArray().Select(one => (one.GetProperty("number").GetInt64(), one.GetProperty("served").GetBoolean())));
        await left.RunProcessorAsync([]);
        (await left.RunAsync("verify")).Exits(0).Says("a start begins with the checkpoint");
        Assert.True(File.Exists(Path.Combine(left.Store(0, 257), "manifest.1")));
        (await left.RunAsync("lineage drop 256 --yes")).Exits(0).Says("dropped lineage 256");
        Assert.False(Directory.Exists(left.Store(0)));
        Assert.False(Directory.Exists(left.Rows(0)));
        (await left.RunAsync("verify")).Exits(0);
        (await left.RunAsync("lineage drop 256 --yes")).Exits(2).Complains("lineage 256 is not there; there are 257");
    }

    [Fact]
    public async Task A_start_that_is_refused_for_its_policy_is_resolved_by_a_new_lineage()
    {
        using var left = stopped.Copy();
        (await left.RunAsync("lineage list", "Policy__Window=50")).Exits(0).Says("none is of these settings: a start would be refused");
        (await left.RunAsync("lineage create", "Policy__Window=50")).Exits(0).Says("window=50");
        (await left.RunAsync("lineage list", "Policy__Window=50")).Exits(0).Says("served");
        // Nothing of it is there yet: a start would begin with nothing.
        (await left.RunAsync("verify", "Policy__Window=50")).Exits(0).Says("a start begins with nothing and replays");
        (await left.RunAsync("verify")).Exits(0).Says("a start begins with the checkpoint");
    }

    [Fact]
    public async Task What_is_served_is_dropped_only_by_force_and_nothing_without_a_yes()
    {
        using var left = stopped.Copy();
        var before = left.Contents();
        (await left.RunAsync("lineage drop 256 --yes")).Exits(2).Complains("--force");
        (await left.RunAsync("lineage drop 256 --force")).Exits(2).Complains("--yes");
        (await left.RunAsync("lineage drop 300 --yes")).Exits(2).Complains("is not there");
        (await left.RunAsync("lineage drop")).Exits(2);
        Assert.Equal(before, left.Contents());
        (await left.RunAsync("lineage drop 256 --yes --force")).Exits(0);
        Assert.False(Directory.Exists(left.Store(1)));
        Assert.Equal(0, (await left.RunAsync("lineage list --json")).Exits(0).Json.GetArrayLength());
    }
}
