using Microsoft.Extensions.Configuration;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Snapshot.Files;
using ReadStateStream.Snapshot.None;
using Xunit;

namespace ReadStateStream.Unit.Host;

/// <summary>Which lineage a start serves, and what it refuses.</summary>
public sealed class LineageChoiceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("readstate-lineage-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_first_start_creates_one_and_the_next_start_serves_it()
    {
        var first = await ChooseAsync("topic");
        Assert.Equal(LineageEntry.FirstNumber, first.Number);
        Assert.Equal(first.Number, (await ChooseAsync("topic")).Number);
    }

    [Theory]
    [InlineData("Processor:Partitions", "12", "partition count '8', not '12'")]
    [InlineData("Policy:Window", "100", "stored policy")]
    [InlineData("Policy:Threads", "Separate", "stored policy")]
    [InlineData("Store:PageBytes", "4096", "stored policy")]
    public async Task Another_identity_is_refused_with_the_way_out(string setting, string value, string what)
    {
        await ChooseAsync("topic");
        var refused = await Assert.ThrowsAsync<SettingException>(() => ChooseAsync("topic", (setting, value)));
        Assert.Contains(what, refused.Message, StringComparison.Ordinal);
        Assert.Contains("processor lineage create", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_topic_that_was_created_anew_is_refused()
    {
        await ChooseAsync("topic");
        var refused = await Assert.ThrowsAsync<SettingException>(() => ChooseAsync("another"));
        Assert.Contains("topic 'topic', not 'another'", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>What is applied at the answer belongs to no lineage; the query API finds it beside the rows.</summary>
    [Fact]
    public async Task A_policy_of_answers_changes_the_description_alone()
    {
        var first = await ChooseAsync("topic");
        Assert.False(first.Answers.Policy.MuteZeroes);
        Assert.Equal(first.Number, (await ChooseAsync("topic", ("Policy:MuteZeroes", "true"))).Number);
        await using var store = Open();
        Assert.True((await store.ListLineagesAsync(Stop)).Single().Answers.Policy.MuteZeroes);
    }

    [Fact]
    public async Task Of_several_of_one_identity_the_newest_is_served()
    {
        await ChooseAsync("topic");
        await using var store = Open();
        var choice = new LineageChoice(store, Settings());
        var second = await store.CreateLineageAsync(choice.IdentityOf("topic"), choice.Answers, Stop);
        Assert.Equal(second.Number, (await ChooseAsync("topic")).Number);
    }

    [Fact]
    public async Task From_a_log_that_was_cut_none_is_created_and_the_one_there_is_served()
    {
        await using (var store = Open())
        {
            var cut = new LineageChoice(store, Settings(), isLogWhole: false);
            var refused = await Assert.ThrowsAsync<SettingException>(() => cut.ChooseAsync("topic", Stop));
            Assert.Contains("Processor__LogRetentionHours", refused.Message, StringComparison.Ordinal);
            Assert.Empty(await store.ListLineagesAsync(Stop));
        }
        var first = await ChooseAsync("topic");
        await using (var store = Open())
            Assert.Equal(first.Number, (await new LineageChoice(store, Settings(), isLogWhole: false).ChooseAsync("topic", Stop)).Number);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private NoneSnapshotStore Open() => new(new FilesSnapshotOptions { Folder = folder }, TimeProvider.System);

    private static ProcessorSettings Settings(params (string Name, string Value)[] settings) => new(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Name, (string?)s.Value))).Build());

    private async Task<LineageEntry> ChooseAsync(string topic, params (string Name, string Value)[] settings)
    {
        await using var store = Open();
        return await new LineageChoice(store, Settings(settings)).ChooseAsync(topic, Stop);
    }
}
