using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.QueryApiTests;

public class CommandTests
{
    private const ulong User = 7, Channel = 42;
    private static readonly string Ack = $"/v1/users/{User}/channels/{Channel}/ack";
    private static readonly string MarkUnread = $"/v1/users/{User}/channels/{Channel}/mark-unread";

    [Fact]
    public async Task Ack_publishes_one_read_and_answers_a_token_that_reads_wait_for()
    {
        await using var d = await StartAsync();
        var partition = d.Topic.PartitionOf(Channel);
        d.Topic.SetPosition(partition, 16);
        var (response, body) = await d.PostAsync(Ack, new { upTo = "123" });
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal(new MessagesRead { ChannelId = Channel, UserId = User, UpToId = 123 }, Assert.Single(d.Topic.Published).MessagesRead);
        Assert.Equal((1, "1001", partition, "16"), (body.GetProperty("published").GetInt32(), body.GetProperty("eventId").GetString(),
            body.GetProperty("partition").GetInt32(), body.GetProperty("offset").GetString()));
        var state = await d.OkAsync($"/v1/users/{User}/channels/{Channel}?waitMs=0&token={body.GetProperty("token").GetString()}");
        Assert.Equal("17", state.GetProperty("freshness").GetProperty("asOf").GetProperty($"{partition}").GetString());
        d.Topic.SetPosition(partition, 16);
        Deployment.AssertProblem(
            await d.GetAsync($"/v1/users/{User}/channels/{Channel}?waitMs=0&token={body.GetProperty("token").GetString()}"), 409, "not-yet-applied");
    }

    [Fact]
    public async Task Ack_says_main_thread_or_manual_in_the_fact()
    {
        await using var d = await StartAsync();
        await d.PostAsync(Ack, new { upTo = "5", thread = "main" });
        await d.PostAsync(Ack, new { upTo = "6", thread = "4" });
        await d.PostAsync(Ack, new { upTo = "0", manual = true });
        Assert.Equal(
            [
                new ChannelEvent { MessagesRead = new MessagesRead { ChannelId = Channel, UserId = User, UpToId = 5, MainTimeline = true } },
                new ChannelEvent { MessagesRead = new MessagesRead { ChannelId = Channel, UserId = User, UpToId = 6, ThreadRootId = 4 } },
                new ChannelEvent { PointerSet = new PointerSet { ChannelId = Channel, UserId = User, UpToId = 0 } },
            ],
            Facts(d));
    }

    [Fact]
    public async Task Mark_unread_sets_the_pointer_below_an_existing_message()
    {
        await using var d = await StartAsync();
        d.Topic.Send(Channel, 123, author: 8);
        var (response, _) = await d.PostAsync(MarkUnread, new { messageId = "123" });
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal([new ChannelEvent { PointerSet = new PointerSet { ChannelId = Channel, UserId = User, UpToId = 122 } }], Facts(d));
    }

    [Fact]
    public async Task One_s_own_message_is_refused_only_where_the_policy_says_so()
    {
        await using var d = await StartAsync();
        d.Topic.Send(Channel, 123, author: User);
        Assert.Equal(HttpStatusCode.Accepted, (await d.PostAsync(MarkUnread, new { messageId = "123" })).Response.StatusCode);
        d.Processors[0].Claim([0, 1, 2, 3], c => c.RefuseOwnUnreadFrom = true);
        await d.Router.WaitForAsync(t => t.TryOwner(0, out var o) && o.Claims.RefuseOwnUnreadFrom, TestContext.Current.CancellationToken);
        Deployment.AssertProblem(await d.PostAsync(MarkUnread, new { messageId = "123" }), 422, "own-message");
        Assert.Single(d.Topic.Published);
    }

