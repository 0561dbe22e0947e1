using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.QueryApi;
using ReadStateStream.QueryApi.Routing;
using Xunit;

namespace ReadStateStream.QueryApiTests;

/// <summary>The real query API, on a port of its own, over fake processors.</summary>
internal sealed class Deployment : IAsyncDisposable
{
    private readonly WebApplication api;

    private Deployment(FakeTopic topic, FakeProcessor[] processors, WebApplication api)
    {
        (Topic, Processors, this.api) = (topic, processors, api);
        Url = api.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Http = new HttpClient { BaseAddress = new Uri(Url) };
    }

    public FakeTopic Topic { get; }
    public FakeProcessor[] Processors { get; }
    public string Url { get; }
    public HttpClient Http { get; }
    public IServiceProvider Services => api.Services;
    public Router Router => api.Services.GetRequiredService<Router>();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>One processor an entry of <paramref name="owned"/>; returns when every partition claimed is routed.</summary>
    public static Task<Deployment> StartAsync(FakeTopic topic, int[][] owned, params string[] settings) =>
        StartAsync(topic, owned, null, settings);

    /// <inheritdoc cref="StartAsync(FakeTopic, int[][], string[])"/>
    public static async Task<Deployment> StartAsync(FakeTopic topic, int[][] owned, Action<IServiceCollection>? replace, params string[] settings)
    {
        var processors = new FakeProcessor[owned.Length];
        for (var i = 0; i < owned.Length; i++) processors[i] = await FakeProcessor.StartAsync(topic, $"processor-{i}", owned[i]);
        var api = await StartApiAsync([.. processors.Select((p, i) => $"--Processors:{i}={p.QueryUrl}"), .. settings], replace);
        var deployment = new Deployment(topic, processors, api);
        var routed = owned.SelectMany(p => p).Distinct().Count();
        await deployment.Router.WaitForAsync(t => t.RoutedCount == routed, Stop);
        return deployment;
    }

    /// <summary>All partitions with one processor.</summary>
    public static Task<Deployment> StartAsync(int partitions = 4, params string[] settings) =>
        StartAsync(new FakeTopic(partitions), [[.. Enumerable.Range(0, partitions)]], settings);

    public static async Task<WebApplication> StartApiAsync(string[] settings, Action<IServiceCollection>? replace = null)
    {
        var api = QueryApiHost.Build(["--Listen:Url=http://127.0.0.1:0", "--Logging:LogLevel:Default=None", "--Routing:ReconnectMinMs=1", "--Routing:ReconnectMaxMs=20", .. settings], replace);
        await api.StartAsync(Stop);
        return api;
    }

    public async Task<(HttpResponseMessage Response, JsonElement Body)> GetAsync(string path, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (token is not null) request.Headers.Add("Read-State-Token", token);
        return await ReadAsync(await Http.SendAsync(request, Stop));
    }

    public async Task<(HttpResponseMessage Response, JsonElement Body)> PostAsync(string path, object? body) =>
        await ReadAsync(body is null ? await Http.PostAsync(path, null, Stop) : await Http.PostAsJsonAsync(path, body, Stop));

    public async Task<(HttpResponseMessage Response, JsonElement Body)> PostTextAsync(string path, string body, string type = "application/json")
    {
        using var content = new StringContent(body, System.Text.Encoding.UTF8, type);
        return await ReadAsync(await Http.PostAsync(path, content, Stop));
    }

    /// <summary>Answered with 200.</summary>
    public async Task<JsonElement> OkAsync(string path, string? token = null)
    {
        var (response, body) = await GetAsync(path, token);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{path}: {response.StatusCode} {body}");
        return body;
    }

    /// <summary>Is a problem document of this status and type.</summary>
    public static void AssertProblem((HttpResponseMessage Response, JsonElement Body) answer, int status, string code)
    {
        Assert.Equal((status, "urn:readstatestream:problem:" + code), ((int)answer.Response.StatusCode, answer.Body.GetProperty("type").GetString()));
        Assert.Equal("application/problem+json", answer.Response.Content.Headers.ContentType?.MediaType);
        Assert.Equal(status, answer.Body.GetProperty("status").GetInt32());
        if (status is 429 or 503) Assert.True(answer.Response.Headers.RetryAfter?.Delta > TimeSpan.Zero, "no Retry-After");
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await api.DisposeAsync();
        foreach (var processor in Processors) await processor.DisposeAsync();
    }

    private static async Task<(HttpResponseMessage Response, JsonElement Body)> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync(Stop);
        return (response, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }
}
