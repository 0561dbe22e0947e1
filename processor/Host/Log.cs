namespace ReadStateStream.Host;

/// <summary>Every log line of this project.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "The log did not take {Failed} of {Records} records")]
    public static partial void AppendFailed(this ILogger logger, int failed, int records, Exception exception);

    [LoggerMessage(2, LogLevel.Error, "A request failed: {Method} {Path}")]
    public static partial void RequestFailed(this ILogger logger, string method, string path, Exception exception);

    [LoggerMessage(3, LogLevel.Error, "A partition query failed: {Method}")]
    public static partial void QueryFailed(this ILogger logger, string method, Exception exception);

    [LoggerMessage(4, LogLevel.Information, "Partitions run: {Partitions}, data in {Folder}")]
    public static partial void Started(this ILogger logger, int partitions, string folder);

    [LoggerMessage(5, LogLevel.Information, "Stopping: requests have ended, partitions stop now")]
    public static partial void Stopping(this ILogger logger);

    [LoggerMessage(6, LogLevel.Information, "Stopped: partitions and log are closed")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(7, LogLevel.Information, "Telemetry goes to {Endpoint}")]
    public static partial void TelemetryExported(this ILogger logger, string endpoint);

    [LoggerMessage(8, LogLevel.Information, "Partition {Partition} is {State} at position {Position}")]
    public static partial void PartitionEntered(this ILogger logger, int partition, Schemas.V1.PartitionState state, long position);

    [LoggerMessage(9, LogLevel.Critical, "Partition {Partition} failed at position {Position}; it answers nothing until it has recovered, the others go on")]
    public static partial void PartitionFailed(this ILogger logger, Exception exception, int partition, long position);

    [LoggerMessage(10, LogLevel.Error, "Dead letter: the record at offset {Offset} of partition {Partition} cannot be folded: {Reason}")]
    public static partial void DeadLetter(this ILogger logger, int partition, long offset, string reason);

    [LoggerMessage(11, LogLevel.Warning, "Partition {Partition} waits for the snapshot store, which does not answer: {Reason}")]
    public static partial void SnapshotAwaited(this ILogger logger, int partition, string reason);

    [LoggerMessage(12, LogLevel.Error, "Partition {Partition}: the {Source} of position {Position} cannot be trusted and is passed over: {Reason}")]
    public static partial void CandidatePassedOver(
        this ILogger logger, int partition, Partition.Recovery.RecoverySource source, long position, string reason);

    [LoggerMessage(13, LogLevel.Information, "Partition {Partition} recovered from its {Source} at position {Position} in {Seconds:0.000} s; {Replay} records are to be replayed")]
    public static partial void Recovered(
        this ILogger logger, int partition, Partition.Recovery.RecoverySource source, long position, long replay, double seconds);

    [LoggerMessage(14, LogLevel.Debug, "Partition {Partition}: checkpoint {Sequence} at position {Position}, {Bytes} bytes of record log")]
    public static partial void CheckpointTaken(this ILogger logger, int partition, long sequence, long position, long bytes);

    [LoggerMessage(15, LogLevel.Error, "Partition {Partition}: a checkpoint was given up, the next one covers it: {Reason}")]
    public static partial void CheckpointGivenUp(this ILogger logger, int partition, string reason);

    [LoggerMessage(16, LogLevel.Debug, "Partition {Partition}: {Rows} rows shipped up to position {Position}")]
    public static partial void Shipped(this ILogger logger, int partition, long rows, long position);

    [LoggerMessage(17, LogLevel.Error, "Partition {Partition}: the ship of position {Position} was given up and is tried again: {Reason}")]
    public static partial void ShipGivenUp(this ILogger logger, int partition, long position, string reason);

    [LoggerMessage(18, LogLevel.Critical, "Partition {Partition}: its record log cannot be written, nothing is applied until it can: {Reason}")]
    public static partial void StoreStuck(this ILogger logger, int partition, string reason);

    [LoggerMessage(19, LogLevel.Information, "Partition {Partition}: its record log is written again")]
    public static partial void StoreWritesAgain(this ILogger logger, int partition);

    [LoggerMessage(20, LogLevel.Information, "Lineage {Lineage} is served")]
    public static partial void LineageServed(this ILogger logger, long lineage);

    [LoggerMessage(21, LogLevel.Warning, "The snapshot store does not answer, the lineage is not known yet: {Reason}")]
    public static partial void LineageAwaited(this ILogger logger, string reason);

    [LoggerMessage(22, LogLevel.Warning, "The last checkpoints and ships did not end in time: a restart replays, or ships, what they lack")]
    public static partial void StopCutShort(this ILogger logger);

    [LoggerMessage(23, LogLevel.Warning, "Snapshot store: {Kind} in lineage {Lineage}, partition {Partition}: {Detail}")]
    public static partial void SnapshotNoticed(
        this ILogger logger, Snapshot.Files.SnapshotNoticeKind kind, long lineage, int partition, string detail);

    [LoggerMessage(30, LogLevel.Warning, "Partition {Partition}: its event log could not be cut, old records stay for now: {Reason}")]
    public static partial void LogNotCut(this ILogger logger, int partition, string reason);

    [LoggerMessage(31, LogLevel.Error, "Partition {Partition}: the index image of the checkpoint at position {Position} cannot be used, its record log is scanned instead: {Reason}")]
    public static partial void IndexImagePassedOver(this ILogger logger, int partition, long position, string reason);

    [LoggerMessage(32, LogLevel.Information, "Partition {Partition}: the checkpoint at position {Position} was opened by its index image; {Bytes} bytes of record log were scanned")]
    public static partial void IndexImageUsed(this ILogger logger, int partition, long position, long bytes);

    [LoggerMessage(33, LogLevel.Debug, "Partition {Partition}: index image {Number}, {Entries} entries, {Bytes} bytes")]
    public static partial void IndexImageTaken(this ILogger logger, int partition, long number, long entries, long bytes);

    [LoggerMessage(34, LogLevel.Warning, "Partition {Partition}: an index image was given up, a restart scans more until the next one: {Reason}")]
    public static partial void IndexImageGivenUp(this ILogger logger, int partition, string reason);

    [LoggerMessage(40, LogLevel.Warning, "The broker does not answer and is waited for: {Reason}")]
    public static partial void BrokerAwaited(this ILogger logger, string reason);

    [LoggerMessage(41, LogLevel.Warning, "Topic: {Warning}")]
    public static partial void TopicWarning(this ILogger logger, string warning);

    [LoggerMessage(48, LogLevel.Warning, "Partition {Partition}: the topic begins at offset {Begin}, above position {Shipped} of its rows in the snapshot store: only a processor with a checkpoint at or above can serve it")]
    public static partial void RowsBelowLog(this ILogger logger, int partition, long shipped, long begin);

    [LoggerMessage(42, LogLevel.Information, "Partition {Partition} was assigned to this process")]
    public static partial void PartitionAssigned(this ILogger logger, int partition);

    [LoggerMessage(43, LogLevel.Information, "Partition {Partition} was taken away; what was applied is still kept: {Keep}")]
    public static partial void PartitionTaken(this ILogger logger, int partition, bool keep);

    [LoggerMessage(44, LogLevel.Critical, "The Kafka client cannot go on, the process stops: {Reason}")]
    public static partial void KafkaFatal(this ILogger logger, string reason);

    [LoggerMessage(45, LogLevel.Warning, "Kafka: {Reason}")]
    public static partial void KafkaError(this ILogger logger, string reason);

    [LoggerMessage(46, LogLevel.Debug, "librdkafka: {Message}")]
    public static partial void KafkaLibrary(this ILogger logger, string message);

    [LoggerMessage(47, LogLevel.Error, "{Count} dead letters were not taken and are tried again, their partitions wait: {Reason}")]
    public static partial void DeadLettersWait(this ILogger logger, int count, string reason);
}
