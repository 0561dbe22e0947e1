using Microsoft.Extensions.Logging;

namespace ReadStateStream.Partition.Log;

/// <summary>What the embedded log writes to the application's log.</summary>
internal static class LogEvents
{
    private static readonly Action<ILogger, int, long, long, Exception?> TornTailMessage =
        LoggerMessage.Define<int, long, long>(LogLevel.Warning, new EventId(1, "TornTail"),
            "Partition {Partition}: {Bytes} bytes of a torn tail cut; the log ends before offset {Offset}");

    private static readonly Action<ILogger, int, Exception?> RefusedMessage =
        LoggerMessage.Define<int>(LogLevel.Critical, new EventId(2, "PartitionRefused"),
            "Partition {Partition} is not opened; the others go on");

    private static readonly Action<ILogger, int, int, long, Exception?> AppendFailedMessage =
        LoggerMessage.Define<int, int, long>(LogLevel.Error, new EventId(3, "AppendFailed"),
            "Partition {Partition}: {Records} records not appended; the log reopens at offset {Offset} with the next");

    private static readonly Action<ILogger, int, Exception?> GrownHandlerFailedMessage =
        LoggerMessage.Define<int>(LogLevel.Error, new EventId(4, "GrownHandlerFailed"),
            "Partition {Partition}: whoever waits for the log to grow threw");

    private static readonly Action<ILogger, int, Exception?> DisposeFailedMessage =
        LoggerMessage.Define<int>(LogLevel.Error, new EventId(5, "DisposeFailed"),
            "Partition {Partition}: the failed FasterLog could not be disposed of");

    private static readonly Action<ILogger, int, Exception?> BeginPassedOverMessage =
        LoggerMessage.Define<int>(LogLevel.Warning, new EventId(6, "BeginPassedOver"),
            "Partition {Partition}: the file that says where its log begins cannot be trusted; nothing was cut yet, and the whole log is used");

    private static readonly Action<ILogger, int, long, int, Exception?> CutMessage =
        LoggerMessage.Define<int, long, int>(LogLevel.Information, new EventId(7, "LogCut"),
            "Partition {Partition}: its log was cut by its retention and begins at offset {Offset} now, in segment {Segment}");

    private static readonly Action<ILogger, int, int, Exception?> CutUnfinishedMessage =
        LoggerMessage.Define<int, int>(LogLevel.Warning, new EventId(8, "CutUnfinished"),
            "Partition {Partition}: segments from {Segment} on were cut and could not be deleted; tried again with the next cut");

    private static readonly Action<ILogger, int, Exception?> VerifiedPassedOverMessage =
        LoggerMessage.Define<int>(LogLevel.Warning, new EventId(9, "VerifiedPassedOver"),
            "Partition {Partition}: the note of what was verified of its log does not fit; the whole log is verified");

    private static readonly Action<ILogger, int, int, Exception?> NotNotedMessage =
        LoggerMessage.Define<int, int>(LogLevel.Warning, new EventId(10, "NotNoted"),
            "Partition {Partition}: that its log is verified up to segment {Segment} could not be noted; the next start verifies more");

    public static void VerifiedPassedOver(ILogger logger, int partition, Exception? error) => VerifiedPassedOverMessage(logger, partition, error);

    public static void NotNoted(ILogger logger, int partition, int segment, Exception error) => NotNotedMessage(logger, partition, segment, error);

    public static void CutUnfinished(ILogger logger, int partition, int segment, Exception error) =>
        CutUnfinishedMessage(logger, partition, segment, error);

    public static void BeginPassedOver(ILogger logger, int partition, Exception damage) => BeginPassedOverMessage(logger, partition, damage);

    public static void Cut(ILogger logger, int partition, long offset, int segment) => CutMessage(logger, partition, offset, segment, null);

    public static void TornTail(ILogger logger, int partition, long bytes, long offset) =>
        TornTailMessage(logger, partition, bytes, offset, null);

    public static void Refused(ILogger logger, int partition, Exception error) => RefusedMessage(logger, partition, error);

    public static void AppendFailed(ILogger logger, int partition, int records, long offset, Exception error) =>
        AppendFailedMessage(logger, partition, records, offset, error);

    public static void GrownHandlerFailed(ILogger logger, int partition, Exception error) =>
        GrownHandlerFailedMessage(logger, partition, error);

    public static void DisposeFailed(ILogger logger, int partition, Exception error) =>
        DisposeFailedMessage(logger, partition, error);
}
