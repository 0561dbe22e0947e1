using System.Text.Json;

namespace ReadStateStream.Kafka;

/// <summary>What librdkafka's statistics say of the group's coordinator.</summary>
/// <remarks>Source: librdkafka's STATISTICS.md; <c>rxidle</c> is in microseconds, -1 before the first answer.</remarks>
internal static class GroupStatistics
{
    /// <summary>Time since the coordinator's last answer; null where it has not answered on this connection, or the member is in no group.</summary>
    public static TimeSpan? CoordinatorIdle(string statistics)
    {
        using var parsed = JsonDocument.Parse(statistics);
        var root = parsed.RootElement;
        if (!root.TryGetProperty("cgrp", out var group) || group.GetProperty("state").GetString() != "up") return null;
        foreach (var broker in root.GetProperty("brokers").EnumerateObject())
        {
            if (broker.Value.GetProperty("source").GetString() != "logical" || !broker.Name.StartsWith("GroupCoordinator", StringComparison.Ordinal)) continue;
            var idle = broker.Value.GetProperty("rxidle").GetInt64();
            if (idle >= 0) return TimeSpan.FromMicroseconds(idle);
        }
        return null;
    }
}
