using ReadStateStream.Partition;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;

namespace ReadStateStream.Host;

/// <summary>
/// The log and the partitions that the host serves. Built by <see cref="Wiring"/>; a test gives its own.
/// </summary>
public interface IProcessorParts : IAsyncDisposable
{
    /// <summary>The topic that ingest publishes to; valid once <see cref="StartAsync"/> completed.</summary>
    IEventPublisher Topic { get; }

    /// <summary>The partitions that this process owns, in order of their numbers; valid once started.</summary>
    IReadOnlyList<IPartitionQueries> Partitions { get; }

    /// <summary>How telemetry names the log.</summary>
    LogNames Names { get; }

    /// <summary>Number of the lineage that the partitions hold; 0 while the snapshot store has not said which.</summary>
    ulong Lineage { get; }

    /// <summary>
    /// Why events for a partition are not taken now, though its log could: what was applied cannot be kept. Null where
    /// they are taken.
    /// </summary>
    string? RefusalOf(int partition);

    /// <summary>Raised, from any thread, after the state of a partition changed.</summary>
    event Action? StateChanged;

    /// <summary>
    /// Opens the log and sets the partitions going; completes once events can be published. Partitions may
    /// recover for longer: their state says so. An exception here ends the process.
    /// </summary>
    Task StartAsync(CancellationToken cancellation);

    /// <summary>
    /// Called after the last request ended: stops the partitions, then closes the log, all appends durable.
    /// Cancelled when the host's time for a graceful stop is over.
    /// </summary>
    Task StopAsync(CancellationToken cancellation);
}
