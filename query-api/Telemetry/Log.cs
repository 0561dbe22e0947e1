using ReadStateStream.Snapshot.Files;

namespace ReadStateStream.QueryApi.Telemetry;

/// <summary>Every line that this process logs.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Following the processor at {Address}")]
    public static partial void ProcessorFollowed(this ILogger logger, Uri address);

    [LoggerMessage(2, LogLevel.Warning, "Processor at {Address} is away: {Reason}; trying again in about {PauseMs} ms")]
    public static partial void ProcessorAway(this ILogger logger, Uri address, string reason, int pauseMs);

    [LoggerMessage(3, LogLevel.Warning, "Claims of the processor at {Address} make no sense and are ignored: {Fault}")]
    public static partial void ClaimsRefused(this ILogger logger, Uri address, string fault);

    [LoggerMessage(4, LogLevel.Information, "Routing changed: topic {Topic}, lineage {Lineage}, {Routed} of {Partitions} partitions have an owner")]
    public static partial void RoutingChanged(this ILogger logger, string topic, ulong lineage, int routed, int partitions);

    [LoggerMessage(5, LogLevel.Warning, "Host name {Host} does not resolve, the processors known before stay: {Reason}")]
    public static partial void NameNotResolved(this ILogger logger, string host, string reason);

    [LoggerMessage(6, LogLevel.Information, "A partition moved under a question, asking once more: {Reason}")]
    public static partial void PartitionMoved(this ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Error, "Unexpected failure of {Method} {Path}")]
    public static partial void RequestFailed(this ILogger logger, Exception exception, string method, string path);

    [LoggerMessage(8, LogLevel.Error, "Processor answered against the protocol: {Reason}")]
    public static partial void ProcessorMisbehaved(this ILogger logger, string reason);

    [LoggerMessage(9, LogLevel.Warning, "Events were not taken at {Address}: {Reason}")]
    public static partial void PublishFailed(this ILogger logger, Uri address, string reason);

    [LoggerMessage(10, LogLevel.Warning, "No processor is known: answers come from lineage {Lineage} of the snapshot store, of topic {Topic}")]
    public static partial void LineageChosen(this ILogger logger, long lineage, string topic);

    [LoggerMessage(11, LogLevel.Error, "The snapshot store fails, partitions without a processor are answered 503: {Reason}")]
    public static partial void SnapshotFails(this ILogger logger, string reason);

    [LoggerMessage(12, LogLevel.Information, "The snapshot store answers again")]
    public static partial void SnapshotAnswers(this ILogger logger);

    [LoggerMessage(13, LogLevel.Warning, "A processor did not answer in time, its partitions are answered from the snapshot store: {Reason}")]
    public static partial void ProcessorGivenUp(this ILogger logger, string reason);

    public static void SnapshotNoticed(this ILogger logger, SnapshotNotice notice) =>
        SnapshotNoticed(logger, notice.Kind, notice.Partition.Number, notice.Partition.Lineage, notice.Detail);

    [LoggerMessage(14, LogLevel.Warning, "Snapshot of partition {Partition} of lineage {Lineage}: {Kind}: {Detail}")]
    private static partial void SnapshotNoticed(ILogger logger, SnapshotNoticeKind kind, int partition, long lineage, string detail);
}
