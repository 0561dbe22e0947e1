using System.Diagnostics;
using System.Diagnostics.Metrics;
using ReadStateStream.Partition.Query;

namespace ReadStateStream.Partition;

/// <summary>Stages of an event's and a question's way; the value of the attribute <c>stage</c>.</summary>
public enum Stage { Decode, Prefetch, Apply, Query, Append }

/// <summary>
/// Every instrument of the processor, on one meter, under the names of the OpenTelemetry semantic
/// conventions where there is one. One instance a process, handed to partitions and host: a test has its own.
/// Recording allocates nothing (attributes are fixed per partition and stage), from any thread.
/// </summary>
public sealed class Telemetry : IDisposable
{
    /// <summary>Name of the meter and of the activity source.</summary>
    public const string SourceName = "ReadStateStream.Processor";

    /// <summary>Spans of the processor.</summary>
    public static readonly ActivitySource Activities = new(SourceName);

    private readonly Meter meter = new(SourceName);
    private readonly Lock registration = new();
    private PartitionGauges[] gauges = [];

    /// <summary>Creates the instruments; nothing is collected until a listener asks.</summary>
    public Telemetry()
    {
        Consumed = meter.CreateCounter<long>("messaging.client.consumed.messages", "{message}",
            "Events taken from the log and folded or dead-lettered.");
        ProcessDuration = Seconds("messaging.process.duration",
            "Time of a batch from the first record read to the position advanced.");
        ClientOperationDuration = Seconds("messaging.client.operation.duration", "Time of a call to the event log.");
        StageDuration = Seconds("readstate.stage.duration", "Time of one pass of a stage.");
        QueryDuration = Seconds("readstate.query.duration", "Time of a partition query, queueing and waiting included.");
        IngestEvents = meter.CreateCounter<long>("readstate.ingest.events", "{event}", "Events posted, by outcome.");
        PendingOperations = meter.CreateCounter<long>("readstate.store.pending_operations", "{operation}",
            "Store operations that went pending in spite of the prefetch.");
        DeadLetters = meter.CreateCounter<long>("readstate.partition.dead_letters", "{event}", "Events dead-lettered.");
        meter.CreateObservableCounter("readstate.gc.pause.duration", () => GC.GetTotalPauseDuration().TotalSeconds, "s",
            "Time that the garbage collector paused the process, since its start.");
        Gauge("readstate.partition.lag", "{event}", "Durable records not yet applied.", g => g.Partition.LagEvents);
        Gauge("readstate.partition.lag.duration", "s", "Age of the oldest record not yet applied.",
            g => g.Partition.LagMs / 1000.0);
        Gauge("readstate.partition.state", "{state}", "Number of the partition's state, as in the query contract.",
            g => (long)g.Partition.State);
        Gauge("readstate.partition.position", "{event}", "The next offset to apply.", g => g.Partition.Position);
        Gauge("readstate.store.memory", "By", "Memory of the partition's store, index included.", g => g.StoreMemoryBytes());
    }

    /// <summary>Counter of <see cref="PartitionTelemetry.RecordConsumed"/>.</summary>
    internal Counter<long> Consumed { get; }
    internal Histogram<double> ProcessDuration { get; }
    internal Histogram<double> ClientOperationDuration { get; }
    internal Histogram<double> StageDuration { get; }
    internal Histogram<double> QueryDuration { get; }
    internal Counter<long> IngestEvents { get; }
    internal Counter<long> PendingOperations { get; }
    internal Counter<long> DeadLetters { get; }

    /// <summary>
    /// Instruments of one partition, whose gauges are read from now on (from the exporter's thread, so
    /// <paramref name="storeMemoryBytes"/> must be safe there). Dispose the result when the partition closes.
    /// </summary>
    public PartitionTelemetry AddPartition(IPartitionQueries partition, LogNames log, Func<long> storeMemoryBytes)
    {
        var added = new PartitionGauges(partition, storeMemoryBytes, PartitionTelemetry.TagOf(partition.Number));
        lock (registration) gauges = [.. gauges, added];
        return new PartitionTelemetry(this, log, partition.Number, () =>
        {
            lock (registration) gauges = [.. gauges.Where(g => g != added)];
        });
    }

    /// <summary>Counts events of one outcome of ingest: <c>accepted</c>, <c>refused</c> or <c>unavailable</c>.</summary>
    public void RecordIngest(string outcome, int events)
    {
        if (events > 0) IngestEvents.Add(events, new KeyValuePair<string, object?>("outcome", outcome));
    }

