using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>
/// Asks the broker for single records and for the ends of partitions, in no group. Any thread, one question at a time: it
/// waits for the broker, so never on a thread that others wait for.
/// </summary>
internal sealed class RecordProbe : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Offsets to go back to where one holds no record; then eight times as many.</summary>
    private const long FirstStepBack = 8;

    private readonly string topic;
    private readonly TimeProvider time;
    private readonly IConsumer<byte[], byte[]> consumer;
    private readonly Lock gate = new();

    public RecordProbe(ClientSettings settings, TimeProvider time, IKafkaNotes notes)
    {
        topic = settings.Topic;
        this.time = time;
        consumer = new ConsumerBuilder<byte[], byte[]>(settings.Probe()).SetLogHandler((_, message) => notes.Note(message)).SetErrorHandler(static (_, _) => { }).Build();
    }

    /// <summary>First offset that is kept, and up to where everything is decided: no transaction below is open.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public (long Begin, long End) Offsets(int partition)
    {
        lock (gate)
        {
            try
            {
                var offsets = consumer.QueryWatermarkOffsets(new TopicPartition(topic, partition), Patience);
                return (offsets.Low.Value, offsets.High.Value);
            }
            catch (KafkaException error)
            {
                throw BrokerErrors.Unavailable(partition, error.Error.Reason, error);
            }
        }
    }

    /// <summary>See <see cref="IEventLog.TryFingerprint"/>.</summary>
    public bool TryFingerprint(int partition, long offset, out RecordFingerprint fingerprint)
    {
        var (begin, end) = Offsets(partition);
        var found = offset < begin || offset >= end ? null : Read(partition, () => Fingerprint(partition, begin, offset));
        fingerprint = found ?? default;
        return found is not null;
    }

    private RecordFingerprint? Fingerprint(int partition, long begin, long offset)
    {
        for (var back = 0L; ; back = back == 0 ? FirstStepBack : back * 8)
        {
            var from = Math.Max(begin, offset - back);
            if (LastUpTo(partition, from, offset) is { } found) return found;
            if (from == begin) return null;
        }
    }

    /// <summary>Whether no record lies from an offset up to another, at which the partition ends or a record lies.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public bool IsEmpty(int partition, long from, long to) => Read(partition, () =>
    {
        consumer.Assign(new TopicPartitionOffset(topic, partition, from));
        while (true)
        {
            var result = consumer.Consume(Patience) ?? throw BrokerErrors.Unavailable(partition, "no record came", null);
            if (result.Partition.Value == partition) return result.Offset.Value >= to;
        }
    });

    /// <summary>Reads from where it assigns the partition; the default where the log does not have that position.</summary>
    private T? Read<T>(int partition, Func<T?> read)
    {
        lock (gate)
        {
            try
            {
                return read();
            }
            catch (ConsumeException error) when (error.Error.IsOutsideLog())
            {
                return default;
            }
            catch (KafkaException error)
            {
                throw BrokerErrors.Unavailable(partition, error.Error.Reason, error);
            }
            finally
            {
                consumer.Unassign();
            }
        }
    }

    private RecordFingerprint? LastUpTo(int partition, long from, long offset)
    {
        consumer.Assign(new TopicPartitionOffset(topic, partition, from));
        RecordFingerprint? last = null;
        var started = time.GetTimestamp();
        while (true)
        {
            var left = Patience - time.GetElapsedTime(started);
            if (left <= TimeSpan.Zero || consumer.Consume(left) is not { } result) throw BrokerErrors.Unavailable(partition, "no record came", null);
            if (result.Partition.Value != partition) continue;
            if (result.IsPartitionEOF || result.Offset.Value > offset) return last;
            last = RecordHash.Of(new LogRecord
            {
                Offset = result.Offset.Value, AppendedUnixMs = result.Message.Timestamp.UnixTimestampMs, Key = result.Message.Key ?? [],
                Value = result.Message.Value ?? [],
            });
            if (result.Offset.Value == offset) return last;
        }
    }

    public void Dispose()
    {
        lock (gate) consumer.Dispose();
    }
}
