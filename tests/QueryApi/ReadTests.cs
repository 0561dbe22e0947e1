using System.Text.Json;
using ReadStateStream.Schemas.V1;
using Xunit;
using ThreadState = ReadStateStream.Schemas.V1.ThreadState;

namespace ReadStateStream.QueryApiTests;

public class ReadTests
{
    private const ulong User = 7;

    [Fact]
    public async Task A_state_carries_every_figure_and_its_freshness()
    {
        await using var d = await Deployment.StartAsync();
        var partition = d.Topic.PartitionOf(42);
        d.Topic.SetPosition(partition, 17);
        d.Topic.SetState(User, 42, s =>
        {
            s.Counts = new Counts { Unread = 5, Mentions = 2, MentionsNamed = 1, MentionsEveryone = 1, FirstUnreadId = 1002, Capped = false };
            s.LastReadId = 1001;
            s.LastReadUnixMs = 1_767_323_045_678;
            s.LastMessageId = 1UL << 62;
            s.Kind = ChannelKind.Group;
            s.Muted = true;
            s.EveryoneSuppressed = true;
            s.BadgeMentions = 1;
        });
        var body = await d.OkAsync($"/v1/users/{User}/channels/42");
        var freshness = body.GetProperty("freshness");
        Assert.Equal("17", freshness.GetProperty("asOf").GetProperty($"{partition}").GetString());
        Assert.Equal("""
            {"user":"7","channel":"42","member":true,"counts":{"unread":5,"mentions":{"total":2,"named":1,"everyone":1},"firstUnreadId":"1002","capped":false},"lastReadId":"1001","lastReadAt":"2026-01-02T03:04:05.678Z","lastMessageId":"4611686018427387904","kind":"group","muted":true,"everyoneSuppressed":true,"badge":{"unread":0,"mentions":1},"incomplete":false,"freshness":
            """.Trim() + freshness.GetRawText() + "}", body.GetRawText());
        Assert.Equal("live", freshness.GetProperty("source").GetString());
        Assert.False(freshness.GetProperty("stale").GetBoolean());
        Assert.Equal("""{"events":0,"milliseconds":0}""", freshness.GetProperty("lag").GetRawText());
        Assert.Equal(0, freshness.GetProperty("incomplete").GetInt32());
    }

    [Fact]
    public async Task What_there_is_none_of_is_null()
    {
        await using var d = await Deployment.StartAsync();
        d.Topic.SetState(User, 42, s => s.Counts = null);
        var body = await d.OkAsync($"/v1/users/{User}/channels/42");
        foreach (var name in new[] { "lastReadId", "lastReadAt", "lastMessageId" })
            Assert.Equal(JsonValueKind.Null, body.GetProperty(name).ValueKind);
        Assert.Equal(JsonValueKind.Null, body.GetProperty("counts").GetProperty("firstUnreadId").ValueKind);
        Assert.Equal("guild", body.GetProperty("kind").GetString());
    }

    [Fact]
    public async Task No_state_is_404_and_names_user_and_channel()
    {
        await using var d = await Deployment.StartAsync();
        var answer = await d.GetAsync($"/v1/users/{User}/channels/42");
        Deployment.AssertProblem(answer, 404, "not-a-member");
        Assert.Equal("""["42"]""", answer.Body.GetProperty("channels").GetRawText());
    }

    [Fact]
    public async Task Dead_letters_of_partitions_that_were_not_read_count()
    {
        await using var d = await Deployment.StartAsync();
        var (channels, users) = (d.Topic.PartitionOf(42), d.Topic.PartitionOf(User));
        d.Topic.SetState(User, 42);
        d.Processors[0].Claim([0, 1, 2, 3], c =>
        {
            foreach (var claim in c.Claims) claim.DeadLetters = 1;
        });
        await d.Router.WaitForAsync(t => t.ClaimOf(0)?.DeadLetters == 1, TestContext.Current.CancellationToken);
        var body = await d.OkAsync($"/v1/users/{User}/channels/42");
        Assert.Equal(4 - new[] { channels, users }.Distinct().Count(), body.GetProperty("freshness").GetProperty("incomplete").GetInt32());
    }

    [Fact]
    public async Task Threads_come_where_asked_for()
    {
        await using var d = await Deployment.StartAsync();
        d.Topic.SetState(User, 42, s =>
        {
            s.Threads.Add(new ThreadState { Counts = new Counts { Unread = 1 }, LastReadId = 3 });
            s.Threads.Add(new ThreadState { ThreadRootId = 9, Counts = new Counts { Unread = 2, FirstUnreadId = 11 }, LastMessageId = 12 });
        });
        Assert.False((await d.OkAsync($"/v1/users/{User}/channels/42")).TryGetProperty("threads", out _));
        var threads = (await d.OkAsync($"/v1/users/{User}/channels/42?threads=true")).GetProperty("threads");
        Assert.Equal(["main", "9"], threads.EnumerateArray().Select(t => t.GetProperty("thread").GetString()));
        Assert.Equal("11", threads[1].GetProperty("counts").GetProperty("firstUnreadId").GetString());
    }

