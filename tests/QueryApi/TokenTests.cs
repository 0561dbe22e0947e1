using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.QueryApiTests;

public class TokenTests
{
    private const ulong User = 7, Channel = 42;

    [Fact]
    public async Task An_answer_waits_for_the_tokens_position()
    {
        await using var d = await StartAsync();
        var partition = d.Topic.PartitionOf(Channel);
        d.Topic.SetPosition(partition, 4);
        var answer = d.OkAsync($"/v1/users/{User}/channels/{Channel}?waitMs=30000&token={d.Topic.Token((partition, 5))}");
        await d.Processors[0].Waiting.Task.WaitAsync(TestContext.Current.CancellationToken);
        Assert.False(answer.IsCompleted);
        d.Topic.SetPosition(partition, 5);
        Assert.Equal("5", AsOf(await answer, partition));
    }

    [Fact]
    public async Task After_the_wait_409_says_what_was_reached_and_what_was_asked_for()
    {
        await using var d = await StartAsync();
        var partition = d.Topic.PartitionOf(Channel);
        d.Topic.SetPosition(partition, 4);
        var token = d.Topic.Token((partition, 5));
        foreach (var path in new[] { $"/v1/users/{User}/channels/{Channel}", $"/v1/users/{User}/channels", $"/v1/users/{User}/badge" })
        {
            var answer = await d.GetAsync($"{path}?waitMs=0&token={token}");
            Deployment.AssertProblem(answer, 409, "not-yet-applied");
            Assert.Equal($"{{\"{partition}\":\"4\"}}", answer.Body.GetProperty("reached").GetRawText());
            Assert.Equal($"{{\"{partition}\":\"5\"}}", answer.Body.GetProperty("wanted").GetRawText());
        }
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/channels/{Channel}?waitMs=0", token), 409, "not-yet-applied");
        var batch = new { keys = new[] { new { user = $"{User}", channel = $"{Channel}" } } };
        Deployment.AssertProblem(await d.PostAsync($"/v1/states:batch?waitMs=0&token={token}", batch), 409, "not-yet-applied");
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{User}/read-all?waitMs=0&token={token}", null), 409, "not-yet-applied");
    }

    [Fact]
    public async Task The_position_of_a_foreign_users_blocks_is_waited_for_too()
    {
        var topic = new FakeTopic(2);
        await using var d = await Deployment.StartAsync(topic, [[0], [1]]);
        var (user, channel) = (topic.IdIn(0), topic.IdIn(1));
        topic.SetState(user, channel);
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{user}/channels/{channel}?waitMs=0&token={topic.Token((0, 1))}"), 409, "not-yet-applied");
        topic.SetPosition(0, 1);
        await d.OkAsync($"/v1/users/{user}/channels/{channel}?waitMs=0&token={topic.Token((0, 1))}");
    }

    [Fact]
    public async Task Only_partitions_of_the_answer_are_waited_for()
    {
        await using var d = await StartAsync();
        var involved = new[] { d.Topic.PartitionOf(Channel), d.Topic.PartitionOf(User) };
        var other = Enumerable.Range(0, 4).First(p => !involved.Contains(p));
        await d.OkAsync($"/v1/users/{User}/channels/{Channel}?waitMs=0&token={d.Topic.Token((other, 1_000))}");
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/badge?waitMs=0&token={d.Topic.Token((other, 1_000))}"), 409, "not-yet-applied");
    }

    [Fact]
    public async Task Tokens_merge_from_commas_repetition_and_header()
    {
        await using var d = await StartAsync();
        var tokens = Enumerable.Range(0, 4).Select(p => d.Topic.Token((p, (ulong)p + 1))).ToArray();
        await d.OkAsync($"/v1/users/{User}/badge?waitMs=0");
        var answer = await d.GetAsync($"/v1/users/{User}/badge?waitMs=0&token={tokens[0]},{tokens[1]}&token={tokens[2]}", tokens[3]);
        Assert.Equal("""{"0":"1","1":"2","2":"3","3":"4"}""", answer.Body.GetProperty("wanted").GetRawText());
        for (var p = 0; p < 4; p++) d.Topic.SetPosition(p, (ulong)p + 1);
        await d.OkAsync($"/v1/users/{User}/badge?waitMs=0&token={tokens[0]},{tokens[1]}&token={tokens[2]}", tokens[3]);
    }

    [Fact]
    public async Task What_is_no_token_of_this_topic_is_400()
    {
        await using var d = await StartAsync();
        var foreign = FakeTopic.Token("another topic", (0, 1));
        string[] bad = ["!!", "AAAA", "Dg", "DwA", "a", foreign, d.Topic.Token((0, 1)) + "," + foreign, d.Topic.Token((4, 1)), d.Topic.Token((0, ulong.MaxValue)),
            FakeTopic.Token("", (0, 1))];
        foreach (var token in bad)
            Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/badge?token={token}"), 400, "invalid-token");
        Assert.Empty(d.Processors[0].Asked);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("30001")]
    public async Task A_wait_out_of_range_is_400(string waitMs)
    {
        await using var d = await StartAsync();
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/badge?waitMs={waitMs}"), 400, "invalid-parameter");
    }

    [Fact]
    public async Task The_wait_of_a_caller_that_says_nothing_is_the_setting()
    {
        await using var d = await Deployment.StartAsync(4, "--Answers:DefaultWaitMs=0");
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/badge?token={d.Topic.Token((0, 9))}"), 409, "not-yet-applied");
        // The question once with the wait, once without to learn the position.
        Assert.Equal([true, false], d.Processors[0].Asked.OfType<GetUserRequest>().Select(r => r.Freshness is not null));
    }

    private static async Task<Deployment> StartAsync()
    {
        var d = await Deployment.StartAsync();
        d.Topic.SetState(User, Channel);
        return d;
    }

    private static string? AsOf(System.Text.Json.JsonElement answer, int partition) =>
        answer.GetProperty("freshness").GetProperty("asOf").GetProperty($"{partition}").GetString();
}