    [Fact]
    public async Task What_is_refused_publishes_nothing()
    {
        await using var d = await StartAsync();
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{User}/channels/43/ack", new { upTo = "1" }), 404, "not-a-member");
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{User}/channels/43/mark-unread", new { messageId = "1" }), 404, "not-a-member");
        Deployment.AssertProblem(await d.PostAsync(MarkUnread, new { messageId = "123" }), 422, "message-not-found");
        Deployment.AssertProblem(await d.PostAsync(MarkUnread, new { messageId = "0" }), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.PostAsync(Ack, new { upTo = "0" }), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.PostAsync(Ack, new { upTo = "9223372036854775808" }), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.PostAsync(Ack, new { upTo = "1", thread = "0" }), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.PostAsync(Ack, new { upTo = "1", thread = "main", manual = true }), 422, "invalid-command");
        Deployment.AssertProblem(await d.PostAsync(Ack, new { }), 400, "malformed-json");
        Deployment.AssertProblem(await d.PostAsync($"{Ack}?waitMs=0&token={d.Topic.Token((d.Topic.PartitionOf(Channel), 1))}", new { upTo = "1" }), 409, "not-yet-applied");
        var some = await d.PostAsync($"/v1/users/{User}/read-all", new { channels = new[] { $"{Channel}", "43", "44" } });
        Deployment.AssertProblem(some, 404, "not-a-member");
        Assert.Equal("""["43","44"]""", some.Body.GetProperty("channels").GetRawText());
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{User}/read-all", new { channels = Array.Empty<string>() }), 400, "invalid-parameter");
        Assert.Empty(d.Topic.Published);
    }

    [Fact]
    public async Task Read_all_reads_every_channel_that_has_something_to_read_over_all_processors()
    {
        var topic = new FakeTopic(4);
        await using var d = await Deployment.StartAsync(topic, [[0, 2], [1, 3]]);
        for (ulong c = 1; c <= 1_500; c++)
            topic.SetState(User, c, s => (s.LastReadId, s.LastMessageId, s.Counts.Unread) = (c % 3) switch
            {
                0 => (c, c, 0u),          // read
                1 => (c - 1, c, 1u),      // unread
                _ => (0ul, c, 0u),        // nothing counts as unread, but the pointer lies below the head
            });
        topic.SetState(User, 2_000); // no message ever
        var (response, body) = await d.PostAsync($"/v1/users/{User}/read-all", null);
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        Assert.Equal(1_000, body.GetProperty("published").GetInt32());
        Assert.Equal(JsonValueKind.Null, body.GetProperty("eventId").ValueKind);
        Assert.Equal(
            Enumerable.Range(1, 1_500).Where(c => c % 3 != 0).Select(c => ((ulong)c, (ulong)c)),
            topic.Published.Select(e => (e.MessagesRead.ChannelId, e.MessagesRead.UpToId)).Order());
        await d.OkAsync($"/v1/users/{User}/badge?waitMs=0&token={body.GetProperty("token").GetString()}");
        var partition = Enumerable.Range(0, 4).MaxBy(p => topic.PositionOf(p));
        topic.SetPosition(partition, topic.PositionOf(partition) - 1);
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/badge?waitMs=0&token={body.GetProperty("token").GetString()}"), 409, "not-yet-applied");
    }

    [Fact]
    public async Task Read_all_of_listed_channels_reads_these_once_each()
    {
        await using var d = await StartAsync();
        d.Topic.SetState(User, 43, s => (s.LastMessageId, s.Counts.Unread) = (9, 1));
        d.Topic.SetState(User, 44, s => (s.LastMessageId, s.Counts.Unread) = (9, 1));
        var (_, body) = await d.PostAsync($"/v1/users/{User}/read-all", new { channels = new[] { "43", "43" } });
        Assert.Equal(1, body.GetProperty("published").GetInt32());
        Assert.Equal([new ChannelEvent { MessagesRead = new MessagesRead { ChannelId = 43, UserId = User, UpToId = 9 } }], Facts(d));
    }