    [Fact]
    public async Task A_thread_alone_is_409_where_threads_are_inline_and_zero_where_it_has_no_messages()
    {
        await using var d = await Deployment.StartAsync();
        d.Topic.SetState(User, 42, s =>
        {
            s.LastReadId = 5;
            s.Threads.Add(new ThreadState { ThreadRootId = 9, Counts = new Counts { Unread = 2 }, LastReadId = 10, LastMessageId = 12 });
        });
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/channels/42/threads/9"), 409, "threads-inline");
        d.Processors[0].Claim([0, 1, 2, 3], c => c.ThreadsSeparate = true);
        await d.Router.WaitForAsync(t => t.TryOwner(0, out var o) && o.Claims.ThreadsSeparate, TestContext.Current.CancellationToken);

        var thread = await d.OkAsync($"/v1/users/{User}/channels/42/threads/9");
        Assert.Equal((2, "10", "12"), (thread.GetProperty("counts").GetProperty("unread").GetInt32(),
            thread.GetProperty("lastReadId").GetString(), thread.GetProperty("lastMessageId").GetString()));
        Assert.True(thread.GetProperty("freshness").GetProperty("asOf").TryGetProperty($"{d.Topic.PartitionOf(42)}", out _));
        var other = await d.OkAsync($"/v1/users/{User}/channels/42/threads/77");
        Assert.Equal((0, "5", "77"), (other.GetProperty("counts").GetProperty("unread").GetInt32(),
            other.GetProperty("lastReadId").GetString(), other.GetProperty("thread").GetString()));
        Assert.Equal("main", (await d.OkAsync($"/v1/users/{User}/channels/42/threads/main")).GetProperty("thread").GetString());
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/channels/43/threads/9"), 404, "not-a-member");
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/channels/42/threads/none"), 400, "invalid-parameter");
    }

    [Fact]
    public async Task A_batch_answers_in_the_order_of_its_keys_over_all_processors()
    {
        var topic = new FakeTopic(4);
        await using var d = await Deployment.StartAsync(topic, [[0, 1], [2, 3]]);
        var keys = Enumerable.Range(1, 60).Select(i => (User: (ulong)(1 + i * 7 % 5), Channel: (ulong)(1 + i * 37 % 60))).ToList();
        foreach (var (user, channel) in keys.Where(k => k.Channel % 3 != 0))
            topic.SetState(user, channel, s => s.Counts.Unread = user * 1_000 + channel);
        var (_, body) = await d.PostAsync("/v1/states:batch", new { keys = keys.Select(k => new { user = $"{k.User}", channel = $"{k.Channel}" }) });
        var states = body.GetProperty("states").EnumerateArray().ToList();
        Assert.Equal(keys.Select(k => ($"{k.User}", $"{k.Channel}", k.Channel % 3 != 0)),
            states.Select(s => (s.GetProperty("user").GetString()!, s.GetProperty("channel").GetString()!, s.GetProperty("member").GetBoolean())));
        Assert.All(states.Zip(keys).Where(p => p.Second.Channel % 3 != 0), p =>
            Assert.Equal(p.Second.User * 1_000 + p.Second.Channel, p.First.GetProperty("counts").GetProperty("unread").GetUInt64()));
        Assert.All(d.Processors, p => Assert.Single(p.Asked.OfType<GetStatesRequest>()));
        // Each user's blocks once, from the owner of the user's partition, only where another processor needs them.
        Assert.All(d.Processors.SelectMany(p => p.Asked.OfType<GetBlockedUsersRequest>()).GroupBy(r => r.UserId), g => Assert.Single(g));
    }

    [Fact]
    public async Task Pages_interleave_the_channels_of_all_processors_in_order()
    {
        var topic = new FakeTopic(8);
        await using var d = await Deployment.StartAsync(topic, [[0, 3, 6], [1, 4, 7], [2, 5]]);
        var channels = Enumerable.Range(1, 100).Select(i => (ulong)i * 3).ToList();
        foreach (var c in channels) topic.SetState(User, c, s => s.Counts.Unread = c % 2);
        topic.SetState(User + 1, 1);

        Assert.Equal(channels, await AllPagesAsync(d, "limit=7", pages => Assert.All(pages[..^1], p => Assert.Equal(7, p))));
        Assert.Equal(channels.Where(c => c % 2 == 1), await AllPagesAsync(d, "unread=true&limit=9", pages => Assert.Equal(6, pages.Count)));
        Assert.Equal(channels, await AllPagesAsync(d, "", pages => Assert.Equal([100], pages)));
        var asked = d.Processors.SelectMany(p => p.Asked.OfType<GetUserRequest>()).First();
        Assert.Equal(7u, asked.Limit);
    }

