using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace ReadStateStream.Schemas.Connect;

/// <summary>
/// Calls the partition query of one processor in the Connect protocol over HTTP/2 (prior knowledge on
/// http:// URLs). Where the other side is not reached, a call fails with <see cref="ConnectCode.Unavailable"/>
/// and the transport's exception inside. Thread-safe.
/// </summary>
public sealed class ConnectClient(HttpMessageInvoker http, Uri address, TimeProvider time)
{
    private const int ErrorBytesMax = 1 << 16;

    /// <summary>Absolute URL of the server.</summary>
    public Uri Address { get; } = address;

    /// <summary>A handler for such clients: pooled connections, pings that notice a dead peer within seconds.</summary>
    public static SocketsHttpHandler CreateHandler(TimeSpan connectTimeout) => new()
    {
        ConnectTimeout = connectTimeout,
        EnableMultipleHttp2Connections = true,
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
        KeepAlivePingDelay = TimeSpan.FromSeconds(5),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        PooledConnectionLifetime = TimeSpan.FromMinutes(15),
    };

    /// <summary>One request, one response.</summary>
    /// <param name="method">Name of the method, as in the service's definition.</param>
    /// <param name="request">The request message.</param>
    /// <param name="parser">Parser of the response message.</param>
    /// <param name="timeout">How long to wait for the whole response.</param>
    /// <param name="cancellation">Ends the call with OperationCanceledException.</param>
    /// <exception cref="ConnectException">The server's error, or Unavailable where it was not reached.</exception>
    /// <exception cref="TimeoutException">No response within <paramref name="timeout"/>.</exception>
    public async Task<TResponse> UnaryAsync<TResponse>(
        string method, IMessage request, MessageParser<TResponse> parser, TimeSpan timeout, CancellationToken cancellation)
        where TResponse : IMessage<TResponse>
    {
        using var message = RequestFor(method, new ByteArrayContent(request.ToByteArray()), ConnectProtocol.UnaryContentType);
        message.Headers.TryAddWithoutValidation(ConnectProtocol.TimeoutHeader, ((long)timeout.TotalMilliseconds).ToString());
        using var expiry = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, expiry.Token);
        try
        {
            using var response = await http.SendAsync(message, either.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
                throw await ErrorOfAsync(response, either.Token).ConfigureAwait(false);
            ExpectType(response, ConnectProtocol.UnaryContentType);
            await response.Content.LoadIntoBufferAsync(ConnectProtocol.MaxMessageBytes, either.Token).ConfigureAwait(false);
            var body = await response.Content.ReadAsByteArrayAsync(either.Token).ConfigureAwait(false);
            return parser.ParseUntrusted(body);
        }
        catch (OperationCanceledException) when (expiry.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"{Address}: no answer to {method} within {timeout.TotalMilliseconds:0} ms");
        }
        catch (Exception e) when (Translate(e, method) is { } translated)
        {
            throw translated;
        }
    }

    /// <summary>One request, a stream of responses until the server ends it or the enumeration is left.</summary>
    /// <exception cref="ConnectException">The server's error at the end, or Unavailable where the stream broke off.</exception>
    public async IAsyncEnumerable<TResponse> ServerStreamAsync<TResponse>(
        string method, IMessage request, MessageParser<TResponse> parser, [EnumeratorCancellation] CancellationToken cancellation)
        where TResponse : IMessage<TResponse>
    {
        using var message = RequestFor(method, new ByteArrayContent(ConnectEnvelope.Encode(request)), ConnectProtocol.StreamContentType);
        using var response = await SendForStreamAsync(message, method, cancellation).ConfigureAwait(false);
        var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        while (true)
        {
            var envelope = await ReadEnvelopeAsync(body, method, cancellation).ConfigureAwait(false);
            if (!envelope.IsEndOfStream)
            {
                yield return Parse(parser, envelope.Payload.Span, method);
                continue;
            }
            if (ConnectError.FromEndOfStream(envelope.Payload.Span) is { } error) throw error;
            yield break;
        }
    }

    private async Task<HttpResponseMessage> SendForStreamAsync(HttpRequestMessage message, string method, CancellationToken cancellation)
    {
        HttpResponseMessage? response = null;
        try
        {
            response = await http.SendAsync(message, cancellation).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK)
                throw await ErrorOfAsync(response, cancellation).ConfigureAwait(false);
            ExpectType(response, ConnectProtocol.StreamContentType);
            return response;
        }
        catch (Exception e)
        {
            response?.Dispose();
            if (Translate(e, method) is { } translated) throw translated;
            throw;
        }
    }

    private async Task<ConnectEnvelope> ReadEnvelopeAsync(Stream body, string method, CancellationToken cancellation)
    {
        try
        {
            return await ConnectEnvelope.ReadAsync(body, ConnectProtocol.MaxMessageBytes, cancellation).ConfigureAwait(false)
                ?? throw new ConnectException(ConnectCode.Unavailable, $"{Address}: the stream of {method} broke off");
        }
        catch (Exception e) when (Translate(e, method) is { } translated)
        {
            throw translated;
        }
    }

    private TResponse Parse<TResponse>(MessageParser<TResponse> parser, ReadOnlySpan<byte> payload, string method)
        where TResponse : IMessage<TResponse>
    {
        try
        {
            return parser.ParseUntrusted(payload);
        }
        catch (MalformedMessageException e)
        {
            throw Translate(e, method)!;
        }
    }

    private HttpRequestMessage RequestFor(string method, HttpContent content, string contentType)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        var message = new HttpRequestMessage(HttpMethod.Post, new Uri(Address, $"{ConnectProtocol.ServicePath}/{method}"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        message.Headers.TryAddWithoutValidation(ConnectProtocol.VersionHeader, ConnectProtocol.Version);
        return message;
    }

    private void ExpectType(HttpResponseMessage response, string expected)
    {
        var actual = response.Content.Headers.ContentType?.MediaType;
        if (actual != expected)
            throw new ConnectException(ConnectCode.Internal, $"{Address} answered {actual ?? "no content type"} instead of {expected}");
    }

    /// <summary>What the transport threw, in the protocol's terms; null for what is not the transport's.</summary>
    private ConnectException? Translate(Exception e, string method) => e switch
    {
        MalformedMessageException => new(ConnectCode.Internal, $"{Address}: the answer to {method} is no such message", e),
        // A connection that is reset as it is made gets out of HttpClient as the socket's own error.
        HttpRequestException or IOException or SocketException => new(ConnectCode.Unavailable, $"{Address}: {method}: {e.Message}", e),
        _ => null,
    };

    private static async Task<ConnectException> ErrorOfAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await response.Content.LoadIntoBufferAsync(ErrorBytesMax, cancellation).ConfigureAwait(false);
        var body = await response.Content.ReadAsByteArrayAsync(cancellation).ConfigureAwait(false);
        return ConnectError.FromUnaryBody(body, (int)response.StatusCode);
    }
}
