using ReadStateStream.Host.Http;
using ReadStateStream.Host.PartitionQueries;
using ReadStateStream.Host.Settings;

namespace ReadStateStream.Host;

/// <summary>Where the line that says "ready" goes: standard output, or a test's writer.</summary>
public sealed record ReadyLine(TextWriter Output);

/// <summary>
/// Start and stop, in order. Start: log and partitions, then the listeners, then the line on standard output.
/// Stop: watchers are told, the listeners close and requests end, partitions stop, the log closes. The host
/// starts the web server after and stops it before this service.
/// </summary>
internal sealed class ProcessorLifetime(
    IProcessorParts parts, OwnershipFeed ownership, ListenerAddresses addresses, ProcessorOptions options, ReadyLine ready,
    IHostApplicationLifetime lifetime, ILogger<ProcessorLifetime> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        // Streams never end by themselves: the server would wait for them until its time is over.
        lifetime.ApplicationStopping.Register(ownership.End);
        return Task.CompletedTask;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await parts.StartAsync(cancellationToken);
        logger.Started(parts.Partitions.Count, options.DataFolder);
    }

    public async Task StartedAsync(CancellationToken cancellationToken)
    {
        await ready.Output.WriteLineAsync($"processor ready ingest={addresses.Ingest} query={addresses.Query}");
        await ready.Output.FlushAsync(cancellationToken);
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        logger.Stopping();
        await parts.StopAsync(cancellationToken);
        logger.Stopped();
    }

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
