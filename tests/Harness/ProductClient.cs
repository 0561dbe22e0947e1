using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Google.Protobuf;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Harness;

/// <summary>What the product answered to a request: its status and its JSON (undefined where there was none).</summary>
public readonly record struct Answer(HttpStatusCode Status, JsonElement Body)
{
    /// <summary>2xx.</summary>
    public bool IsSuccess => (int)Status is >= 200 and < 300;

    /// <summary>Whether it is a problem document of this kind: the last part of its type, such as "not-a-member".</summary>
    public bool IsProblem(string code) =>
        !IsSuccess && Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("type", out var type)
        && type.ValueKind == JsonValueKind.String && type.GetString()!.EndsWith($":{code}", StringComparison.Ordinal);

    /// <inheritdoc/>
    public override string ToString() => $"{(int)Status} {(Body.ValueKind == JsonValueKind.Undefined ? "" : Body.GetRawText())}";
}

/// <summary>The product's HTTP, as its user has it: publishing at the processor, questions and commands at the query API.</summary>
public sealed class ProductClient : IDisposable
{
    /// <summary>Events of one request at most.</summary>
    public const int BatchLimit = 1_000;

    private const int Accepted = 200;
    private const int Unavailable = 503;
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(20);
    private readonly HttpClient http;
    private readonly Uri ingest;
    private readonly Uri api;
    private readonly TimeProvider time;
    private readonly TimeSpan patience;

    /// <summary>A client of one product.</summary>
    /// <param name="ingest">Where events are published.</param>
    /// <param name="api">The query API.</param>
    /// <param name="time">Times retries.</param>
    /// <param name="patience">How long a product that is away, or busy (429, 503), is asked again.</param>
    public ProductClient(Uri ingest, Uri api, TimeProvider time, TimeSpan patience)
    {
        this.ingest = ingest;
        this.api = api;
        this.time = time;
        this.patience = patience;
        http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>Requests that had no answer, or that the product was too busy for, and were sent again.</summary>
    public long Retries => Interlocked.Read(ref retries);
    private long retries;

    /// <summary>
    /// Publishes events in the order given, at most <see cref="BatchLimit"/>; asks again with the same
    /// events while the product is away, so their event ids must be set.
    /// </summary>
    /// <returns>The token of what was published.</returns>
    /// <exception cref="ProductFailedException">The product refused one of them, or stayed away.</exception>
    public async Task<string> PublishAsync(IReadOnlyList<ChannelEvent> events, bool json, CancellationToken cancellation)
    {
        var batch = new EventBatch();
        batch.Events.AddRange(events);
        var body = json ? System.Text.Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(batch)) : batch.ToByteArray();
        var mediaType = new MediaTypeHeaderValue(json ? "application/json" : "application/x-protobuf");
        var answer = await SendAsync(
            () => new HttpRequestMessage(HttpMethod.Post, new Uri(ingest, "/v1/events"))
            {
                Content = new ByteArrayContent(body) { Headers = { ContentType = mediaType } },
            },
            cancellation).ConfigureAwait(false);
        if (!answer.IsSuccess) throw new ProductFailedException($"publishing {events.Count} events: {answer}");
        var results = answer.Body.GetProperty("results");
        if (results.GetArrayLength() != events.Count)
            throw new ProductFailedException($"{events.Count} events published, {results.GetArrayLength()} results");
        for (var i = 0; i < events.Count; i++)
            if (StatusOf(results[i]) != Accepted) throw new ProductFailedException($"event {i} {events[i]}: {results[i].GetRawText()}");
        return answer.Body.GetProperty("token").GetString()!;
    }

    /// <summary>Asks the query API.</summary>
    /// <param name="path">From /v1 on.</param>
    /// <param name="token">Answers include what this token stands for; null: any position.</param>
    /// <param name="cancellation">Ends it.</param>
    public Task<Answer> GetAsync(string path, string? token, CancellationToken cancellation) =>
        SendAsync(() => new HttpRequestMessage(HttpMethod.Get, WithToken(path, token)), cancellation);

    /// <summary>Sends a command, or a question with a body, to the query API.</summary>
    public Task<Answer> PostAsync(string path, string? token, object body, CancellationToken cancellation)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body);
        return SendAsync(
            () => new HttpRequestMessage(HttpMethod.Post, WithToken(path, token))
            {
                Content = new ByteArrayContent(bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
            },
            cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private static int StatusOf(JsonElement result) => result.GetProperty("status").GetInt32();

    private Uri WithToken(string path, string? token) =>
        new(api, token is null ? path : $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}token={token}");

    // Of a batch, the log may have taken a part: all of it is sent again, which changes nothing in that part.
    // 409 says that a token's position was not reached in the API's own time: like 503, ask again.
    private static bool IsTransient(Answer answer) => answer.Status switch
    {
        HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests or HttpStatusCode.GatewayTimeout => true,
        HttpStatusCode.Conflict => answer.IsProblem("not-yet-applied"),
        HttpStatusCode.OK => answer.Body.ValueKind == JsonValueKind.Object && answer.Body.TryGetProperty("results", out var results)
            && results.EnumerateArray().Any(r => r.TryGetProperty("status", out var status) && status.GetInt32() == Unavailable),
        _ => false,
    };

    private async Task<Answer> SendAsync(Func<HttpRequestMessage> request, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        using var pause = new PeriodicTimer(RetryPause, time);
        while (true)
        {
            string failure;
            try
            {
                using var message = request();
                using var response = await http.SendAsync(message, cancellation).ConfigureAwait(false);
                var answer = await ReadAsync(response, cancellation).ConfigureAwait(false);
                if (!IsTransient(answer)) return answer;
                failure = answer.ToString();
            }
            // A connection that is reset as it is made gets out of HttpClient as the socket's own error.
            catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
            {
                failure = e.Message;
            }
            if (time.GetElapsedTime(started) > patience)
                throw new ProductAwayException($"no answer within {patience.TotalSeconds:0} s; at last: {failure}");
            Interlocked.Increment(ref retries);
            await pause.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    private static async Task<Answer> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var bytes = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        if (bytes.Length == 0) return new Answer(response.StatusCode, default);
        try
        {
            return new Answer(response.StatusCode, JsonSerializer.Deserialize<JsonElement>(bytes));
        }
        catch (JsonException)
        {
            var text = System.Text.Encoding.UTF8.GetString(bytes);
            return new Answer(response.StatusCode, JsonSerializer.SerializeToElement(text));
        }
    }
}
