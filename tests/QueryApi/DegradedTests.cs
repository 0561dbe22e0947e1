using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.Fold;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Reading;
using Xunit;

namespace ReadStateStream.QueryApiTests;

/// <summary>Answers while partitions have no owner: what they say of themselves, and when there is none.</summary>
public class DegradedTests
{
    private const ulong User = 7, Channel = 42, Other = 9;
    private const long Now = 1_767_323_045_678;
    private static readonly string State = $"/v1/users/{User}/channels/{Channel}";
    private static readonly string Badge = $"/v1/users/{User}/badge";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_snapshot_answers_and_says_so_while_no_processor_is_known()
    {
        using var topic = Chat(2).Ship(Now - 5_230);
        await using var d = await StartAsync(topic, []);
        var state = await d.OkAsync(State);
        Assert.Equal((2, 1, "1001"), (state.GetProperty("counts").GetProperty("unread").GetInt32(),
            state.GetProperty("counts").GetProperty("mentions").GetProperty("total").GetInt32(),
            state.GetProperty("counts").GetProperty("firstUnreadId").GetString()));
        var (channels, users) = (topic.PartitionOf(Channel), topic.PartitionOf(User));
        Assert.NotEqual(channels, users);
        var parts = string.Join(',', Enumerable.Range(0, 2).Select(p => $"\"{p}\":{{\"exact\":true,\"milliseconds\":5230}}"));
        Assert.Equal(
            $$$"""{"asOf":{"0":"{{{topic.Product.Partitions[0].Position}}}","1":"{{{topic.Product.Partitions[1].Position}}}"},"lag":{"events":null,"milliseconds":5230},"source":"snapshot","stale":true,"incomplete":0,"exact":true,"snapshotParts":{{{{parts}}}}}""",
            state.GetProperty("freshness").GetRawText());

        var badge = await d.OkAsync(Badge);
        Assert.Equal((2, 1, 1), (badge.GetProperty("unread").GetInt32(), badge.GetProperty("mentions").GetInt32(), badge.GetProperty("channels").GetInt32()));
        var page = await d.OkAsync($"/v1/users/{User}/channels?limit=1");
        Assert.Equal($"{Channel}", page.GetProperty("states")[0].GetProperty("channel").GetString());
        Assert.Equal(JsonValueKind.Null, page.GetProperty("cursor").ValueKind);
        var (_, batch) = await d.PostAsync("/v1/states:batch", new { keys = new[] { new { user = "7", channel = "42" }, new { user = "7", channel = "43" } } });
        Assert.Equal([true, false], batch.GetProperty("states").EnumerateArray().Select(s => s.GetProperty("member").GetBoolean()));
        Assert.All(new[] { badge, page, batch }, a => AssertStale(a, exact: true));
    }

    [Fact]
    public async Task What_there_is_none_of_in_a_snapshot_is_404_that_says_as_of_when()
    {
        using var topic = Chat(2).Ship();
        await using var d = await StartAsync(topic, []);
        var answer = await d.GetAsync($"/v1/users/{User}/channels/43");
        Deployment.AssertProblem(answer, 404, "not-a-member");
        AssertStale(answer.Body, exact: true);
    }

    [Fact]
    public async Task Rows_ahead_of_the_position_make_it_a_lower_bound()
    {
        using var topic = Chat(2).Ship();
        var before = topic.Product.Partitions[topic.PartitionOf(Channel)].Position;
        topic.Sent(Channel, 1_003, Other).ShipRows();
        await using var d = await StartAsync(topic, []);
        var state = await d.OkAsync(State);
        Assert.Equal(3, state.GetProperty("counts").GetProperty("unread").GetInt32());
        AssertStale(state, exact: false);
        var freshness = state.GetProperty("freshness");
        Assert.Equal($"{before}", freshness.GetProperty("asOf").GetProperty($"{topic.PartitionOf(Channel)}").GetString());
        var parts = freshness.GetProperty("snapshotParts");
        Assert.False(parts.GetProperty($"{topic.PartitionOf(Channel)}").GetProperty("exact").GetBoolean());
        Assert.True(parts.GetProperty($"{topic.PartitionOf(User)}").GetProperty("exact").GetBoolean());

        topic.Ship(); // completed
        AssertStale(await d.OkAsync(State), exact: true);
    }

