using Google.Protobuf;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Routing;

/// <summary>The partition query of one processor.</summary>
internal sealed class ProcessorClient(ConnectClient connect, QueryMetrics metrics, TimeProvider time)
{
    /// <summary>Base URL.</summary>
    public Uri Address => connect.Address;

    /// <inheritdoc cref="ConnectClient.UnaryAsync"/>
    public async Task<TResponse> CallAsync<TResponse>(
        string method, IMessage request, MessageParser<TResponse> parser, TimeSpan timeout, CancellationToken cancellation)
        where TResponse : IMessage<TResponse>
    {
        var started = time.GetTimestamp();
        var outcome = "ok";
        try
        {
            return await connect.UnaryAsync(method, request, parser, timeout, cancellation);
        }
        catch (Exception e)
        {
            outcome = e switch
            {
                ConnectException c => c.Code.ToString(),
                TimeoutException => "Timeout",
                OperationCanceledException => "Canceled",
                _ => "Error",
            };
            throw;
        }
        finally
        {
            metrics.ProcessorCalled(method, outcome, time.GetElapsedTime(started));
        }
    }

    /// <inheritdoc cref="ConnectClient.ServerStreamAsync"/>
    public IAsyncEnumerable<OwnershipClaims> WatchOwnershipAsync(CancellationToken cancellation) =>
        connect.ServerStreamAsync(ConnectProtocol.WatchOwnership, new WatchOwnershipRequest(), OwnershipClaims.Parser, cancellation);
}