    [Fact]
    public async Task With_nothing_left_to_read_the_answer_is_200_and_the_token_still_one()
    {
        await using var d = await StartAsync();
        var passed = d.Topic.Token((0, 0));
        var (response, body) = await d.PostAsync($"/v1/users/{User}/read-all", null);
        Assert.Equal((HttpStatusCode.OK, 0), (response.StatusCode, body.GetProperty("published").GetInt32()));
        await d.OkAsync($"/v1/users/{User}/badge?token={body.GetProperty("token").GetString()},{passed}");
        Assert.Empty(d.Topic.Published);
    }

    [Fact]
    public async Task The_token_of_a_command_contains_the_tokens_passed_to_it()
    {
        await using var d = await StartAsync();
        var other = Enumerable.Range(0, 4).First(p => p != d.Topic.PartitionOf(Channel) && p != d.Topic.PartitionOf(User));
        var (_, body) = await d.PostAsync($"{Ack}?waitMs=0&token={d.Topic.Token((other, 50))}", new { upTo = "1" });
        var answer = await d.GetAsync($"/v1/users/{User}/badge?waitMs=0&token={body.GetProperty("token").GetString()}");
        Deployment.AssertProblem(answer, 409, "not-yet-applied");
        Assert.Equal("50", answer.Body.GetProperty("wanted").GetProperty($"{other}").GetString());
    }

    [Theory]
    [InlineData(503, 503)]
    [InlineData(429, 429)]
    [InlineData(400, 502)]
    public async Task An_ingest_that_refuses_is_passed_on(int status, int expected)
    {
        await using var d = await StartAsync();
        d.Processors[0].Ingest = async (context, _) =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "9";
            await context.Response.WriteAsync("""{"type":"x","title":"No","status":503,"detail":"the disk is full"}""");
        };
        var answer = await d.PostAsync(Ack, new { upTo = "1" });
        Deployment.AssertProblem(answer, expected, "publish-refused");
        Assert.Contains("the disk is full", answer.Body.GetProperty("detail").GetString());
        if (expected != 502) Assert.Equal(TimeSpan.FromSeconds(9), answer.Response.Headers.RetryAfter!.Delta);
    }

    [Fact]
    public async Task A_batch_taken_in_part_is_a_problem_with_the_token_of_what_was_taken()
    {
        await using var d = await StartAsync();
        foreach (ulong c in new ulong[] { 50, 51 }) d.Topic.SetState(User, c, s => (s.LastMessageId, s.Counts.Unread) = (9, 1));
        var token = d.Topic.Token((1, 5));
        d.Processors[0].Ingest = (context, batch) => context.Response.WriteAsJsonAsync(new
        {
            results = new object[]
            {
                new { status = 200, partition = 1, offset = "4", eventId = "77", token },
                new { status = 503, problem = new { title = "No", detail = "the log is away" } },
            },
            accepted = 1, rejected = 1, token,
        });
        var answer = await d.PostAsync($"/v1/users/{User}/read-all", null);
        Deployment.AssertProblem(answer, 503, "publish-refused");
        Assert.Equal((1, token), (answer.Body.GetProperty("published").GetInt32(), answer.Body.GetProperty("token").GetString()));
    }

    [Fact]
    public async Task An_ingest_that_breaks_off_leaves_the_outcome_open_and_says_so()
    {
        await using var d = await StartAsync();
        d.Processors[0].Ingest = (context, _) =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        Deployment.AssertProblem(await d.PostAsync(Ack, new { upTo = "1" }), 503, "publish-unconfirmed");
        d.Processors[0].Ingest = (context, _) => context.Response.WriteAsync("{}");
        Deployment.AssertProblem(await d.PostAsync(Ack, new { upTo = "1" }), 503, "publish-unconfirmed");
    }

    private static async Task<Deployment> StartAsync()
    {
        var d = await Deployment.StartAsync();
        d.Topic.SetState(User, Channel);
        return d;
    }

    private static IEnumerable<ChannelEvent> Facts(Deployment d) => d.Topic.Published.Select(e =>
    {
        var fact = e.Clone();
        fact.EventId = 0;
        return fact;
    });
}
