using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Integration.Host;

/// <summary>readstate.v1.PartitionQuery over HTTP/2: splitting, joining, freshness, errors.</summary>
public class PartitionQueryTests
{
    private const ulong User = 500;
    private static readonly int Home = Partitioner.PartitionOf(User, 8);

    [Fact]
    public async Task States_are_joined_in_the_order_of_the_keys_with_the_freshness_of_every_partition_read()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var request = new GetStatesRequest();
        for (ulong channel = 40; channel > 0; channel--)
        {
            var partition = processor.Partitions[Partitioner.PartitionOf(channel, 8)];
            partition.States.Add(new ReadState { UserId = User, ChannelId = channel, Partition = (uint)partition.Number, LastReadId = channel * 10 });
            partition.Position = 100 + partition.Number;
            request.Keys.Add(new GetStatesRequest.Types.Key { UserId = User, ChannelId = channel });
        }
        processor.Partitions[Home].Blocked[User] = [3, 1];
        var response = await AskAsync(processor, "GetStates", request, GetStatesResponse.Parser);
        Assert.Equal(Enumerable.Range(1, 40).Reverse().Select(channel => (ulong)channel * 10), response.States.Select(state => state.LastReadId));
        Assert.Equal(Enumerable.Range(0, 8).Select(number => ((uint)number, (ulong)(100 + number))),
            response.Partitions.Select(part => (part.Partition, part.Position)));
        foreach (var partition in processor.Partitions)
            Assert.Equal([1UL, 3UL], partition.LastLookup!.Of(User).ToArray());
    }

    [Fact]
    public async Task A_users_partition_that_is_read_for_blocks_alone_is_part_of_the_freshness()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var channel = ChannelIn(partition => partition != Home);
        processor.Partitions[Home].Position = 7;
        processor.Partitions[Home].LagEvents = 4;
        var response = await AskAsync(processor, "GetStates", Keys(channel), GetStatesResponse.Parser);
        var home = Assert.Single(response.Partitions, part => part.Partition == Home);
        Assert.Equal((7UL, 4UL), (home.Position, home.LagEvents));
        Assert.Equal(2, response.Partitions.Count);
    }

    [Fact]
    public async Task Blocks_come_from_the_request_where_the_users_partition_is_elsewhere()
    {
        await using var processor = await ProcessorUnderTest.StartAsync(new ProcessorUnderTest.Parts(8, number => number != Home));
        var channel = ChannelIn(partition => partition != Home);
        var request = Keys(channel);
        Fails(await SendAsync(processor, "GetStates", request), 400, "failed_precondition");
        Fails(await SendAsync(processor, "GetUser", new GetUserRequest { UserId = User, Limit = 10 }), 400, "failed_precondition");
        request.Blocked.Add(new BlockedUsers { UserId = User, BlockedUserIds = { 9 } });
        await AskAsync(processor, "GetStates", request, GetStatesResponse.Parser);
        var owner = processor.Partitions.Single(partition => partition.Number == Partitioner.PartitionOf(channel, 8));
        Assert.Equal([9UL], owner.LastLookup!.Of(User).ToArray());
        Fails(await SendAsync(processor, "GetStates", Keys(ChannelIn(partition => partition == Home))), 503, "unavailable");
        Fails(await SendAsync(processor, "GetBlockedUsers", new GetBlockedUsersRequest { UserId = User }), 503, "unavailable");
        Fails(await SendAsync(processor, "GetUser", new GetUserRequest { UserId = User, Limit = 10, Partitions = { (uint)Home } }), 503, "unavailable");
    }

    [Fact]
    public async Task An_answer_does_not_mix_the_blocks_of_one_position_with_the_counts_of_another()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var home = processor.Partitions[Home];
        var asked = 0;
        home.OnQuestion = question =>
        {
            // The user blocks someone between the first read of the blocks and the states.
            if (question != "GetStates" || ++asked > 1) return;
            home.Position = 1;
            home.Blocked[User] = [9];
        };
        var response = await AskAsync(processor, "GetStates", Keys(ChannelIn(partition => partition == Home)), GetStatesResponse.Parser);
        Assert.Equal(2, asked);
        Assert.Equal([9UL], home.LastLookup!.Of(User).ToArray());
        Assert.Equal(1UL, Assert.Single(response.Partitions).Position);
    }

    [Fact]
    public async Task Pages_of_a_user_go_through_all_partitions_in_order_of_channel_id()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        foreach (var channel in Enumerable.Range(1, 57).Select(i => (ulong)i * 3))
            processor.Partitions[Partitioner.PartitionOf(channel, 8)].States.Add(
                new ReadState { UserId = User, ChannelId = channel, BadgeUnread = 2, BadgeMentions = 1 });
        var seen = new List<ulong>();
        var pages = 0;
        for (var more = true; more; pages++)
        {
            var page = await AskAsync(processor, "GetUser",
                new GetUserRequest { UserId = User, Limit = 10, AfterChannelId = seen.LastOrDefault() }, GetUserResponse.Parser);
            Assert.True(page.States.Count is > 0 and <= 10);
            Assert.Equal((114UL, 57UL, 57U), (page.Totals.Unread, page.Totals.Mentions, page.Totals.UnreadChannels));
            seen.AddRange(page.States.Select(state => state.ChannelId));
            more = page.More;
        }
        Assert.Equal(Enumerable.Range(1, 57).Select(i => (ulong)i * 3), seen);
        Assert.Equal(6, pages);
    }

    [Fact]
    public async Task Totals_come_without_states_and_only_from_the_partitions_asked_for()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        foreach (var partition in processor.Partitions)
            partition.States.Add(new ReadState { UserId = User, ChannelId = (ulong)partition.Number + 1, BadgeUnread = 1 });
        processor.Partitions[3].States[0].Counts = new Counts { Capped = true };
        var all = await AskAsync(processor, "GetUser", new GetUserRequest { UserId = User, TotalsOnly = true }, GetUserResponse.Parser);
        Assert.Equal((8UL, true, 0, false), (all.Totals.Unread, all.Totals.Capped, all.States.Count, all.More));
        var two = await AskAsync(processor, "GetUser",
            new GetUserRequest { UserId = User, TotalsOnly = true, Partitions = { 1, 2, 1 } }, GetUserResponse.Parser);
        Assert.Equal((2UL, false), (two.Totals.Unread, two.Totals.Capped));
    }

    [Fact]
    public async Task An_answer_waits_for_the_position_asked_for()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var home = processor.Partitions[Home];
        var freshness = new Freshness { AtLeast = { new PartitionPosition { Partition = (uint)Home, Position = 20 } }, WaitMs = 60_000 };
        var asking = AskAsync(processor, "GetBlockedUsers", new GetBlockedUsersRequest { UserId = User, Freshness = freshness }, GetBlockedUsersResponse.Parser);
        await home.Waits.Task;
        Assert.False(asking.IsCompleted);
        home.Position = 20;
        Assert.Equal(20UL, (await asking).Blocked.AsOf.Position);
    }

    [Fact]
    public async Task A_wait_for_a_position_does_not_hold_up_a_stop()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var freshness = new Freshness { AtLeast = { new PartitionPosition { Partition = (uint)Home, Position = 20 } }, WaitMs = 60_000 };
        var asking = SendAsync(processor, "GetBlockedUsers", new GetBlockedUsersRequest { UserId = User, Freshness = freshness });
        await processor.Partitions[Home].Waits.Task;
        await processor.StopAsync();
        Fails(await asking, 503, "unavailable");
    }

    [Theory]
    [InlineData(0U)]
    [InlineData(20U)]
    public async Task A_position_not_reached_in_time_is_deadline_exceeded(uint waitMs)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        processor.Partitions[Home].Position = 19;
        var freshness = new Freshness { AtLeast = { new PartitionPosition { Partition = (uint)Home, Position = 20 } }, WaitMs = waitMs };
        var message = Fails(await SendAsync(processor, "GetBlockedUsers", new GetBlockedUsersRequest { UserId = User, Freshness = freshness }), 504, "deadline_exceeded");
        Assert.Contains($"partition {Home} is at 19", message, StringComparison.Ordinal);
        // Of a partition that the question does not read, the position is no matter.
        freshness.AtLeast[0].Partition = (uint)(Home + 1) % 8;
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(processor, "GetBlockedUsers", new GetBlockedUsersRequest { UserId = User, Freshness = freshness })).Status);
    }

    [Fact]
    public async Task The_callers_own_deadline_holds()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var freshness = new Freshness { AtLeast = { new PartitionPosition { Partition = (uint)Home, Position = 20 } }, WaitMs = 60_000 };
        Fails(await SendAsync(processor, "GetBlockedUsers", new GetBlockedUsersRequest { UserId = User, Freshness = freshness },
            headers: (ConnectProtocol.TimeoutHeader, "20")), 504, "deadline_exceeded");
        Fails(await SendAsync(processor, "GetBlockedUsers", new GetBlockedUsersRequest { UserId = User },
            headers: (ConnectProtocol.TimeoutHeader, "soon")), 400, "invalid_argument");
    }

    [Fact]
    public async Task Errors_of_the_partitions_have_their_codes()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var question = new GetBlockedUsersRequest { UserId = User };
        foreach (var (failure, status, code) in new (Exception, int, string)[]
        {
            (new QueryQueueFullException(Home), 429, "resource_exhausted"),
            (new PartitionUnavailableException(Home, "recovering"), 503, "unavailable"),
            (new InvalidOperationException("secret"), 500, "internal"),
        })
        {
            processor.Partitions[Home].Failure = failure;
            Assert.DoesNotContain("secret", Fails(await SendAsync(processor, "GetBlockedUsers", question), status, code), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Bad_requests_have_their_codes()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var many = new GetStatesRequest();
        many.Keys.AddRange(Enumerable.Range(1, 1_001).Select(i => new GetStatesRequest.Types.Key { UserId = 1, ChannelId = (ulong)i }));
        Fails(await SendAsync(processor, "GetStates", many), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetStates", Keys(0)), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetUser", new GetUserRequest { UserId = User }), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetUser", new GetUserRequest { UserId = User, Limit = 1_001 }), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetUser", new GetUserRequest { UserId = 1UL << 63, Limit = 1 }), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetUser", new GetUserRequest { UserId = User, Limit = 1, Partitions = { 8 } }), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetUser", new GetUserRequest
        {
            UserId = User, Limit = 1, Freshness = new Freshness { AtLeast = { new PartitionPosition { Partition = 8 } } },
        }), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetUser", new GetUserRequest { UserId = User, Limit = 1, Freshness = new Freshness { WaitMs = 60_001 } }), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetNothing", new GetUserRequest()), 501, "unimplemented");
        Fails(await SendAsync(processor, "GetUser", [0x0A, 0x7F]), 400, "invalid_argument");
        Fails(await SendAsync(processor, "GetUser", [], headers: ("Content-Encoding", "gzip")), 501, "unimplemented");
        Fails(await SendAsync(processor, "GetUser", [], headers: (ConnectProtocol.VersionHeader, "2")), 400, "invalid_argument");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await SendAsync(processor, "GetUser", [], "application/json")).Status);
        Assert.Empty((await AskAsync(processor, "GetStates", new GetStatesRequest(), GetStatesResponse.Parser)).States);
    }

    [Fact]
    public async Task A_watch_gives_claims_at_once_at_each_change_and_its_end()
    {
        await using var processor = await ProcessorUnderTest.StartAsync("Query:HeartbeatMs=60000", "Policy:Threads=separate", "Ingest:AdvertisedUrl=http://ingest.example");
        processor.Partitions[2].Position = 17;
        processor.Partitions[2].DeadLetters = 3;
        using var watch = await WatchAsync(processor);
        Assert.Equal("application/connect+proto", watch.Content.Headers.ContentType!.MediaType);
        await using var stream = await watch.Content.ReadAsStreamAsync();
        var first = await ClaimsAsync(stream);
        Assert.Equal((8U, 256UL, "topic-under-test", true, "http://ingest.example"),
            (first.PartitionCount, first.Lineage, first.TopicIdentity, first.ThreadsSeparate, first.IngestUrl));
        Assert.Equal(1_420_070_400_000, first.EventIdEpochUnixMs);
        Assert.Equal(new PartitionClaim { Partition = 2, State = PartitionState.Running, Position = 17, DeadLetters = 3 }, first.Claims[2]);

        processor.Processor.ChangeState(5, PartitionState.Failed);
        var second = await ClaimsAsync(stream);
        Assert.Equal(PartitionState.Failed, second.Claims[5].State);
        Assert.Equal(first.ProcessorId, second.ProcessorId);

        var stopping = processor.StopAsync();
        var last = await ClaimsAsync(stream);
        Assert.All(last.Claims, claim => Assert.Equal(PartitionState.Stopping, claim.State));
        var end = await ConnectEnvelope.ReadAsync(stream, 1_000, TestContext.Current.CancellationToken);
        Assert.True(end!.Value.IsEndOfStream);
        Assert.Null(ConnectError.FromEndOfStream(end.Value.Payload.Span));
        await stopping;
    }

    [Fact]
    public async Task A_watch_has_a_heartbeat()
    {
        await using var processor = await ProcessorUnderTest.StartAsync("Query:HeartbeatMs=10");
        using var watch = await WatchAsync(processor);
        await using var stream = await watch.Content.ReadAsStreamAsync();
        for (var beat = 0; beat < 5; beat++) Assert.Equal(10U, (await ClaimsAsync(stream)).HeartbeatMs);
    }

    [Fact]
    public async Task A_watch_that_asks_wrongly_ends_with_its_error()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var answer = await SendAsync(processor, "WatchOwnership", [0, 0, 0, 0, 9, 1], "application/connect+proto");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var end = await ConnectEnvelope.ReadAsync(new MemoryStream(answer.Bytes), 1_000, TestContext.Current.CancellationToken);
        Assert.Equal(ConnectCode.Internal, ConnectError.FromEndOfStream(end!.Value.Payload.Span)!.Code);
    }

    private static async Task<OwnershipClaims> ClaimsAsync(Stream stream)
    {
        var envelope = await ConnectEnvelope.ReadAsync(stream, 1_000_000, TestContext.Current.CancellationToken);
        Assert.Equal(0, envelope!.Value.Flags);
        return OwnershipClaims.Parser.ParseFrom(envelope.Value.Payload.Span);
    }

    private static Task<HttpResponseMessage> WatchAsync(ProcessorUnderTest processor)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/readstate.v1.PartitionQuery/WatchOwnership")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(ConnectEnvelope.Encode(new WatchOwnershipRequest())),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/connect+proto");
        return processor.Query.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    private static GetStatesRequest Keys(params ulong[] channels) => new()
    {
        Keys = { channels.Select(channel => new GetStatesRequest.Types.Key { UserId = User, ChannelId = channel }) },
    };

    private static ulong ChannelIn(Func<int, bool> partition) =>
        Enumerable.Range(1, 1_000).Select(i => (ulong)i).First(channel => partition(Partitioner.PartitionOf(channel, 8)));

    private static async Task<T> AskAsync<T>(ProcessorUnderTest processor, string method, IMessage request, MessageParser<T> parser)
        where T : IMessage<T>
    {
        var answer = await SendAsync(processor, method, request);
        Assert.True(answer.Status == HttpStatusCode.OK, answer.Text);
        Assert.Equal("application/proto", answer.ContentType);
        return parser.ParseFrom(answer.Bytes);
    }

    private static string Fails(Answer answer, int status, string code)
    {
        Assert.Equal((status, "application/json"), ((int)answer.Status, answer.ContentType));
        Assert.Equal(code, answer.Json.GetProperty("code").GetString());
        return answer.Json.GetProperty("message").GetString()!;
    }

    private static Task<Answer> SendAsync(ProcessorUnderTest processor, string method, IMessage request, params (string Name, string Value)[] headers) =>
        SendAsync(processor, method, request.ToByteArray(), "application/proto", headers);

    private static async Task<Answer> SendAsync(
        ProcessorUnderTest processor, string method, byte[] body, string contentType = "application/proto", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/readstate.v1.PartitionQuery/" + method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        foreach (var (name, value) in headers)
            if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content.Headers.TryAddWithoutValidation(name, value);
        return await Answer.ReadAsync(await processor.Query.SendAsync(request));
    }
}
