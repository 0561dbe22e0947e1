using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.Connect;

namespace ReadStateStream.QueryApi.Routing;

/// <summary>Resolves a host name to addresses; a port so that tests need no name server.</summary>
internal delegate Task<IPAddress[]> ResolveHost(string host, CancellationToken cancellation);

/// <summary>Finds the processors, from the list or by one name resolved again and again, and follows each.</summary>
internal sealed class ProcessorDiscovery(
    OwnershipWatch watch, IOptions<RoutingOptions> options, ResolveHost resolve, HttpMessageInvoker http,
    QueryMetrics metrics, TimeProvider time, ILogger<ProcessorDiscovery> log) : BackgroundService
{
    private readonly Dictionary<Uri, (CancellationTokenSource Stop, Task Task)> watches = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (options.Value.DnsUrl is { } url)
                await FollowNameAsync(new Uri(url), stoppingToken);
            else
                Follow([.. options.Value.Processors.Select(p => new Uri(p))], stoppingToken);
            await Task.WhenAll(watches.Values.Select(w => w.Task));
        }
        finally
        {
            foreach (var (stop, _) in watches.Values) stop.Dispose();
        }
    }

    private async Task FollowNameAsync(Uri url, CancellationToken cancellation)
    {
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                var addresses = await resolve(url.Host, cancellation);
                // No address at all is far more often a name server's hiccup than a deployment without processors.
                if (addresses.Length > 0)
                    Follow([.. addresses.Select(a => new UriBuilder(url) { Host = a.ToString() }.Uri)], cancellation);
            }
            catch (SocketException e)
            {
                log.NameNotResolved(url.Host, e.Message);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(options.Value.DnsRefreshMs), time, cancellation)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Follow(HashSet<Uri> addresses, CancellationToken cancellation)
    {
        foreach (var gone in watches.Keys.Where(a => !addresses.Contains(a)).ToList())
        {
            watches.Remove(gone, out var entry);
            entry.Stop.Cancel();
            _ = entry.Task.ContinueWith(_ => entry.Stop.Dispose(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        }
        foreach (var address in addresses.Where(a => !watches.ContainsKey(a)))
        {
            var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var connect = new ConnectClient(http, address, time);
            watches[address] = (stop, watch.RunAsync(new ProcessorClient(connect, metrics, time), stop.Token));
            log.ProcessorFollowed(address);
        }
    }
}
