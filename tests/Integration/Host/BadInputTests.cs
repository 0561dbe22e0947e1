using System.Net;
using System.Text;
using Google.Protobuf;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Integration.Host;

/// <summary>Each kind of bad input has a defined answer; nothing of it reaches the log.</summary>
public class BadInputTests
{
    private const string Join = """{"memberJoined":{"channelId":"7","userId":"9"}}""";

    [Theory]
    [InlineData("""{"memberJoined":{"channelId":"7","userId":"9","nickname":"x"}}""", "nickname")]
    [InlineData("""{"memberPromoted":{"channelId":"7","userId":"9"}}""", "memberPromoted")]
    public async Task An_unknown_json_field_is_refused_with_its_name(string json, string name) =>
        Assert.Contains(name, await RefusedAsync(json, 400, "invalid-json"), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"memberJoined":{"channelId":"0","userId":"9"}}""", "/memberJoined/channelId")]
    [InlineData("""{"memberJoined":{"channelId":"7"}}""", "/memberJoined/userId")]
    [InlineData("""{"memberJoined":{"channelId":"9223372036854775808","userId":"9"}}""", "/memberJoined/channelId")]
    [InlineData("""{"memberJoined":{"channelId":9223372036854775808,"userId":"9"}}""", "/memberJoined/channelId")]
    [InlineData("""{"eventId":"9223372036854775808","memberJoined":{"channelId":"7","userId":"9"}}""", "/eventId")]
    [InlineData("""{"messageSent":{"channelId":"7","messageId":"1","authorId":"2","mentionedUserIds":["3","0"]}}""", "/messageSent/mentionedUserIds/1")]
    public async Task Id_0_and_ids_over_the_limit_are_refused(string json, string pointer)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var problem = (await processor.PostAsync(json)).Problem(422, "invalid-id");
        Assert.Equal(pointer, problem.GetProperty("pointer").GetString());
        Assert.Equal(0, processor.Topic.Count);
    }

    [Theory]
    [InlineData("""{"memberJoined":{"channelId":"-7","userId":"9"}}""")]
    [InlineData("""{"memberJoined":{"channelId":"18446744073709551616","userId":"9"}}""")]
    [InlineData("""{"memberJoined":{"channelId":1.5,"userId":"9"}}""")]
    [InlineData("""{"memberJoined":{"channelId":9.007199254740993e15,"userId":"9"}}""")]
    [InlineData("""{"memberJoined":{"channelId":"7","userId":{}}}""")]
    [InlineData("""{"memberJoined":[]}""")]
    [InlineData("""{"deadLetterWaived":{"reason":"\ud800"}}""")]
    [InlineData("""{"\ud800":1}""")]
    [InlineData("""{"occurredAt":"yesterday","memberJoined":{"channelId":"7","userId":"9"}}""")]
    [InlineData("""{"messageSent":{"channelId":"7","messageId":"1","authorId":"2","kind":"SHOUT"}}""")]
    [InlineData("""{"memberJoined":{"channelId":"7","userId":"9"},"memberLeft":{"channelId":"7","userId":"9"}}""")]
    public async Task What_is_no_protobuf_json_is_refused(string json) => await RefusedAsync(json, 400, "invalid-json");

    [Fact]
    public async Task Mentions_none_and_ten_thousand_are_taken_one_more_is_refused()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        foreach (var mentions in new[] { 0, 10_000 })
            Assert.Equal(HttpStatusCode.OK, (await processor.PostAsync(MessageWith(mentions))).Status);
        (await processor.PostAsync(MessageWith(10_001))).Problem(422, "too-many-users");
        Assert.Equal(2, processor.Topic.Count);
    }

    [Fact]
    public async Task Sixteen_messages_of_ten_thousand_mentions_fit_in_one_request()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var body = $"[{string.Join(',', Enumerable.Repeat(MessageWith(10_000), 16))}]";
        Assert.Equal(16, (await processor.PostAsync(body)).Json.GetProperty("accepted").GetInt32());
    }

    [Fact]
    public async Task An_event_id_a_year_ahead_is_refused()
    {
        var ahead = (TimeProvider.System.GetUtcNow().AddYears(1) - DateTimeOffset.Parse("2015-01-01T00:00:00Z", null)).TotalMilliseconds;
        await RefusedAsync($$"""{"eventId":"{{(ulong)ahead << 22}}","memberJoined":{"channelId":"7","userId":"9"} }""", 422, "event-id-ahead");
    }

    [Theory]
    [InlineData("{}", "missing-case")]
    [InlineData("""{"eventId":"5"}""", "missing-case")]
    [InlineData("""{"memberJoined":null}""", "missing-case")]
    [InlineData("""{"messagesRead":{"channelId":"7","userId":"9","upToId":"4","mainTimeline":false}}""", "invalid-scope")]
    [InlineData("""{"messageSent":{"channelId":"7","messageId":"1","authorId":"2","kind":6}}""", "invalid-enum")]
    [InlineData("""{"deadLetterResolved":{"partition":8,"offset":"1"}}""", "invalid-partition")]
    [InlineData("""{"deadLetterResolved":{"partition":7,"offset":"140737488355328"}}""", "invalid-offset")]
    public async Task What_breaks_the_contract_is_refused(string json, string code) => await RefusedAsync(json, 422, code);

    [Fact]
    public async Task An_unknown_event_case_is_refused()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        // Field 25 of ChannelEvent: a case of a later version.
        var answer = await processor.PostAsync([0x0A, 5, 0xCA, 0x01, 2, 0x08, 7], "application/x-protobuf");
        Assert.Equal("urn:readstatestream:problem:unknown-case",
            answer.Json.GetProperty("results")[0].GetProperty("problem").GetProperty("type").GetString());
        Assert.Equal(0, processor.Topic.Count);
    }

    [Fact]
    public async Task An_event_larger_than_a_log_record_is_413_and_the_others_are_taken()
    {
        await using var processor = await ProcessorUnderTest.StartAsync("Ingest:MaxEventBytes=2000");
        var answer = await processor.PostAsync($"[{Join},{MessageWith(1_000)}]");
        Assert.Equal([200, 413], answer.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413_by_its_announced_length_and_by_its_real_one()
    {
        await using var processor = await ProcessorUnderTest.StartAsync("Ingest:MaxBodyBytes=4096");
        var large = Encoding.UTF8.GetBytes("[" + new string(' ', 5_000) + Join + "]");
        Assert.Equal(4096, (await processor.PostAsync(large, "application/json")).Problem(413, "body-too-large").GetProperty("limit").GetInt32());

        using var chunked = new HttpRequestMessage(HttpMethod.Post, "/v1/events") { Content = new StreamContent(new MemoryStream(large)) };
        chunked.Headers.TransferEncodingChunked = true;
        chunked.Content.Headers.ContentType = new("application/json");
        (await Answer.ReadAsync(await processor.Http.SendAsync(chunked))).Problem(413, "body-too-large");
        var exact = Encoding.UTF8.GetBytes("[" + new string(' ', 4_096 - Join.Length - 2) + Join + "]");
        Assert.Equal(HttpStatusCode.OK, (await processor.PostAsync(exact, "application/json")).Status);
    }

    [Theory]
    [InlineData("{\"memberJoined\":\n  {\"channelId\":\"7\",}}", 2, 19)]
    [InlineData("{\"memberJoined\":", 1, 16)]
    [InlineData("", 1, 0)]
    [InlineData("{} {}", 1, 3)]
    public async Task Malformed_json_is_400_with_the_place(string json, int line, int position)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var problem = (await processor.PostAsync(json)).Problem(400, "malformed-json");
        Assert.Equal((line, position), (problem.GetProperty("line").GetInt32(), problem.GetProperty("bytePosition").GetInt32()));
        Assert.Contains($"line {line}, byte {position}", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_that_is_not_utf8_is_400()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        (await processor.PostAsync([(byte)'{', (byte)'"', 0xFF, (byte)'"', (byte)':', (byte)'1', (byte)'}'], "application/json")).Problem(400, "malformed-json");
    }

    [Theory]
    [InlineData("""{"events":[],"extra":1}""", "malformed-batch")]
    [InlineData("""{"events":{}}""", "malformed-batch")]
    [InlineData("""{"events":[],"events":[]}""", "malformed-batch")]
    [InlineData("""{"events":[{}],"\ud800":1}""", "malformed-batch")]
    [InlineData("7", "malformed-batch")]
    [InlineData("null", "malformed-batch")]
    [InlineData("[]", "empty-batch")]
    [InlineData("""{"events":[]}""", "empty-batch")]
    public async Task What_is_no_batch_and_an_empty_one_are_400(string json, string code) => await RefusedAsync(json, 400, code);

    [Fact]
    public async Task An_element_that_is_no_object_is_its_own_error()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var answer = await processor.PostAsync($"[null,1,[],{Join}]");
        Assert.Equal([400, 400, 400, 200], answer.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task A_batch_over_the_limit_is_400_and_says_the_limit()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var json = await processor.PostAsync($"[{string.Join(',', Enumerable.Repeat(Join, 1_001))}]");
        Assert.Equal(1_000, json.Problem(400, "batch-too-large").GetProperty("limit").GetInt32());
        var batch = new EventBatch();
        batch.Events.AddRange(Enumerable.Repeat(new ChannelEvent(), 1_001));
        (await processor.PostAsync(batch)).Problem(400, "batch-too-large");
        (await processor.PostAsync(new EventBatch())).Problem(400, "empty-batch");
        Assert.Equal(0, processor.Topic.Count);
    }

    [Theory]
    [InlineData("0A7F01")] // ends before its field does
    [InlineData("0F00")] // wire type 7, which does not exist
    public async Task A_body_that_is_no_protobuf_is_400(string body)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        (await processor.PostAsync(Convert.FromHexString(body), "application/x-protobuf")).Problem(400, "malformed-protobuf");
    }

    [Theory]
    [InlineData("0E")] // wire types that do not exist: the library throws what is not its own
    [InlineData("0F00")]
    public async Task An_event_that_is_no_protobuf_is_400_and_the_others_are_kept(string e)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var bytes = Convert.FromHexString(e);
        var body = new EventBatch { Events = { new ChannelEvent { EventId = 1, ChannelCreated = new ChannelCreated { ChannelId = 7 } } } }.ToByteArray();
        var answer = await processor.PostAsync([.. body, 0x0A, (byte)bytes.Length, .. bytes], "application/x-protobuf");
        Assert.Equal([200, 400], answer.Json.GetProperty("results").EnumerateArray().Select(result => result.GetProperty("status").GetInt32()));
        Assert.Equal(1, processor.Topic.Count);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/xml")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("nonsense")]
    [InlineData(null)]
    public async Task A_wrong_content_type_is_415(string? contentType)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/events") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Join)) };
        if (contentType is not null) request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        (await Answer.ReadAsync(await processor.Http.SendAsync(request))).Problem(415, "unsupported-media-type");
        (await processor.PostAsync(Encoding.UTF8.GetBytes(Join), "application/json", ("Content-Encoding", "gzip"))).Problem(415, "unsupported-media-type");
        Assert.Equal(HttpStatusCode.OK, (await processor.PostAsync(Encoding.UTF8.GetBytes(Join), "application/json; charset=utf-8")).Status);
    }

    [Fact]
    public async Task Addresses_and_methods_that_are_not_offered_are_problems_whatever_is_accepted()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        processor.Http.DefaultRequestHeaders.Add("Accept", "application/x-protobuf");
        (await Answer.ReadAsync(await processor.Http.GetAsync("/v2/events"))).Problem(404, "not-found");
        (await Answer.ReadAsync(await processor.Http.GetAsync("/v1/events"))).Problem(405, "method-not-allowed");
        (await Answer.ReadAsync(await processor.Http.PostAsync("/readstate.v1.PartitionQuery/GetUser", null))).Problem(404, "not-found");
    }

    [Fact]
    public async Task A_fault_of_the_service_is_a_500_without_its_inside()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        processor.Processor.StateFailure = new InvalidOperationException("secret");
        var answer = await Answer.ReadAsync(await processor.Http.GetAsync("/health/ready"));
        answer.Problem(500, "internal");
        Assert.DoesNotContain("secret", answer.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"messagesRead":{"channelId":"7","userId":"9","upToId":"9223372036854775807"}}""")]
    [InlineData("""{"messageEdited":{"channelId":"999","messageId":"5"}}""")]
    [InlineData("""{"messageDeleted":{"channelId":"999","messageId":"5"}}""")]
    [InlineData("""{"pointerSet":{"channelId":"7","userId":"9","upToId":"0"}}""")]
    public async Task Facts_about_what_is_not_known_are_taken(string json)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        for (var again = 0; again < 2; again++) Assert.Equal(HttpStatusCode.OK, (await processor.PostAsync(json)).Status);
    }

    private static async Task<string> RefusedAsync(string json, int status, string code)
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var problem = (await processor.PostAsync(json)).Problem(status, code);
        Assert.Equal(0, processor.Topic.Count);
        return problem.GetProperty("detail").GetString()!;
    }

    private static string MessageWith(int mentions) =>
        $$$"""{"messageSent":{"channelId":"7","messageId":"1","authorId":"2","mentionedUserIds":[{{{string.Join(',', Enumerable.Range(1_000_000, mentions))}}}]}}""";
}
