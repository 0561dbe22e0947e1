using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.Kafka;

/// <summary>Section <c>Kafka</c>: the broker, and how the processor is a member of the consumer group.</summary>
public sealed class KafkaOptions
{
    /// <summary>Brokers, <c>host:port</c> with commas between; empty: the log is the embedded one.</summary>
    public string Bootstrap { get; set; } = "";

    /// <summary>Brokers are named: the log is a topic there, not the embedded one.</summary>
    public bool IsUsed => Bootstrap.Length > 0;

    /// <summary>First part of the consumer group's name; topic and number of the lineage follow.</summary>
    [Required]
    public string Group { get; set; } = "readstate";

    /// <summary>
    /// Names this process for ever, so that a restart within the session time-out moves no partition (static membership);
    /// empty: each start is a new member.
    /// </summary>
    public string InstanceId { get; set; } = "";

    /// <summary>The broker gives a silent member's partitions away after this time, milliseconds, 1,000 .. 3,600,000; brokers have bounds of their own.</summary>
    [Range(1_000, 3_600_000)]
    public int SessionTimeoutMs { get; set; } = 10_000;

    /// <summary>Bytes of records read ahead, all partitions of the process together, 1 MiB .. 16 GiB.</summary>
    [Range(1L << 20, 1L << 34)]
    public long PrefetchBytes { get; set; } = 64 << 20;

    /// <summary>How long what was applied is still checkpointed and shipped after a partition was given away, seconds, 0 .. 3,600.</summary>
    [Range(0, 3_600)]
    public int ReleaseSeconds { get; set; } = 20;

    /// <summary>
    /// Anything of librdkafka's configuration, for all clients: <c>Kafka__Client__security.protocol</c>, or with underscores
    /// where a name cannot have dots. What exactness depends on is refused.
    /// </summary>
    public Dictionary<string, string> Client { get; set; } = [];
}