    [Theory]
    [InlineData(1, true, 2)]
    [InlineData(2, true, 3)]
    [InlineData(3, false, 3)]
    [InlineData(50, false, 3)]
    public async Task A_position_that_moves_while_rows_are_read_is_read_again_and_then_a_lower_bound(int moves, bool exact, int attempts)
    {
        using var topic = Chat(1).Ship();
        await using var d = await StartAsync(topic, []);
        long start = topic.Product.Partitions[0].Position, moved = 0, read = 0;
        topic.Store.OnRead = (operation, partition, user) =>
        {
            if (operation != "read_user" || user != User) return Task.CompletedTask;
            read++;
            if (moved < moves) topic.Store.SetPosition(partition, start + ++moved);
            return Task.CompletedTask;
        };
        var state = await d.OkAsync(State);
        AssertStale(state, exact);
        Assert.Equal(attempts, read);
        // The position before the rows of the attempt that counts.
        Assert.Equal($"{start + Math.Min(moves, 2)}", state.GetProperty("freshness").GetProperty("asOf").GetProperty("0").GetString());
    }

    [Fact]
    public async Task Owners_and_the_snapshot_answer_together_each_for_its_partitions()
    {
        using var shipped = new ShippedTopic(2);
        var topic = new FakeTopic(2) { Lineage = 300 };
        var (live, away) = (topic.IdIn(0, from: 100), topic.IdIn(1, from: 100));
        foreach (var user in new[] { topic.IdIn(0), topic.IdIn(1) })
        {
            shipped.Created(away, user, Other).Sent(away, 1_001, Other, 0, user).Sent(away, 1_002, Other + 1, 0, user);
            topic.SetState(user, live, s => (s.Counts.Unread, s.BadgeUnread) = (5, 5), 500, 501);
        }
        // Of the user with an owner the owner knows whom they blocked, of the other the snapshot.
        var (usersLive, usersAway) = (topic.IdIn(0), topic.IdIn(1));
        topic.Block(usersLive, Other, 500);
        shipped.Blocked(usersAway, Other).Blocked(usersAway, 500).Ship(Now);
        topic.SetPosition(0, 17);
        await using var d = await StartAsync(shipped, [[0]], topic: topic);

        foreach (var user in new[] { usersLive, usersAway })
        {
            var badge = await d.OkAsync($"/v1/users/{user}/badge");
            var expected = shipped.Product.States([new GetStatesRequest.Types.Key { UserId = user, ChannelId = away }], BlockedBy(user));
            Assert.Equal(5 + expected[0].BadgeUnread, badge.GetProperty("unread").GetUInt64());
            Assert.Equal(1 + expected[0].BadgeMentions, badge.GetProperty("mentions").GetUInt64());
            Assert.Equal(2, badge.GetProperty("channels").GetInt32());
            var freshness = badge.GetProperty("freshness");
            Assert.Equal($$"""{"0":"17","1":"{{shipped.Product.Partitions[1].Position}}"}""", freshness.GetProperty("asOf").GetRawText());
            Assert.Equal("""{"1":{"exact":true,"milliseconds":0}}""", freshness.GetProperty("snapshotParts").GetRawText());
            AssertStale(badge, exact: true);
            var page = await d.OkAsync($"/v1/users/{user}/channels");
            Assert.Equal(new[] { live, away }.Order().Select(c => $"{c}"), page.GetProperty("states").EnumerateArray().Select(s => s.GetProperty("channel").GetString()));
            Assert.Equal(expected[0].Counts.Mentions,
                (await d.OkAsync($"/v1/users/{user}/channels/{away}")).GetProperty("counts").GetProperty("mentions").GetProperty("total").GetUInt64());
        }
        var (_, batch) = await d.PostAsync("/v1/states:batch", new
        {
            keys = new[] { (usersLive, live), (usersAway, away), (usersAway, live), (usersLive, away) }.Select(k => new { user = $"{k.Item1}", channel = $"{k.Item2}" }),
        });
        Assert.Equal([$"{live}", $"{away}", $"{live}", $"{away}"], batch.GetProperty("states").EnumerateArray().Select(s => s.GetProperty("channel").GetString()));
        AssertStale(batch, exact: true);

        shipped.Store.Reads.Clear();
        Assert.Equal("live", Source(await d.OkAsync($"/v1/users/{usersLive}/channels/{live}")));
        Assert.Empty(shipped.Store.Reads);

        static BlockedLookup BlockedBy(ulong user)
        {
            var lookup = new BlockedLookup();
            lookup.Add(user, [Other, 500]);
            return lookup;
        }
    }

