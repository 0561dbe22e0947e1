using Confluent.Kafka;

namespace ReadStateStream.Kafka;

/// <summary>A setting of the section <c>Kafka</c> that cannot be used.</summary>
public sealed class KafkaSettingException(string message) : Exception(message);

/// <summary>Configurations of the clients: what exactness needs, over what the operator passes through.</summary>
/// <param name="options">The operator's.</param>
/// <param name="topic">Name of the topic.</param>
/// <param name="maxRecordBytes">The longest key and value that is published or kept.</param>
internal sealed class ClientSettings(KafkaOptions options, string topic, int maxRecordBytes)
{
    private const int Envelope = 64 << 10;

    /// <summary>librdkafka's own bound.</summary>
    private const int LongestOfAll = 1_000_000_000;

    /// <summary>What is decided here, and why an operator may not decide otherwise.</summary>
    private static readonly Dictionary<string, string> Decided = new()
    {
        ["bootstrap.servers"] = "it is Kafka__Bootstrap",
        ["group.id"] = "it is made of Kafka__Group, the topic and the lineage",
        ["group.instance.id"] = "it is Kafka__InstanceId",
        ["session.timeout.ms"] = "it is Kafka__SessionTimeoutMs",
        ["auto.offset.reset"] = "a position that the log no longer has must be noticed",
        ["enable.auto.commit"] = "what is committed is kept first",
        ["enable.auto.offset.store"] = "what is committed is kept first",
        ["enable.partition.eof"] = "the end of a partition is waited for",
        ["isolation.level"] = "what a transaction gave up was never said",
        ["partition.assignment.strategy"] = "partitions that stay must not stop",
        ["enable.idempotence"] = "order and number of the records depend on it",
        ["acks"] = "what is answered for is kept by all replicas in sync",
        ["partitioner"] = "the contract's is murmur2",
        ["max.in.flight"] = "order depends on it",
        ["max.in.flight.requests.per.connection"] = "order depends on it",
    };

    /// <summary>Name of the topic.</summary>
    public string Topic => topic;

    /// <summary>Name of the topic of dead letters.</summary>
    public string DeadLetterTopic => topic + ".dlq";

    /// <summary>The longest key and value that is published or kept.</summary>
    public int MaxRecordBytes => maxRecordBytes;

    /// <summary>The same with what the protocol and headers add.</summary>
    public int LongestRecordBytes => maxRecordBytes + Envelope;

    /// <summary>The session time-out.</summary>
    public TimeSpan SessionTimeout => TimeSpan.FromMilliseconds(options.SessionTimeoutMs);

    /// <summary>A member of the group of a lineage.</summary>
    /// <param name="lineage">Number of the lineage.</param>
    /// <param name="worker">Number of the consumer in this process.</param>
    /// <param name="queueBytes">Bytes that it may read ahead.</param>
    public ConsumerConfig Member(long lineage, int worker, long queueBytes) => new(Reader($"{lineage}", queueBytes))
    {
        GroupInstanceId = options.InstanceId.Length == 0 ? null : $"{options.InstanceId}-{worker}",
        SessionTimeoutMs = options.SessionTimeoutMs,
        HeartbeatIntervalMs = Math.Clamp(options.SessionTimeoutMs / 5, 100, 3_000),
        PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky,
        // Partitions that are added, or a topic made anew, are noticed soon.
        TopicMetadataRefreshIntervalMs = 10_000,
        EnableAutoCommit = true,
        StatisticsIntervalMs = Math.Clamp(options.SessionTimeoutMs / 10, 100, 1_000),
    };

    /// <summary>Reads single records, in no group.</summary>
    public ConsumerConfig Probe() => new(Reader("probe", 1 << 20)) { EnableAutoCommit = false, FetchMaxBytes = Math.Max(1 << 20, LongestRecordBytes) };

    /// <summary>What holds for whoever reads the log.</summary>
    private ConsumerConfig Reader(string group, long queueBytes) => new(Common())
    {
        GroupId = $"{options.Group}.{topic}.{group}",
        EnableAutoOffsetStore = false,
        AutoOffsetReset = AutoOffsetReset.Error,
        EnablePartitionEof = true,
        IsolationLevel = IsolationLevel.ReadCommitted,
        QueuedMaxMessagesKbytes = (int)Math.Clamp(queueBytes >> 10, 64, int.MaxValue),
    };

    /// <summary>Publishes.</summary>
    /// <param name="timeoutMs">A record that is not acknowledged in this time is answered as failed.</param>
    /// <param name="takesAny">Whether only the topic limits how long a record is: dead letters are what others wrote.</param>
    public ProducerConfig Producer(int timeoutMs, bool takesAny = false) => new(Common())
    {
        EnableIdempotence = true,
        Acks = Acks.All,
        Partitioner = Partitioner.Murmur2Random,
        MessageTimeoutMs = timeoutMs,
        MessageMaxBytes = takesAny ? LongestOfAll : LongestRecordBytes,
    };

    /// <summary>Asks and changes what topics there are.</summary>
    public AdminClientConfig Admin() => new(Common());

    /// <exception cref="KafkaSettingException">Something is passed through that must be as it is.</exception>
    private Dictionary<string, string> Common()
    {
        var common = new Dictionary<string, string>();
        foreach (var (written, value) in options.Client)
        {
            var name = written.Replace('_', '.');
            if (Decided.TryGetValue(name, out var why)) throw new KafkaSettingException($"Kafka__Client__{name} cannot be set: {why}");
            common[name] = value;
        }
        common["bootstrap.servers"] = options.Bootstrap;
        if (!common.ContainsKey("client.id")) common["client.id"] = "readstatestream";
        return common;
    }
}
