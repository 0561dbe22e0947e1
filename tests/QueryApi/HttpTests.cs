using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace ReadStateStream.QueryApiTests;

public class HttpTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("0")]
    [InlineData("9223372036854775808")]
    [InlineData("18446744073709551616")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("%201")]
    [InlineData("1.0")]
    [InlineData("abc")]
    public async Task Ids_out_of_range_are_400_everywhere(string id)
    {
        await using var d = await Deployment.StartAsync(1);
        string[] paths = [$"/v1/users/{id}/channels/1", $"/v1/users/1/channels/{id}", $"/v1/users/{id}/channels", $"/v1/users/{id}/badge",
            $"/v1/users/{id}/channels/1/threads/main", $"/v1/users/1/channels/{id}/threads/main", $"/v1/users/1/channels/1/threads/{id}"];
        foreach (var path in paths) Deployment.AssertProblem(await d.GetAsync(path), 400, "invalid-parameter");
        var text = Uri.UnescapeDataString(id);
        Deployment.AssertProblem(await d.PostAsync("/v1/states:batch", new { keys = new[] { new { user = text, channel = "1" } } }), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{id}/channels/1/ack", new { upTo = "1" }), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/1/channels/{id}/mark-unread", new { messageId = "1" }), 400, "invalid-parameter");
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{id}/read-all", null), 400, "invalid-parameter");
        Assert.Empty(d.Processors[0].Asked);
    }

    [Fact]
    public async Task The_greatest_id_is_one()
    {
        await using var d = await Deployment.StartAsync(1);
        const ulong greatest = long.MaxValue;
        d.Topic.SetState(greatest, greatest);
        Assert.Equal("9223372036854775807", (await d.OkAsync($"/v1/users/{greatest}/channels/{greatest}")).GetProperty("user").GetString());
    }

    [Theory]
    [InlineData("{\"keys\":[\n{\"user\":\"1\",}]}", 2, 13, "$.keys[0]")]
    [InlineData("""{"keys":[{"user":1,"channel":"1"}]}""", 1, null, "$.keys[0].user")]
    [InlineData("""{"keys":[{"user":"1"}]}""", 1, null, "$.keys[0]")]
    [InlineData("""{"keys":[],"kyes":[]}""", 1, null, "$.kyes")]
    [InlineData("""{"keys":[],"keys":[]}""", 1, null, null)]
    [InlineData("""{"keys":null}""", 1, null, "$.keys")]
    [InlineData("""{"keys":[{"user":"1","channel":"1"}""", 1, null, null)]
    [InlineData("[]", 1, null, "$")]
    [InlineData("x", 1, 1, "$")]
    public async Task Malformed_JSON_is_400_with_its_place(string json, int line, int? column, string? path)
    {
        await using var d = await Deployment.StartAsync(1);
        var answer = await d.PostTextAsync("/v1/states:batch", json);
        Deployment.AssertProblem(answer, 400, "malformed-json");
        Assert.Equal(line, answer.Body.GetProperty("line").GetInt32());
        var at = answer.Body.GetProperty("column").GetInt32();
        if (column is not null) Assert.Equal(column, at);
        Assert.InRange(at, 1, json.Length + 1);
        if (path is not null) Assert.Equal(path, answer.Body.GetProperty("path").GetString());
    }

    [Fact]
    public async Task Bodies_of_another_kind_or_size_are_refused()
    {
        await using var d = await Deployment.StartAsync(1, "--Answers:BodyBytesMax=2000");
        Deployment.AssertProblem(await d.PostTextAsync("/v1/states:batch", "{}", "text/plain"), 415, "unsupported-media-type");
        Deployment.AssertProblem(await d.PostAsync("/v1/states:batch", null), 400, "bad-request");
        Deployment.AssertProblem(await d.PostTextAsync("/v1/states:batch", ""), 400, "bad-request");
        var large = "{\"keys\":[" + new string(' ', 3_000) + "]}";
        Deployment.AssertProblem(await d.PostTextAsync("/v1/states:batch", large), 413, "payload-too-large");
        Deployment.AssertProblem(await d.PostTextAsync("/v1/users/1/read-all", large), 413, "payload-too-large");
    }

    [Fact]
    public async Task Unknown_routes_and_methods_are_problems()
    {
        await using var d = await Deployment.StartAsync(1);
        Deployment.AssertProblem(await d.GetAsync("/v1/nothing"), 404, "not-found");
        Deployment.AssertProblem(await d.GetAsync("/"), 404, "not-found");
        var answer = await d.PostAsync("/v1/users/1/badge", new { });
        Deployment.AssertProblem(answer, 405, "method-not-allowed");
        Assert.Contains("GET", answer.Response.Content.Headers.Allow);
        Deployment.AssertProblem(await d.GetAsync("/v1/users/1/channels/1/ack"), 405, "method-not-allowed");
    }

    [Theory]
    [InlineData("/v1/users/1/channels?limit=0", "invalid-parameter")]
    [InlineData("/v1/users/1/channels?limit=1001", "invalid-parameter")]
    [InlineData("/v1/users/1/channels?limit=many", "bad-request")]
    [InlineData("/v1/users/1/channels?unread=perhaps", "bad-request")]
    [InlineData("/v1/users/1/channels/1?threads=2", "bad-request")]
    [InlineData("/v1/users/1/badge?waitMs=soon", "bad-request")]
    public async Task Parameters_that_are_not_valid_are_400(string path, string code)
    {
        await using var d = await Deployment.StartAsync(1);
        Deployment.AssertProblem(await d.GetAsync(path), 400, code);
    }

    [Theory]
    [InlineData(0, 400)]
    [InlineData(1, 200)]
    [InlineData(1_000, 200)]
    [InlineData(1_001, 400)]
    public async Task A_batch_has_1_to_1000_keys(int count, int status)
    {
        await using var d = await Deployment.StartAsync(1);
        var answer = await d.PostAsync("/v1/states:batch", new { keys = Enumerable.Range(1, count).Select(i => new { user = "1", channel = $"{i}" }) });
        Assert.Equal(status, (int)answer.Response.StatusCode);
        if (status == 200) Assert.Equal(count, answer.Body.GetProperty("states").GetArrayLength());
        else Deployment.AssertProblem(answer, 400, "invalid-parameter");
    }

    [Fact]
    public async Task More_requests_at_once_than_the_limit_are_429()
    {
        await using var d = await Deployment.StartAsync(1, "--Answers:ConcurrencyMax=1", "--Answers:QueueMax=0", "--Answers:RetryAfterSeconds=3");
        var release = new TaskCompletionSource();
        d.Processors[0].Gate = release.Task;
        var first = d.OkAsync("/v1/users/1/badge");
        await d.Processors[0].Arrived.Task.WaitAsync(Stop);
        var second = await d.GetAsync("/v1/users/1/badge");
        Deployment.AssertProblem(second, 429, "too-many-requests");
        Assert.Equal(TimeSpan.FromSeconds(3), second.Response.Headers.RetryAfter!.Delta);
        await d.OkAsync("/health/ready");
        release.SetResult();
        await first;
        await d.OkAsync("/v1/users/1/badge");
    }

    [Fact]
    public async Task The_OpenAPI_document_describes_every_route()
    {
        await using var d = await Deployment.StartAsync(1);
        var paths = (await d.OkAsync("/openapi/v1.json")).GetProperty("paths");
        var documented = paths.EnumerateObject().SelectMany(p => p.Value.EnumerateObject().Select(o => $"{o.Name.ToUpperInvariant()} {p.Name}")).Order();
        var mapped = d.Services.GetServices<EndpointDataSource>().SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
            .Where(e => !e.RoutePattern.RawText!.StartsWith("/openapi/", StringComparison.Ordinal))
            .SelectMany(e => e.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods.Select(m => $"{m} {e.RoutePattern.RawText}"))
            .Distinct().Order().ToList();
        Assert.Equal(mapped, documented);
        Assert.Equal(10, mapped.Count);

        foreach (var operation in paths.EnumerateObject().Where(p => p.Name.StartsWith("/v1", StringComparison.Ordinal)).SelectMany(p => p.Value.EnumerateObject()))
        {
            Assert.NotEmpty(operation.Value.GetProperty("summary").GetString()!);
            var responses = operation.Value.GetProperty("responses");
            foreach (var status in new[] { "400", "409", "429", "500", "502", "503" })
                Assert.True(responses.GetProperty(status).GetProperty("content").TryGetProperty("application/problem+json", out _));
            Assert.Equal(JsonValueKind.Object, responses.GetProperty("200").GetProperty("content").GetProperty("application/json").GetProperty("example").ValueKind);
            var parameters = operation.Value.GetProperty("parameters").EnumerateArray().Select(p => p.GetProperty("name").GetString());
            Assert.Superset(new HashSet<string?> { "token", "Read-State-Token", "waitMs" }, parameters.ToHashSet());
        }
    }

    [Fact]
    public async Task Health_says_live_and_ready()
    {
        await using var d = await Deployment.StartAsync(3);
        Assert.Equal("""{"status":"ready","partitions":3,"routed":3}""", (await d.OkAsync("/health/ready")).GetRawText());
        Assert.Equal("live", (await d.OkAsync("/health/live")).GetProperty("status").GetString());
    }
}
