using System.Diagnostics.Metrics;
using ReadStateStream.QueryApi.Routing;

namespace ReadStateStream.QueryApi.Telemetry;

/// <summary>This process's own instruments; the framework's cover HTTP, DNS, connections and the runtime.</summary>
internal sealed class QueryMetrics : IDisposable
{
    public const string MeterName = "ReadStateStream.QueryApi";

    private readonly Meter meter;
    private readonly Histogram<double> queryDuration;
    private readonly Histogram<double> callDuration;
    private readonly Histogram<double> publishDuration;
    private readonly Counter<long> moved;
    private readonly Counter<long> routingChanges;
    private readonly Counter<long> answers;
    private readonly Histogram<double> snapshotDuration;

    public QueryMetrics(IMeterFactory meters)
    {
        meter = meters.Create(MeterName);
        var seconds = new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
        };
        queryDuration = meter.CreateHistogram("readstate.query.duration", "s", "Questions, from the request to its answer", advice: seconds);
        callDuration = meter.CreateHistogram("readstate.processor.call.duration", "s", "Calls of a processor's partition query", advice: seconds);
        publishDuration = meter.CreateHistogram("readstate.publish.duration", "s", "Events of commands, until the log has them", advice: seconds);
        moved = meter.CreateCounter<long>("readstate.query.retries", "{query}", "Questions asked once more because a partition moved");
        answers = meter.CreateCounter<long>("readstate.query.answers", "{answer}", "Answers, by where they come from: live or snapshot");
        // Name and attributes are OpenTelemetry's semantic conventions for database clients.
        snapshotDuration = meter.CreateHistogram("db.client.operation.duration", "s", "Reads of the snapshot store", advice: seconds);
        routingChanges = meter.CreateCounter<long>("readstate.routing.changes", "{change}", "Changes of an owner, or of the lineage served");
    }

    public void QueryAnswered(string query, string outcome, TimeSpan took) =>
        queryDuration.Record(took.TotalSeconds, new("readstate.query", query), new("readstate.outcome", outcome));

    public void ProcessorCalled(string method, string outcome, TimeSpan took) =>
        callDuration.Record(took.TotalSeconds, new("rpc.method", method), new("readstate.outcome", outcome));

    public void Published(string outcome, TimeSpan took) =>
        publishDuration.Record(took.TotalSeconds, new KeyValuePair<string, object?>("readstate.outcome", outcome));

    public void PartitionMoved() => moved.Add(1);

    public void Answered(string source) => answers.Add(1, new KeyValuePair<string, object?>("readstate.source", source));

    /// <summary>A read of the snapshot store; the error is null where it succeeded.</summary>
    public void SnapshotRead(string system, string operation, string? error, TimeSpan took)
    {
        var tags = new System.Diagnostics.TagList { { "db.system.name", system }, { "db.operation.name", operation } };
        if (error is not null) tags.Add("error.type", error);
        snapshotDuration.Record(took.TotalSeconds, tags);
    }

    public void RoutingChanged() => routingChanges.Add(1);

    /// <summary>Gauges over the table in use.</summary>
    public void ObserveRouting(Func<RoutingTable> table)
    {
        meter.CreateObservableGauge("readstate.routing.partitions.routed", () => table().RoutedCount, "{partition}", "Partitions with an owner");
        meter.CreateObservableGauge("readstate.routing.partitions", () => table().PartitionCount, "{partition}", "Partitions of the topic");
    }

    public void Dispose() => meter.Dispose();
}
