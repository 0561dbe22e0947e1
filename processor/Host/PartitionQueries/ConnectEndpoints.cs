using Google.Protobuf;
using Microsoft.AspNetCore.Http.Metadata;
using ReadStateStream.Schemas;
using ReadStateStream.Host.Http;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>The service in the Connect protocol: three unary methods and one server stream.</summary>
public sealed class ConnectEndpoints(
    PartitionQueryService service, OwnershipFeed ownership, Telemetry telemetry, TimeProvider time,
    ILogger<ConnectEndpoints> logger)
{
    /// <summary>Adds the methods to the query listener.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup(ConnectProtocol.ServicePath).ExcludeFromDescription();
        group.WithMetadata(new ListenerMark(Listener.Query), new MessageLimit());
        group.MapPost("/" + ConnectProtocol.GetStates, (HttpContext context, ConnectEndpoints connect) =>
            connect.UnaryAsync(context, ConnectProtocol.GetStates, GetStatesRequest.Parser, connect.Service.GetStatesAsync));
        group.MapPost("/" + ConnectProtocol.GetUser, (HttpContext context, ConnectEndpoints connect) =>
            connect.UnaryAsync(context, ConnectProtocol.GetUser, GetUserRequest.Parser, connect.Service.GetUserAsync));
        group.MapPost("/" + ConnectProtocol.GetBlockedUsers, (HttpContext context, ConnectEndpoints connect) =>
            connect.UnaryAsync(
                context, ConnectProtocol.GetBlockedUsers, GetBlockedUsersRequest.Parser, connect.Service.GetBlockedUsersAsync));
        group.MapPost("/" + ConnectProtocol.WatchOwnership, (HttpContext context, ConnectEndpoints connect) =>
            connect.WatchAsync(context));
        group.MapPost("/{method}", (HttpContext context, string method) =>
            WriteErrorAsync(context, new ConnectException(ConnectCode.Unimplemented, $"there is no method {method}")));
    }

    private PartitionQueryService Service => service;

    private async Task UnaryAsync<TRequest, TResponse>(HttpContext context, string method, MessageParser<TRequest> parser,
        Func<TRequest, CancellationToken, Task<TResponse>> answer)
        where TRequest : IMessage<TRequest> where TResponse : IMessage<TResponse>
    {
        if (!HasContentType(context, ConnectProtocol.UnaryContentType)) return;
        var started = time.GetTimestamp();
        var outcome = "ok";
        using var deadline = new CancellationTokenSource();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.RequestAborted);
        try
        {
            CheckHeaders(context.Request, ConnectProtocol.UnaryEncodingHeader);
            // A source of its own for the clock: CancelAfter would use the machine's.
            using var timer = DeadlineOf(context.Request, deadline);
            var request = parser.ParseUntrusted(await ReadAsync(context, either.Token));
            var response = (await answer(request, either.Token)).ToByteArray();
            context.Response.ContentType = ConnectProtocol.UnaryContentType;
            context.Response.ContentLength = response.Length;
            await context.Response.Body.WriteAsync(response, context.RequestAborted);
        }
        catch (Exception failed)
        {
            var error = ErrorOf(failed, method, deadline.IsCancellationRequested);
            outcome = error.Code.Name();
            await WriteErrorAsync(context, error);
        }
        telemetry.RecordQuery(method, outcome, time.GetElapsedTime(started));
    }

    private async Task WatchAsync(HttpContext context)
    {
        if (!HasContentType(context, ConnectProtocol.StreamContentType)) return;
        context.Response.ContentType = ConnectProtocol.StreamContentType;
        ConnectException? error = null;
        try
        {
            CheckHeaders(context.Request, ConnectProtocol.StreamEncodingHeader);
            var asked = await ConnectEnvelope.ReadAsync(
                context.Request.Body, ConnectProtocol.MaxMessageBytes, context.RequestAborted)
                ?? throw new ConnectException(ConnectCode.InvalidArgument, "the request has no message");
            WatchOwnershipRequest.Parser.ParseUntrusted(asked.Payload.Span);
            await foreach (var claims in ownership.WatchAsync(context.RequestAborted))
            {
                await context.Response.Body.WriteAsync(ConnectEnvelope.Encode(claims), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        catch (Exception failed)
        {
            if (context.RequestAborted.IsCancellationRequested) return; // the watcher went: nobody reads the end
            error = ErrorOf(failed, ConnectProtocol.WatchOwnership, deadlinePassed: false);
        }
        await context.Response.Body.WriteAsync(ConnectEnvelope.EncodeEndOfStream(error), context.RequestAborted);
    }

    private static bool HasContentType(HttpContext context, string expected)
    {
        if (string.Equals(context.Request.ContentType, expected, StringComparison.OrdinalIgnoreCase)) return true;
        context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
        context.Response.Headers["Accept-Post"] = expected;
        return false;
    }

    private static void CheckHeaders(HttpRequest request, string encodingHeader)
    {
        var version = request.Headers[ConnectProtocol.VersionHeader].ToString();
        if (version.Length > 0 && version != ConnectProtocol.Version)
            throw new ConnectException(ConnectCode.InvalidArgument,
                $"the protocol's version is '{version}'; {ConnectProtocol.Version} is spoken");
        var encoding = request.Headers[encodingHeader].ToString();
        if (encoding.Length > 0 && encoding != "identity")
            throw new ConnectException(ConnectCode.Unimplemented, $"the encoding is '{encoding}'; identity is spoken");
    }

    private ITimer? DeadlineOf(HttpRequest request, CancellationTokenSource deadline)
    {
        var header = request.Headers[ConnectProtocol.TimeoutHeader].ToString();
        if (header.Length == 0) return null;
        if (!ConnectProtocol.TryParseTimeout(header, out var timeout))
            throw new ConnectException(ConnectCode.InvalidArgument,
                $"{ConnectProtocol.TimeoutHeader} is '{header}'; at most ten digits are expected");
        var within = TimeSpan.FromMilliseconds(Math.Min(timeout.TotalMilliseconds, int.MaxValue));
        return time.CreateTimer(_ => deadline.Cancel(), null, within, Timeout.InfiniteTimeSpan);
    }

    private static async Task<byte[]> ReadAsync(HttpContext context, CancellationToken cancellation)
    {
        using var buffer = new MemoryStream();
        await context.Request.Body.CopyToAsync(buffer, cancellation);
        return buffer.ToArray();
    }

    private ConnectException ErrorOf(Exception failed, string method, bool deadlinePassed)
    {
        switch (failed)
        {
            case ConnectException error:
                return error;
            case QueryQueueFullException:
                return new ConnectException(ConnectCode.ResourceExhausted, failed.Message, failed);
            case PartitionUnavailableException:
                return new ConnectException(ConnectCode.Unavailable, failed.Message, failed);
            case MalformedMessageException:
                return new ConnectException(ConnectCode.InvalidArgument, failed.Message, failed);
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return new ConnectException(ConnectCode.ResourceExhausted,
                    $"at most {ConnectProtocol.MaxMessageBytes} bytes are read", failed);
            case OperationCanceledException:
                return deadlinePassed
                    ? new ConnectException(ConnectCode.DeadlineExceeded, "not answered within the caller's time", failed)
                    : new ConnectException(ConnectCode.Canceled, "the caller gave up", failed);
            default:
                logger.QueryFailed(method, failed);
                return new ConnectException(ConnectCode.Internal, "the fault is in the service's log", failed);
        }
    }

    private static Task WriteErrorAsync(HttpContext context, ConnectException error)
    {
        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested) return Task.CompletedTask;
        context.Response.StatusCode = error.Code.HttpStatus();
        context.Response.ContentType = ConnectProtocol.ErrorContentType;
        var body = ConnectError.ToUnaryBody(error);
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }

    private sealed class MessageLimit : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => ConnectProtocol.MaxMessageBytes + ConnectEnvelope.HeaderBytes;
    }
}
