using Confluent.Kafka;

namespace ReadStateStream.Kafka;

/// <summary>
/// Asks again and again how far partitions are. Whoever says how far an answer lags must have heard so lately from the broker
/// that leads the partition: that the coordinator answers says nothing of that one, and a fetch that never comes back
/// does not say that it is missing.
/// </summary>
/// <remarks>
/// By the member's own connections, and that is half of the purpose: librdkafka pauses all partitions of a member at each
/// rebalance, resumes them at once, and does not wake the thread that fetches, which then sleeps for a second where nothing else
/// is under way. A question wakes it (seen with 2.0.2; docs/decisions/0013).
/// </remarks>
internal sealed class PartitionEnds : IDisposable
{
    private const int AtOnce = 16;

    /// <summary>A broker answers the requests of a connection in turn, and a fetch may wait for half a second.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The library resumes a partition on a thread of its own, a little after it was told.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromMilliseconds(10);

    private readonly IConsumer<CopiedBytes, CopiedBytes> consumer;
    private readonly string topic;
    private readonly Func<IReadOnlyList<KafkaLog>> logs;
    private readonly Action<KafkaLog, long, long> tell;
    private readonly TimeSpan every;
    private readonly TimeProvider time;
    private readonly AutoResetEvent wake = new(false);
    private readonly Thread thread;
    private volatile bool stopping;

    /// <param name="consumer">The member's.</param>
    /// <param name="topic">Name of the topic.</param>
    /// <param name="logs">Those of which it is to be known, any thread.</param>
    /// <param name="tell">Told, on any thread: of which, its end, and the timestamp of the question.</param>
    /// <param name="every">Between two questions.</param>
    /// <param name="time">Clock.</param>
    public PartitionEnds(
        IConsumer<CopiedBytes, CopiedBytes> consumer, string topic, Func<IReadOnlyList<KafkaLog>> logs, Action<KafkaLog, long, long> tell, TimeSpan every,
        TimeProvider time)
    {
        (this.consumer, this.topic, this.logs, this.tell, this.every, this.time) = (consumer, topic, logs, tell, every, time);
        thread = new Thread(Run) { Name = "kafka-ends", IsBackground = true };
    }

    /// <summary>Begins to ask.</summary>
    public void Start() => thread.Start();

    /// <summary>Asks now: partitions were assigned, taken or resumed. Any thread.</summary>
    public void Wake() => wake.Set();

    /// <summary>Ends after the question under way; it may still be woken.</summary>
    public void Stop()
    {
        stopping = true;
        wake.Set();
        if (thread.IsAlive) thread.Join();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stop();
        wake.Dispose();
    }

    private void Run()
    {
        while (!stopping)
        {
            var isWoken = wake.WaitOne(every);
            Ask();
            if (!isWoken || stopping) continue;
            wake.WaitOne(Again);
            Ask();
        }
    }

    private void Ask()
    {
        var owned = logs();
        if (stopping || owned.Count == 0 || Heard(owned) == owned.Count || stopping) return;
        // One leader that is away leaves all unanswered: now each by itself, on threads of their own, since they wait long.
        var threads = owned.Chunk((owned.Count + AtOnce - 1) / AtOnce).Select(some => new Thread(() =>
        {
            foreach (var log in some)
                if (!stopping) Heard([log]);
        }) { Name = "kafka-ends-each", IsBackground = true }).ToList();
        foreach (var one in threads) one.Start();
        foreach (var one in threads) one.Join();
    }

    private int Heard(IReadOnlyList<KafkaLog> asked)
    {
        var at = time.GetTimestamp();
        var heard = 0;
        foreach (var one in EndsOf(asked.Select(static log => log.Partition)))
        {
            if (one.Offset.Value < 0) continue;
            tell(asked.First(log => log.Partition == one.Partition.Value), one.Offset.Value, at);
            heard++;
        }
        return heard;
    }

    /// <summary>Of a broker's partitions in one request; what none answered for is missing.</summary>
    private IEnumerable<TopicPartitionOffset> EndsOf(IEnumerable<int> partitions)
    {
        try
        {
            // Offset.End in the place of a time, as the protocol's ListOffsets has it.
            return consumer.OffsetsForTimes(
                partitions.Select(partition => new TopicPartitionTimestamp(topic, partition, new Timestamp(Offset.End.Value, TimestampType.CreateTime))), Patience);
        }
        catch (TopicPartitionOffsetException some)
        {
            return some.Results.Where(static one => !one.Error.IsError).Select(static one => one.TopicPartitionOffset);
        }
        catch (KafkaException)
        {
            return [];
        }
    }
}
