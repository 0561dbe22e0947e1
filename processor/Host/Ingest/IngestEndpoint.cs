using System.Diagnostics;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;
using ReadStateStream.Host.Http;
using ReadStateStream.Partition;

namespace ReadStateStream.Host.Ingest;

/// <summary><c>POST /v1/events</c>: reads the body, hands its events to the pipeline, answers.</summary>
public sealed class IngestEndpoint(IngestPipeline pipeline, IngestAnswer answer, IngestOptions options)
{
    /// <summary>Path of the endpoint.</summary>
    public const string Path = "/v1/events";

    /// <summary>Name of the rate limit that bounds the requests in flight.</summary>
    public const string Concurrency = "ingest";

    private readonly JsonBody json = new(options.MaxBatchEvents);
    private readonly ProtobufBody protobuf = new(options.MaxBatchEvents);

    /// <summary>Answers one request; ProblemException for one that is refused as a whole.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        using var activity = ContinueTrace(context.Request);
        var isJson = IsJson(context.Request);
        var body = await ReadBodyAsync(context);
        var posted = isJson ? json.Read(body) : protobuf.Read(body);
        var outcomes = await pipeline.PublishAsync(posted.Events);
        if (posted.Single) await AnswerAsync(context, answer.Single(posted, outcomes[0]));
        else await AnswerAsync(context, answer.Batch(posted, outcomes));
    }

    private static Task AnswerAsync<T>(HttpContext context, T value) =>
        context.Response.WriteAsJsonAsync(value, Problem.Json, context.RequestAborted);

    // The server continues the caller's trace by itself only where someone listens to its own spans.
    private static Activity? ContinueTrace(HttpRequest request)
    {
        const string name = "POST " + Path;
        if (Activity.Current is not null) return Telemetry.Activities.StartActivity(name);
        ActivityContext.TryParse(request.Headers.TraceParent, request.Headers.TraceState, isRemote: true, out var parent);
        return Telemetry.Activities.StartActivity(name, ActivityKind.Server, parent);
    }

    private static bool IsJson(HttpRequest request)
    {
        var encoding = request.Headers.ContentEncoding.ToString();
        if (encoding.Length > 0 && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
            throw Unsupported($"the body has the encoding '{encoding}'; only identity is read");
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type))
            throw Unsupported("the request does not say its content type");
        if (type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase))
            return type.Charset.Length == 0 || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase)
                || type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase)
                ? true
                : throw Unsupported($"the charset is '{type.Charset}'; JSON is UTF-8");
        if (type.MediaType.Equals("application/x-protobuf", StringComparison.OrdinalIgnoreCase)
            || type.MediaType.Equals("application/protobuf", StringComparison.OrdinalIgnoreCase))
            return false;
        throw Unsupported($"the content type is '{type.MediaType}'");
    }

    private static ProblemException Unsupported(string detail) => new(new Problem(415, "unsupported-media-type",
        "The body has a form that is not read",
        detail + "; application/json, application/x-protobuf and application/protobuf are read"));

    private async Task<byte[]> ReadBodyAsync(HttpContext context)
    {
        try
        {
            using var buffer = new MemoryStream((int)Math.Min(context.Request.ContentLength ?? 4_096, options.MaxBodyBytes));
            await context.Request.Body.CopyToAsync(buffer, context.RequestAborted);
            return buffer.TryGetBuffer(out var whole) && whole.Count == whole.Array!.Length ? whole.Array : buffer.ToArray();
        }
        catch (BadHttpRequestException refused) when (refused.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            throw new ProblemException(new Problem(413, "body-too-large", "The body is too large",
                $"at most {options.MaxBodyBytes} bytes are read") { Extensions = { ["limit"] = options.MaxBodyBytes } });
        }
    }

    /// <summary>Bounds the body: the server refuses more before it is read.</summary>
    public sealed class BodyLimit(IngestOptions options) : IRequestSizeLimitMetadata
    {
        /// <inheritdoc/>
        public long? MaxRequestBodySize => options.MaxBodyBytes;
    }
}
