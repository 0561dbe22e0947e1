using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>What errors of the client mean here.</summary>
internal static class BrokerErrors
{
    /// <summary>The log does not have the position that was asked for, and no reset to another is wanted.</summary>
    public static bool IsOutsideLog(this Error error) => error.Code is ErrorCode.Local_AutoOffsetReset or ErrorCode.OffsetOutOfRange;

    /// <summary>Nothing came for a partition in time.</summary>
    public static LogUnavailableException Unavailable(int partition, string why, Exception? inner) =>
        new($"the broker does not answer for partition {partition}: {why}", TimeSpan.FromSeconds(1), inner);
}
