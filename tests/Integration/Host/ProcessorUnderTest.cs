using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.Host;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;

namespace ReadStateStream.Integration.Host;

/// <summary>The whole host, really listening on free ports, around an in-memory topic and scripted partitions.</summary>
internal sealed class ProcessorUnderTest : IAsyncDisposable
{
    private readonly WebApplication app;

    private ProcessorUnderTest(WebApplication app, Parts parts, string readyLine)
    {
        this.app = app;
        Processor = parts;
        ReadyLine = readyLine;
        var words = readyLine.TrimEnd().Split(' ');
        IngestUrl = new Uri(words[2]["ingest=".Length..]);
        QueryUrl = new Uri(words[3]["query=".Length..]);
        Http = new HttpClient { BaseAddress = IngestUrl };
        Query = new HttpClient
        {
            BaseAddress = QueryUrl,
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public Parts Processor { get; }
    public InMemoryTopic Topic => Processor.InMemory;
    public IReadOnlyList<ScriptedPartition> Partitions => Processor.Scripted;
    public string ReadyLine { get; }
    public Uri IngestUrl { get; }
    public Uri QueryUrl { get; }
    public HttpClient Http { get; }
    public HttpClient Query { get; }
    public IServiceProvider Services => app.Services;

    /// <summary>Starts one; settings as Section:Key=value. All eight partitions are owned unless said otherwise.</summary>
    public static async Task<ProcessorUnderTest> StartAsync(params string[] settings) => await StartAsync(new Parts(8, _ => true), settings);

    public static async Task<ProcessorUnderTest> StartAsync(Parts parts, params string[] settings)
    {
        var ready = new StringWriter();
        string[] args = ["--Ingest:Url=http://127.0.0.1:0", "--Query:Url=http://127.0.0.1:0", .. settings.Select(setting => "--" + setting)];
        var app = Wiring.Build(args, _ => parts, ready, TimeProvider.System);
        await app.StartAsync();
        return new ProcessorUnderTest(app, parts, ready.ToString());
    }

    public Task StopAsync() => app.StopAsync();

    public Task<Answer> PostAsync(string json) => PostAsync(Encoding.UTF8.GetBytes(json), "application/json");

    public Task<Answer> PostAsync(IMessage message) => PostAsync(message.ToByteArray(), "application/x-protobuf");

    public async Task<Answer> PostAsync(byte[] body, string? contentType, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/events") { Content = new ByteArrayContent(body) };
        if (contentType is not null) request.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        foreach (var (name, value) in headers)
            if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content.Headers.TryAddWithoutValidation(name, value);
        return await Answer.ReadAsync(await Http.SendAsync(request));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Query.Dispose();
        await app.DisposeAsync();
    }

    internal sealed class Parts(int partitionCount, Func<int, bool> owned) : IProcessorParts
    {
        public InMemoryTopic InMemory { get; } = new(partitionCount);

        public IReadOnlyList<ScriptedPartition> Scripted { get; } =
            [.. Enumerable.Range(0, partitionCount).Where(owned).Select(number => new ScriptedPartition(number))];

        public List<string> Calls { get; } = [];

        public IEventPublisher Topic => InMemory;
        public IReadOnlyList<IPartitionQueries> Partitions => StateFailure is null ? Scripted : throw StateFailure;

        /// <summary>Thrown by whoever asks for the partitions.</summary>
        public Exception? StateFailure { get; set; }
        public LogNames Names { get; } = new("embedded", "events-under-test", "processor");
        public ulong Lineage => 256;
        public string? Refusal { get; set; }
        public string? RefusalOf(int partition) => Refusal;
        public event Action? StateChanged;

        public void ChangeState(int partition, Schemas.V1.PartitionState state)
        {
            Scripted[partition].State = state;
            StateChanged?.Invoke();
        }

        public Task StartAsync(CancellationToken cancellation)
        {
            Calls.Add("start");
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellation)
        {
            Calls.Add($"stop with {InMemory.Count} records");
            return Task.CompletedTask;
        }

        public ValueTask DisposeAsync()
        {
            Calls.Add("dispose");
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>An HTTP answer, read to its end.</summary>
internal sealed record Answer(HttpStatusCode Status, string? ContentType, HttpResponseHeaders Headers, byte[] Bytes)
{
    public static async Task<Answer> ReadAsync(HttpResponseMessage response)
    {
        using (response)
            return new Answer(response.StatusCode, response.Content.Headers.ContentType?.MediaType, response.Headers,
                await response.Content.ReadAsByteArrayAsync());
    }

    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Bytes);

    public string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>Asserts that it is a problem of a type, and gives it.</summary>
    public JsonElement Problem(int status, string code)
    {
        Xunit.Assert.Equal((status, "application/problem+json"), ((int)Status, ContentType));
        Xunit.Assert.Equal("urn:readstatestream:problem:" + code, Json.GetProperty("type").GetString());
        Xunit.Assert.Equal(status, Json.GetProperty("status").GetInt32());
        Xunit.Assert.NotEqual("", Json.GetProperty("title").GetString());
        Xunit.Assert.NotEqual("", Json.GetProperty("detail").GetString());
        return Json;
    }
}