    [Fact]
    public async Task A_processor_that_goes_is_stood_in_for_and_one_that_comes_answers_at_once()
    {
        var topic = new FakeTopic(1) { Lineage = 300 };
        using var shipped = Chat(1).Ship();
        topic.SetState(User, Channel, s => s.Counts.Unread = 77);
        await using var d = await StartAsync(shipped, [[0]], topic: topic);
        Assert.Equal(("live", 77), Seen(await d.OkAsync(State)));
        Assert.Empty(shipped.Store.Reads);
        d.Processors[0].Claim([0], c => c.Claims[0].State = PartitionState.Recovering);
        await d.Router.WaitForAsync(t => t.RoutedCount == 0, Stop);
        Assert.Equal(("snapshot", 2), Seen(await d.OkAsync(State)));
        d.Processors[0].Claim([0]);
        await d.Router.WaitForAsync(t => t.RoutedCount == 1, Stop);
        Assert.Equal(("live", 77), Seen(await d.OkAsync(State)));
        await d.Processors[0].StopAsync();
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        Assert.Equal(("snapshot", 2), Seen(await d.OkAsync(State)));
    }

    [Theory]
    [InlineData(ConnectCode.Unavailable, 2)]
    [InlineData(ConnectCode.DeadlineExceeded, 1)]
    public async Task A_processor_that_does_not_answer_is_left_out(ConnectCode code, int asked)
    {
        var topic = new FakeTopic(1) { Lineage = 300 };
        using var shipped = Chat(1).Ship();
        await using var d = await StartAsync(shipped, [[0]], topic: topic, settings: "--Routing:MovedWaitMs=0");
        d.Processors[0].FailAlways = new ConnectException(code, "not now");
        Assert.Equal(("snapshot", 2), Seen(await d.OkAsync(State)));
        Assert.Equal(asked, d.Processors[0].Failed);
        d.Processors[0].FailAlways = new ConnectException(ConnectCode.ResourceExhausted, "full");
        Deployment.AssertProblem(await d.GetAsync(State), 503, "processor-overloaded");
        d.Processors[0].FailAlways = null;
        topic.SetState(User, Channel, s => s.Counts.Unread = 77);
        Assert.Equal(("live", 77), Seen(await d.OkAsync(State)));
    }

    [Fact]
    public async Task Commands_are_never_validated_against_a_snapshot()
    {
        var topic = new FakeTopic(1) { Lineage = 300 };
        using var shipped = Chat(1).Ship();
        await using var d = await StartAsync(shipped, [[0]], topic: topic);
        await d.Processors[0].StopAsync();
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        await d.OkAsync(State);
        shipped.Store.Reads.Clear();
        Deployment.AssertProblem(await d.PostAsync($"{State}/ack", new { upTo = "1001" }), 503, "partition-unavailable");
        Deployment.AssertProblem(await d.PostAsync($"{State}/mark-unread", new { messageId = "1001" }), 503, "partition-unavailable");
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{User}/read-all", null), 503, "partition-unavailable");
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{User}/read-all", new { channels = new[] { "42" } }), 503, "partition-unavailable");
        Assert.Empty(topic.Published);
        Assert.Empty(shipped.Store.Reads);
    }

    [Fact]
    public async Task A_thread_alone_is_read_where_the_lineages_policy_keeps_threads_apart()
    {
        using var inline = Chat(1).Ship();
        await using (var d = await StartAsync(inline, []))
            Deployment.AssertProblem(await d.GetAsync($"{State}/threads/9"), 409, "threads-inline");
        using var apart = new ShippedTopic(1, new PolicyOptions { Threads = ThreadMode.Separate });
        apart.Created(Channel, User, Other).Sent(Channel, 9, Other).Sent(Channel, 10, Other, thread: 9).Ship();
        await using (var d = await StartAsync(apart, []))
        {
            var thread = await d.OkAsync($"{State}/threads/9");
            Assert.Equal((1, "10"), (thread.GetProperty("counts").GetProperty("unread").GetInt32(), thread.GetProperty("lastMessageId").GetString()));
            AssertStale(thread, exact: true);
        }
    }

