using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Telemetry;

namespace ReadStateStream.QueryApi.Routing;

/// <summary>
/// Follows one processor's claims: connects, feeds the router, and again after a pause that doubles. A stream
/// that breaks, ends or falls silent means that the processor is away at once: its partitions answer 503
/// rather than wait on a dead peer.
/// </summary>
internal sealed class OwnershipWatch(Router router, IOptions<RoutingOptions> options, TimeProvider time, ILogger<OwnershipWatch> log)
{
    private const int HeartbeatMsWhereUnsaid = 5_000;

    private readonly RoutingOptions options = options.Value;

    /// <summary>Follows until cancelled; returns then.</summary>
    public async Task RunAsync(ProcessorClient processor, CancellationToken cancellation)
    {
        var pauseMs = options.ReconnectMinMs;
        while (!cancellation.IsCancellationRequested)
        {
            var heard = false;
            var reason = "it ended the stream";
            try
            {
                await foreach (var _ in FollowAsync(processor, cancellation)) heard = true;
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                break;
            }
            catch (OperationCanceledException)
            {
                reason = heard ? "no heartbeat in time" : "no claims in time";
            }
            catch (Exception e)
            {
                reason = e.Message; // whatever it was: a processor must not be forgotten for good
            }
            router.Remove(processor);
            pauseMs = heard ? options.ReconnectMinMs : pauseMs;
            log.ProcessorAway(processor.Address, reason, pauseMs);
            await PauseAsync(pauseMs, cancellation);
            pauseMs = Math.Min(pauseMs * 2, options.ReconnectMaxMs);
        }
        router.Remove(processor);
    }

    private async IAsyncEnumerable<int> FollowAsync(
        ProcessorClient processor, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.ConnectTimeoutMs), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, silence.Token);
        await foreach (var claims in processor.WatchOwnershipAsync(either.Token))
        {
            router.Update(processor, claims);
            var heartbeatMs = claims.HeartbeatMs == 0 ? HeartbeatMsWhereUnsaid : claims.HeartbeatMs;
            silence.CancelAfter(TimeSpan.FromMilliseconds((double)heartbeatMs * options.MissedHeartbeats));
            yield return claims.Claims.Count;
        }
    }

    private async Task PauseAsync(int pauseMs, CancellationToken cancellation)
    {
        // Spread by a quarter, so that many instances do not knock at a returning processor together.
        var spread = 1 + (Random.Shared.NextDouble() - 0.5) / 2;
        await Task.Delay(TimeSpan.FromMilliseconds(pauseMs * spread), time, cancellation)
            .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