    [Fact]
    public async Task A_cursor_continues_only_its_own_question()
    {
        await using var d = await Deployment.StartAsync();
        foreach (var c in new ulong[] { 1, 2, 3 }) d.Topic.SetState(User, c, s => s.Counts.Unread = 1);
        var cursor = (await d.OkAsync($"/v1/users/{User}/channels?limit=2")).GetProperty("cursor").GetString();
        Assert.NotNull(cursor);
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/8/channels?cursor={cursor}"), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/channels?unread=true&cursor={cursor}"), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/channels?cursor=AAAA"), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{User}/channels?cursor=!!"), 400, "invalid-parameter");
    }

    [Fact]
    public async Task The_badge_sums_all_processors()
    {
        var topic = new FakeTopic(4);
        await using var d = await Deployment.StartAsync(topic, [[0], [1, 2], [3]]);
        for (ulong c = 1; c <= 20; c++) topic.SetState(User, c, s => (s.BadgeUnread, s.BadgeMentions) = (c % 2 == 0 ? c : 0, 1));
        topic.SetState(User, 21, s => s.Counts.Capped = true);
        for (var p = 0; p < 4; p++) topic.SetPosition(p, (ulong)(100 + p));
        var badge = await d.OkAsync($"/v1/users/{User}/badge");
        Assert.Equal((110, 20, true, 21, 10), (badge.GetProperty("unread").GetInt32(), badge.GetProperty("mentions").GetInt32(),
            badge.GetProperty("capped").GetBoolean(), badge.GetProperty("channels").GetInt32(), badge.GetProperty("unreadChannels").GetInt32()));
        Assert.Equal("""{"0":"100","1":"101","2":"102","3":"103"}""", badge.GetProperty("freshness").GetProperty("asOf").GetRawText());
        Assert.All(d.Processors, p => Assert.Single(p.Asked.OfType<GetUserRequest>()));
    }

    [Fact]
    public async Task Whom_a_user_blocked_is_handed_to_processors_that_do_not_own_the_user()
    {
        var topic = new FakeTopic(2);
        await using var d = await Deployment.StartAsync(topic, [[0], [1]]);
        var user = topic.IdIn(0);
        var (near, far) = (topic.IdIn(0, 1), topic.IdIn(1));
        topic.Block(user, 500);
        topic.SetPosition(0, 33);
        topic.SetState(user, near, null, 500, 501);
        topic.SetState(user, far, null, 500, 501, 502);

        var answer = await d.OkAsync($"/v1/users/{user}/channels/{far}");
        Assert.Equal(2, answer.GetProperty("counts").GetProperty("mentions").GetProperty("total").GetInt32());
        Assert.Equal("""{"0":"33","1":"0"}""", answer.GetProperty("freshness").GetProperty("asOf").GetRawText());
        Assert.Equal(500ul, Assert.Single(d.Processors[1].Asked.OfType<GetStatesRequest>().Single().Blocked).BlockedUserIds.Single());
        Assert.Equal(user, d.Processors[0].Asked.OfType<GetBlockedUsersRequest>().Single().UserId);

        await d.OkAsync($"/v1/users/{user}/channels/{near}");
        Assert.Empty(d.Processors[0].Asked.OfType<GetStatesRequest>().Single().Blocked);
        Assert.Equal(3, (await d.OkAsync($"/v1/users/{user}/badge")).GetProperty("mentions").GetInt32());
        Assert.Null(d.Processors[0].Asked.OfType<GetUserRequest>().Single().Blocked);
        Assert.NotNull(d.Processors[1].Asked.OfType<GetUserRequest>().Single().Blocked);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Blocks_that_change_under_an_answer_ask_it_again(bool change)
    {
        var topic = new FakeTopic(2);
        await using var d = await Deployment.StartAsync(topic, [[0], [1]]);
        var user = topic.IdIn(0);
        topic.SetPosition(0, 33);
        topic.SetState(user, topic.IdIn(0), null, 500);
        topic.SetState(user, topic.IdIn(1), null, 500);
        // After the blocks were read, before the user's own partition answers.
        d.Processors[0].OnGetUser = _ =>
        {
            if (change) topic.Block(user, 500);
            topic.SetPosition(0, 34);
            d.Processors[0].OnGetUser = null;
        };
        var badge = await d.OkAsync($"/v1/users/{user}/badge");
        Assert.Equal(change ? 0 : 2, badge.GetProperty("mentions").GetInt32()); // never 1: that would be two truths in one answer
        Assert.Equal("34", badge.GetProperty("freshness").GetProperty("asOf").GetProperty("0").GetString());
        Assert.All(d.Processors, p => Assert.Equal(change ? 2 : 1, p.Asked.OfType<GetUserRequest>().Count()));
    }

    private static async Task<List<ulong>> AllPagesAsync(Deployment d, string query, Action<List<int>> checkSizes)
    {
        var (channels, sizes, cursor) = (new List<ulong>(), new List<int>(), "");
        do
        {
            var page = await d.OkAsync($"/v1/users/{User}/channels?{query}&cursor={cursor}");
            var states = page.GetProperty("states").EnumerateArray().ToList();
            channels.AddRange(states.Select(s => ulong.Parse(s.GetProperty("channel").GetString()!)));
            sizes.Add(states.Count);
            cursor = page.GetProperty("cursor").GetString();
        }
        while (cursor is not null);
        checkSizes(sizes);
        return channels;
    }
}