    [Fact]
    public async Task Dead_letters_in_the_snapshot_count()
    {
        using var topic = Chat(1);
        topic.Product.Append(0, "1"u8.ToArray(), [0xff]);
        topic.Ship();
        await using var d = await StartAsync(topic, []);
        Assert.Equal(1, (await d.OkAsync(State)).GetProperty("freshness").GetProperty("incomplete").GetInt32());
        Assert.Equal(1, (await d.OkAsync(Badge)).GetProperty("freshness").GetProperty("incomplete").GetInt32());
    }

    [Fact]
    public async Task A_token_is_met_by_a_snapshot_that_reaches_it_and_else_409()
    {
        using var topic = Chat(1).Ship();
        await using var d = await StartAsync(topic, []);
        var position = (ulong)topic.Product.Partitions[0].Position;
        var fake = new FakeTopic(1);
        await d.OkAsync($"{State}?waitMs=0&token={fake.Token((0, position))}");
        foreach (var path in new[] { State, Badge, $"/v1/users/{User}/channels" })
        {
            var answer = await d.GetAsync($"{path}?waitMs=0&token={fake.Token((0, position + 1))}");
            Deployment.AssertProblem(answer, 409, "not-yet-applied");
            Assert.Equal($$"""{"0":"{{position}}"}""", answer.Body.GetProperty("reached").GetRawText());
            Assert.Equal($$"""{"0":"{{position + 1}}"}""", answer.Body.GetProperty("wanted").GetRawText());
        }
        Deployment.AssertProblem(await d.GetAsync($"{State}?waitMs=20&token={fake.Token((0, position + 1))}"), 409, "not-yet-applied");
        Deployment.AssertProblem(await d.GetAsync($"{State}?token={FakeTopic.Token("another topic", (0, 1))}"), 400, "invalid-token");
    }

    [Fact]
    public async Task A_token_beyond_the_snapshot_waits_for_an_owner()
    {
        var topic = new FakeTopic(1) { Lineage = 300 };
        using var shipped = Chat(1).Ship();
        topic.SetState(User, Channel, s => s.Counts.Unread = 77);
        await using var d = await StartAsync(shipped, [[]], topic: topic);
        var behind = new TaskCompletionSource();
        shipped.Store.OnRead = (operation, _, _) =>
        {
            if (operation == "read_progress") behind.TrySetResult();
            return Task.CompletedTask;
        };
        topic.SetPosition(0, 1_000);
        var answer = d.OkAsync($"{State}?waitMs=30000&token={topic.Token((0, 1_000))}");
        await behind.Task.WaitAsync(Stop);
        d.Processors[0].Claim([0]);
        Assert.Equal(("live", 77), Seen(await answer));
        Assert.Single(shipped.Store.Reads, "read_progress"); // it waited, it did not poll
    }

    internal static ShippedTopic Chat(int partitions) => new ShippedTopic(partitions)
        .Created(Channel, User, Other).Sent(Channel, 1_001, Other).Sent(Channel, 1_002, Other, 0, User);

    internal static Task<Deployment> StartAsync(ShippedTopic shipped, int[][] owned, FakeTopic? topic = null, params string[] settings) =>
        Deployment.StartAsync(
            topic ?? new FakeTopic(shipped.Product.Partitions.Count) { Lineage = (ulong)shipped.Lineage }, owned,
            services => services.AddSingleton<ISnapshotStore>(_ => shipped.Store).AddSingleton<TimeProvider>(new StandingClock()),
            ["--Snapshot:Store=files", "--Snapshot:Folder=unused", .. settings]);

    internal static void AssertStale(JsonElement answer, bool exact)
    {
        var freshness = answer.GetProperty("freshness");
        Assert.Equal(("snapshot", true, exact, JsonValueKind.Null), (freshness.GetProperty("source").GetString(), freshness.GetProperty("stale").GetBoolean(),
            freshness.GetProperty("exact").GetBoolean(), freshness.GetProperty("lag").GetProperty("events").ValueKind));
    }

    internal static (string?, int) Seen(JsonElement state) => (Source(state), state.GetProperty("counts").GetProperty("unread").GetInt32());

    private static string? Source(JsonElement answer) => answer.GetProperty("freshness").GetProperty("source").GetString();

    /// <summary>Timers run, the date stands.</summary>
    private sealed class StandingClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(Now);
    }
}
