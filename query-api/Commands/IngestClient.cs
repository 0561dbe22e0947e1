using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using Google.Protobuf;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Commands;

/// <summary>Events that the log has.</summary>
/// <param name="Results">In the order of the events; all taken.</param>
/// <param name="Token">Merged positions to wait for.</param>
internal sealed record PublishedEvents(IReadOnlyList<IngestResult> Results, PublishToken Token);

/// <summary>
/// Publishes through a processor's ingest endpoint: POST {ingest URL}/v1/events with a protobuf EventBatch.
/// All or a problem; where some of a batch were taken and others not, the problem carries the token of those taken.
/// </summary>
internal sealed class IngestClient(
    HttpMessageInvoker http, IOptions<AnswerOptions> options, QueryMetrics metrics, TimeProvider time, ILogger<IngestClient> log)
{
    public const int BatchMax = 1_000;

    private const int AnswerBytesMax = 16 << 20;

    private readonly TimeSpan timeout = TimeSpan.FromMilliseconds(options.Value.PublishTimeoutMs);
    private readonly int retryAfterSeconds = options.Value.RetryAfterSeconds;

    /// <exception cref="ProblemException">Not all events were taken, or it is not known whether they were.</exception>
    /// <exception cref="PartitionMovedException">The endpoint was not reached: certainly nothing was taken.</exception>
    public async Task<PublishedEvents> PublishAsync(Uri ingest, IReadOnlyList<ChannelEvent> events, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var outcome = "error";
        try
        {
            using var expiry = new CancellationTokenSource(timeout, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, expiry.Token);
            var published = await SendAsync(ingest, events, either.Token);
            outcome = "ok";
            return published;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Unconfirmed(ingest, $"no answer within {timeout.TotalMilliseconds:0} ms");
        }
        catch (Exception e) when (NeverConnected(e))
        {
            log.PublishFailed(ingest, e.Message);
            throw new PartitionMovedException($"{ingest}: {e.Message}", processor: null, late: false, e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or JsonException)
        {
            throw Unconfirmed(ingest, e.Message);
        }
        finally
        {
            metrics.Published(outcome, time.GetElapsedTime(started));
        }
    }

    // A connection that is reset as it is made gets out of HttpClient as the socket's own error, before anything is sent on it.
    private static bool NeverConnected(Exception e) => e is SocketException
        or HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError };

    private async Task<PublishedEvents> SendAsync(Uri ingest, IReadOnlyList<ChannelEvent> events, CancellationToken cancellation)
    {
        var batch = new EventBatch();
        batch.Events.Add(events);
        using var content = new ByteArrayContent(batch.ToByteArray());
        content.Headers.ContentType = new MediaTypeHeaderValue("application/x-protobuf");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(ingest, "/v1/events")) { Content = content };
        using var response = await http.SendAsync(request, cancellation);
        await response.Content.LoadIntoBufferAsync(AnswerBytesMax, cancellation);
        var body = await response.Content.ReadAsByteArrayAsync(cancellation);
        if (!response.IsSuccessStatusCode) throw Refused(ingest, response, body);

        var answer = JsonSerializer.Deserialize(body, IngestJson.Default.IngestAnswer);
        if (answer?.Results is not { } results || results.Count != events.Count)
            throw Unconfirmed(ingest, $"{answer?.Results?.Count ?? 0} results for {events.Count} events");
        var token = MergedToken(answer);
        if (results.FirstOrDefault(r => r.Status != (int)HttpStatusCode.OK) is { } refused)
            throw PartlyRefused(ingest, refused, results.Count(r => r.Status == (int)HttpStatusCode.OK), token);
        return new PublishedEvents(results, token ?? throw Unconfirmed(ingest, "no token"));
    }

    private static PublishToken? MergedToken(IngestAnswer answer)
    {
        if (!string.IsNullOrEmpty(answer.Token)) return PublishTokens.Decode(answer.Token);
        return PublishTokens.Merge(answer.Results!.Select(r => r.Token));
    }

    private ProblemException Refused(Uri ingest, HttpResponseMessage response, byte[] body)
    {
        var status = (int)response.StatusCode;
        var detail = $"{ingest} answered {status}: {Detail(body)}";
        log.PublishFailed(ingest, detail);
        return Problems.PublishRefused(status, detail, RetryAfter(response));
    }

    private ProblemException PartlyRefused(Uri ingest, IngestResult refused, int taken, PublishToken? token)
    {
        var detail = $"{ingest} took {taken} events, then: {refused.Problem?.Detail ?? refused.Problem?.Title ?? "no reason"}";
        log.PublishFailed(ingest, detail);
        var problem = Problems.PublishRefused(refused.Status, detail, retryAfterSeconds);
        if (token is not null) problem.Problem.Extensions["token"] = PublishTokens.Encode(token);
        problem.Problem.Extensions["published"] = taken;
        return problem;
    }

    private ProblemException Unconfirmed(Uri ingest, string reason)
    {
        log.PublishFailed(ingest, reason);
        return Problems.PublishUnconfirmed($"{ingest}: {reason}; a command may be repeated", retryAfterSeconds);
    }

    private int RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => Math.Max(1, (int)Math.Ceiling(delta.TotalSeconds)),
        { Date: { } date } => Math.Max(1, (int)Math.Ceiling((date - time.GetUtcNow()).TotalSeconds)),
        _ => retryAfterSeconds,
    };

    private static string Detail(byte[] body)
    {
        try
        {
            var problem = JsonSerializer.Deserialize(body, IngestJson.Default.IngestProblem);
            return problem?.Detail ?? problem?.Title ?? "no reason";
        }
        catch (JsonException)
        {
            return "no problem document";
        }
    }
}
