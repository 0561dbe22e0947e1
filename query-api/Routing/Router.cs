using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Routing;

/// <summary>Keeps the routing table by the claims of all processors. Thread-safe; reading takes no lock.</summary>
internal sealed class Router
{
    private readonly Lock gate = new();
    private readonly Dictionary<ProcessorClient, ProcessorClaims> processors = [];
    private readonly ILogger<Router> log;
    private readonly QueryMetrics metrics;
    private volatile RoutingTable current = RoutingTable.Empty;
    private volatile RoutingTable lastClaimed = RoutingTable.Empty;
    private volatile TaskCompletionSource changed = NewSignal();

    public Router(ILogger<Router> log, QueryMetrics metrics)
    {
        this.log = log;
        this.metrics = metrics;
        metrics.ObserveRouting(() => current);
    }

    /// <summary>The table as of now.</summary>
    public RoutingTable Current => current;

    /// <summary>The newest table that named a lineage; empty where no processor was ever heard.</summary>
    public RoutingTable LastClaimed => lastClaimed;

    /// <summary>Takes a processor's newest claims; claims that make no sense count as none.</summary>
    public void Update(ProcessorClient processor, OwnershipClaims claims)
    {
        if (Fault(claims) is { } fault)
        {
            log.ClaimsRefused(processor.Address, fault);
            Remove(processor);
            return;
        }
        lock (gate)
        {
            processors[processor] = new ProcessorClaims(processor, claims);
            Rebuild();
        }
    }

    /// <summary>Forgets a processor that is away.</summary>
    public void Remove(ProcessorClient processor)
    {
        lock (gate)
            if (processors.Remove(processor)) Rebuild();
    }

    /// <summary>The first table, from now on, that meets the condition.</summary>
    public async Task<RoutingTable> WaitForAsync(Func<RoutingTable, bool> condition, CancellationToken cancellation)
    {
        while (true)
        {
            var signal = changed; // before the table: a change in between completes it
            var table = current;
            if (condition(table)) return table;
            await signal.Task.WaitAsync(cancellation);
        }
    }

    private void Rebuild()
    {
        var before = current;
        var after = RoutingTable.Of(processors.Values, before);
        if (after.PartitionCount > 0) lastClaimed = after;
        current = after;
        if (!after.RoutesAs(before))
        {
            metrics.RoutingChanged();
            log.RoutingChanged(after.TopicIdentity, after.Lineage, after.RoutedCount, after.PartitionCount);
        }
        var signal = changed;
        changed = NewSignal();
        signal.TrySetResult();
    }

    private static string? Fault(OwnershipClaims claims)
    {
        if (claims.PartitionCount is 0 or > 65_536) return $"partition count {claims.PartitionCount}";
        if (claims.TopicIdentity.Length == 0) return "no topic identity";
        if (claims.Claims.Any(c => c.Partition >= claims.PartitionCount)) return "a partition beyond the partition count";
        return Uri.TryCreate(claims.IngestUrl, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? null
            : $"ingest URL '{claims.IngestUrl}'";
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
