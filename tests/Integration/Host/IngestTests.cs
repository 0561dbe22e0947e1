using System.Buffers.Text;
using System.Net;
using System.Text;
using Google.Protobuf;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Integration.Host;

/// <summary><c>POST /v1/events</c>: what is taken, and how.</summary>
public class IngestTests
{
    private const string Join = """{"memberJoined":{"channelId":"7","userId":"9"}}""";

    [Fact]
    public async Task A_single_event_gets_its_position_its_id_and_a_token()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        await processor.PostAsync(Join);
        var answer = await processor.PostAsync("""{"eventId":"4194304","memberJoined":{"channelId":7,"userId":"9"}}""");
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var partition = Partitioner.PartitionOf(7, 8);
        Assert.Equal(partition, answer.Json.GetProperty("partition").GetInt32());
        Assert.Equal("1", answer.Json.GetProperty("offset").GetString());
        Assert.Equal("4194304", answer.Json.GetProperty("eventId").GetString());
        var token = PublishToken.Parser.ParseFrom(Base64Url.DecodeFromChars(answer.Json.GetProperty("token").GetString()));
        Assert.Equal(new PublishToken
        {
            TopicIdentity = "topic-under-test",
            Positions = { new PartitionPosition { Partition = (uint)partition, Position = 2 } },
        }, token);
        var record = processor.Topic.Log(partition)[1];
        Assert.Equal("7", Encoding.ASCII.GetString(record.Key.Span));
        Assert.Equal(0UL, record.StampedEventId);
        Assert.Equal(new ChannelEvent { EventId = 4194304, MemberJoined = new MemberJoined { ChannelId = 7, UserId = 9 } },
            processor.Topic.Event(partition, 1));
    }

    [Fact]
    public async Task Ids_are_exact_as_strings_and_as_numbers()
    {
        await using var processor = await ProcessorUnderTest.StartAsync("EventIds:MaxAheadSeconds=31536000", "EventIds:Epoch=1960-01-01T00:00:00Z");
        var answer = await processor.PostAsync("""
            {"eventId":1,"messageSent":{"channelId":9223372036854775807,"messageId":9007199254740993,"authorId":"9223372036854775806",
             "mentionedUserIds":[9223372036854775805,"9223372036854775804",3]}}
            """);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var sent = processor.Topic.Event(answer.Json.GetProperty("partition").GetInt32(), 0).MessageSent;
        Assert.Equal(new MessageSent
        {
            ChannelId = 9223372036854775807, MessageId = 9007199254740993, AuthorId = 9223372036854775806,
            MentionedUserIds = { 9223372036854775805, 9223372036854775804, 3 },
        }, sent);
    }

    [Theory]
    [InlineData("""{"events":[%,%,%]}""", "/events")]
    [InlineData("[%,%,%]", "")]
    public async Task A_batch_takes_the_valid_events_and_names_what_is_wrong_with_the_others(string form, string prefix)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var events = new[] { Join, """{"memberLeft":{"channelId":"0","userId":"9"}}""", """{"memberLeft":{"channelId":"7","userId":"9"}}""" };
        var next = 0;
        var body = string.Concat(form.Split('%').Select((part, i) => i == 0 ? part : events[next++] + part));
        var answer = await processor.PostAsync(body);
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        var results = answer.Json.GetProperty("results").EnumerateArray().ToArray();
        Assert.Equal([200, 422, 200], results.Select(result => result.GetProperty("status").GetInt32()));
        Assert.Equal(["0", "1"], new[] { results[0], results[2] }.Select(result => result.GetProperty("offset").GetString()!));
        var problem = results[1].GetProperty("problem");
        Assert.Equal("urn:readstatestream:problem:invalid-id", problem.GetProperty("type").GetString());
        Assert.Equal($"{prefix}/1/memberLeft/channelId", problem.GetProperty("pointer").GetString());
        Assert.Equal((2, 1), (answer.Json.GetProperty("accepted").GetInt32(), answer.Json.GetProperty("rejected").GetInt32()));
        Assert.Equal(results[2].GetProperty("token").GetString(), answer.Json.GetProperty("token").GetString());
    }

    [Fact]
    public async Task The_batchs_token_covers_the_greatest_position_of_each_partition()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var batch = new EventBatch();
        for (ulong channel = 1; channel <= 40; channel++)
            batch.Events.Add(new ChannelEvent { MemberJoined = new MemberJoined { ChannelId = channel, UserId = 5 } });
        var answer = await processor.PostAsync(batch);
        var token = PublishToken.Parser.ParseFrom(Base64Url.DecodeFromChars(answer.Json.GetProperty("token").GetString()));
        var expected = Enumerable.Range(0, 8).Where(partition => processor.Topic.Log(partition).Count > 0)
            .Select(partition => ((uint)partition, (ulong)processor.Topic.Log(partition).Count));
        Assert.Equal(expected, token.Positions.Select(position => (position.Partition, position.Position)));
        Assert.True(token.Positions.Count > 1);
    }

    [Fact]
    public async Task Events_of_a_request_keep_their_order_and_stamped_ids_grow()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var batch = new EventBatch();
        for (ulong message = 1; message <= 1000; message++)
            batch.Events.Add(new ChannelEvent { MessageDeleted = new MessageDeleted { ChannelId = 7, MessageId = message } });
        var answer = await processor.PostAsync(batch);
        Assert.Equal(1000, answer.Json.GetProperty("accepted").GetInt32());
        var log = processor.Topic.Log(Partitioner.PartitionOf(7, 8));
        var events = log.Select(record => ChannelEvent.Parser.ParseFrom(record.Value.Span)).ToArray();
        Assert.Equal(Enumerable.Range(1, 1000).Select(i => (ulong)i), events.Select(e => e.MessageDeleted.MessageId));
        Assert.All(events.Zip(events.Skip(1)), pair => Assert.True(pair.First.EventId < pair.Second.EventId));
        Assert.Equal(log.Select(record => record.StampedEventId), events.Select(e => e.EventId));
    }

    [Fact]
    public async Task Stamping_goes_on_above_what_an_earlier_run_stamped()
    {
        var parts = new ProcessorUnderTest.Parts(8, _ => true);
        // An hour less a little ahead of the clock, as after a clock that was set back.
        var ahead = (ulong)(TimeProvider.System.GetUtcNow() - DateTimeOffset.Parse("2015-01-01T00:00:00Z", null)).TotalMilliseconds + 3_000_000;
        parts.InMemory.GreatestStampedEventId = ahead << 22;
        await using var processor = await ProcessorUnderTest.StartAsync(parts);
        var answer = await processor.PostAsync(Join);
        Assert.Equal((ahead << 22) + 1, ulong.Parse(answer.Json.GetProperty("eventId").GetString()!, null));
    }

    [Fact]
    public async Task A_clock_far_behind_the_stamped_ids_is_an_error_and_not_a_dead_letter()
    {
        var parts = new ProcessorUnderTest.Parts(8, _ => true);
        parts.InMemory.GreatestStampedEventId = 1UL << 62;
        await using var processor = await ProcessorUnderTest.StartAsync(parts);
        var answer = await processor.PostAsync(Join);
        answer.Problem(503, "clock-behind");
        Assert.Equal(0, processor.Topic.Count);
    }

    [Theory]
    [InlineData("application/x-protobuf")]
    [InlineData("application/protobuf")]
    public async Task Protobuf_is_read_and_unknown_fields_stay(string contentType)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        // Field 3 of MemberLeft and field 99 of the event are not known to this version.
        byte[] fact = [0x08, 7, 0x10, 9, 0x18, 77];
        byte[] e = [0x08, 42, 0x6A, (byte)fact.Length, .. fact, 0x9A, 0x06, 2, (byte)'h', (byte)'i'];
        var answer = await processor.PostAsync([0x0A, (byte)e.Length, .. e], contentType);
        Assert.Equal(1, answer.Json.GetProperty("accepted").GetInt32());
        Assert.Equal(e, processor.Topic.Log(Partitioner.PartitionOf(7, 8))[0].Value.ToArray());
    }

    [Fact]
    public async Task An_event_of_a_protobuf_batch_that_cannot_be_read_does_not_lose_the_others()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var good = new EventBatch { Events = { new ChannelEvent { MemberJoined = new MemberJoined { ChannelId = 7, UserId = 9 } } } }.ToByteArray();
        var answer = await processor.PostAsync([.. good, 0x0A, 2, 0x6A, 0x7F, .. good], "application/x-protobuf");
        Assert.Equal([200, 400, 200], answer.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
        Assert.Equal("/events/1", answer.Json.GetProperty("results")[1].GetProperty("problem").GetProperty("pointer").GetString());
    }

    [Fact]
    public async Task Users_facts_and_control_records_have_keys_of_their_own()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        await processor.PostAsync("""
            [{"userBlocked":{"userId":"11","blockedUserId":"12","on":true}},
             {"deadLetterWaived":{"partition":5,"offset":"3","reason":"gone"}}]
            """);
        Assert.Equal("11", Encoding.ASCII.GetString(processor.Topic.Log(Partitioner.PartitionOf(11, 8))[0].Key.Span));
        Assert.Contains(processor.Topic.Log(5), record => record.Key.Span.SequenceEqual("#5"u8));
    }

    [Fact]
    public async Task A_full_log_is_an_error_of_the_events_it_kept_out()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        processor.Topic.Failure = record => record.Key.Span.SequenceEqual("8"u8) ? new IOException("no space left on device") : null;
        var batch = await processor.PostAsync("""
            [{"memberJoined":{"channelId":"7","userId":"9"}},{"eventId":"44","memberJoined":{"channelId":"8","userId":"9"}}]
            """);
        Assert.Equal(HttpStatusCode.OK, batch.Status);
        var kept = batch.Json.GetProperty("results")[1];
        Assert.Equal(503, kept.GetProperty("status").GetInt32());
        Assert.Equal("44", kept.GetProperty("problem").GetProperty("eventId").GetString());

        var single = await processor.PostAsync("""{"eventId":"44","memberJoined":{"channelId":"8","userId":"9"}}""");
        single.Problem(503, "log-unavailable");
        Assert.Equal(TimeSpan.FromSeconds(1), single.Headers.RetryAfter!.Delta);
        Assert.DoesNotContain("device", single.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_batch_of_which_the_log_took_nothing_is_503_and_still_names_its_invalid_events()
    {
        await using var processor = await ProcessorUnderTest.StartAsync("Ingest:RetryAfterSeconds=7");
        processor.Topic.Failure = _ => new IOException("closed");
        var answer = await processor.PostAsync("[" + Join + """,{"memberJoined":{"channelId":"0","userId":"9"}}]""");
        var problem = answer.Problem(503, "log-unavailable");
        Assert.Equal(TimeSpan.FromSeconds(7), answer.Headers.RetryAfter!.Delta);
        Assert.Equal([503, 422], problem.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task A_disk_that_does_not_answer_is_a_503_with_the_id_to_retry_with()
    {
        await using var processor = await ProcessorUnderTest.StartAsync("Ingest:AppendTimeoutMs=100");
        var disk = new TaskCompletionSource();
        processor.Topic.Disk = disk.Task;
        var problem = (await processor.PostAsync(Join)).Problem(503, "append-timeout");
        disk.SetResult();
        processor.Topic.Disk = Task.CompletedTask;
        Assert.Equal(processor.Topic.Event(Partitioner.PartitionOf(7, 8), 0).EventId,
            ulong.Parse(problem.GetProperty("eventId").GetString()!, null));
    }

    [Fact]
    public async Task Beyond_the_requests_in_flight_the_answer_is_429()
    {
        await using var processor = await ProcessorUnderTest.StartAsync("Ingest:MaxConcurrentRequests=1", "Ingest:MaxQueuedRequests=0");
        var disk = new TaskCompletionSource();
        processor.Topic.Disk = disk.Task;
        var first = processor.PostAsync(Join);
        await processor.Topic.Arrived.Task;
        var second = await processor.PostAsync(Join);
        disk.SetResult();
        second.Problem(429, "too-many-requests");
        Assert.NotNull(second.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await first).Status);
        Assert.Equal(1, processor.Topic.Count);
    }
}
