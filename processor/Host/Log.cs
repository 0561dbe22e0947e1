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

    [LoggerMessage(9, LogLevel.Critical, "Partition {Partition} failed at position {Position}; it answers nothing until a restart, the others go on")]
    public static partial void PartitionFailed(this ILogger logger, Exception exception, int partition, long position);

    [LoggerMessage(10, LogLevel.Error, "Dead letter: the record at offset {Offset} of partition {Partition} cannot be folded: {Reason}")]
    public static partial void DeadLetter(this ILogger logger, int partition, long offset, string reason);
}