    /// <summary>Records an append to the log by the ingest endpoint, as its operation and as the stage <c>append</c>.</summary>
    /// <param name="log">Names of the log.</param>
    /// <param name="elapsed">Until the records were durable or refused.</param>
    /// <param name="errorType">Null, or the attribute error.type.</param>
    public void RecordAppend(LogNames log, TimeSpan elapsed, string? errorType)
    {
        var tags = log.Tags("send");
        if (errorType is not null) tags.Add("error.type", errorType);
        ClientOperationDuration.Record(elapsed.TotalSeconds, tags);
        StageDuration.Record(elapsed.TotalSeconds, new KeyValuePair<string, object?>("stage", "append"));
    }

    /// <summary>Records a partition query: its method and its Connect code, <c>ok</c> for success.</summary>
    public void RecordQuery(string method, string code, TimeSpan elapsed) =>
        QueryDuration.Record(elapsed.TotalSeconds, new("rpc.method", method), new KeyValuePair<string, object?>("code", code));

    /// <summary>True for the instruments of this instance: a process has one, tests have several under one name.</summary>
    public bool Owns(Instrument instrument) => instrument.Meter == meter;

    /// <summary>Ends the instruments: nothing is collected after.</summary>
    public void Dispose() => meter.Dispose();

    // Stages last from microseconds to seconds; the SDK's default bounds are meant for milliseconds.
    private static readonly InstrumentAdvice<double> SecondsAdvice = new()
    {
        HistogramBucketBoundaries =
            [0.00001, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private Histogram<double> Seconds(string name, string description) =>
        meter.CreateHistogram(name, "s", description, tags: null, SecondsAdvice);

    private void Gauge<T>(string name, string unit, string description, Func<PartitionGauges, T> read) where T : struct =>
        meter.CreateObservableGauge(name, () => gauges.Select(g => new Measurement<T>(read(g), g.Tag)), unit, description);

    private sealed record PartitionGauges(
        IPartitionQueries Partition, Func<long> StoreMemoryBytes, KeyValuePair<string, object?> Tag);
}

/// <summary>How the log is named in attributes.</summary>
/// <param name="System">messaging.system: <c>kafka</c>, or <c>embedded</c> (the conventions allow custom values).</param>
/// <param name="Topic">messaging.destination.name.</param>
/// <param name="ConsumerGroup">messaging.consumer.group.name.</param>
public sealed record LogNames(string System, string Topic, string ConsumerGroup)
{
    internal TagList Tags(string operation) => new()
    {
        { "messaging.system", System },
        { "messaging.destination.name", Topic },
        { "messaging.operation.name", operation },
    };
}

/// <summary>Records what one partition does; for its worker, without allocating.</summary>
public sealed class PartitionTelemetry : IDisposable
{
    private static readonly string[] StageNames = ["decode", "prefetch", "apply", "query", "append"];
    private readonly Telemetry telemetry;
    private readonly Action remove;
    private readonly TagList poll;
    private readonly TagList process;
    private readonly TagList[] stages;
    private readonly KeyValuePair<string, object?> partitionTag;

    internal PartitionTelemetry(Telemetry telemetry, LogNames log, int partition, Action remove)
    {
        this.telemetry = telemetry;
        this.remove = remove;
        partitionTag = TagOf(partition);
        poll = Named(log, "poll");
        process = Named(log, "process");
        stages = [.. StageNames.Select(stage => new TagList { { "stage", stage }, partitionTag })];
    }

    /// <summary>Counts records whose position was passed.</summary>
    public void RecordConsumed(int records) => telemetry.Consumed.Add(records, poll);

    /// <summary>One batch, from the first record read to the position advanced.</summary>
    public void RecordProcess(TimeSpan elapsed) => telemetry.ProcessDuration.Record(elapsed.TotalSeconds, process);

    /// <summary>One read of records from the log.</summary>
    public void RecordPoll(TimeSpan elapsed) => telemetry.ClientOperationDuration.Record(elapsed.TotalSeconds, poll);

    /// <summary>One pass of a stage.</summary>
    public void RecordStage(Stage stage, TimeSpan elapsed) =>
        telemetry.StageDuration.Record(elapsed.TotalSeconds, stages[(int)stage]);

    /// <summary>Counts store operations that went pending.</summary>
    public void RecordPending(int operations) => telemetry.PendingOperations.Add(operations, partitionTag);

    /// <summary>Counts dead-lettered events.</summary>
    public void RecordDeadLetters(int events) => telemetry.DeadLetters.Add(events, partitionTag);

    /// <summary>The partition's gauges are read no more.</summary>
    public void Dispose() => remove();

    internal static KeyValuePair<string, object?> TagOf(int partition) => new(
        "messaging.destination.partition.id", partition.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private TagList Named(LogNames log, string operation)
    {
        var tags = log.Tags(operation);
        tags.Add("messaging.consumer.group.name", log.ConsumerGroup);
        tags.Add(partitionTag);
        return tags;
    }
}
