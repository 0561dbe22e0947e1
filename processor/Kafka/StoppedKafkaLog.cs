using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>
/// A partition as it is now, for an operator's tool: it has the end that it had when it was opened. In no group, and one reader
/// at a time; a read waits for the broker.
/// </summary>
public sealed class StoppedKafkaLog : IEventLog
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ClientSettings settings;
    private readonly RecordProbe probe;
    private readonly int partition;

    internal StoppedKafkaLog(ClientSettings settings, RecordProbe probe, int partition)
    {
        (this.settings, this.probe, this.partition) = (settings, probe, partition);
        (BeginOffset, EndOffset) = probe.Offsets(partition);
    }

    /// <inheritdoc/>
    public long BeginOffset { get; }

    /// <inheritdoc/>
    public long EndOffset { get; }

    /// <inheritdoc/>
    public Action? OnGrown { get; set; }

    /// <inheritdoc/>
    public IEventLogReader OpenReader(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, BeginOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, EndOffset);
        return new Reader(this, offset);
    }

    /// <inheritdoc/>
    public bool TryFingerprint(long offset, out RecordFingerprint fingerprint) => probe.TryFingerprint(partition, offset, out fingerprint);

    private sealed class Reader : IEventLogReader
    {
        private readonly StoppedKafkaLog log;
        private readonly IConsumer<byte[], byte[]> consumer;
        private readonly List<byte> headers = [];
        private ConsumeResult<byte[], byte[]>? waiting;

        public Reader(StoppedKafkaLog log, long offset)
        {
            (this.log, NextOffset) = (log, offset);
            consumer = new ConsumerBuilder<byte[], byte[]>(log.settings.Probe()).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
            if (offset < log.EndOffset) consumer.Assign(new TopicPartitionOffset(log.settings.Topic, log.partition, offset));
        }

        public long NextOffset { get; private set; }

        public bool TryRead(out LogRecord record)
        {
            record = default;
            if (NextOffset >= log.EndOffset) return false;
            var result = waiting ??= Consume();
            var at = Math.Min(result.Offset.Value, log.EndOffset);
            // Offsets without a record: whoever stops somewhere among them is told first.
            if (at > NextOffset || result.IsPartitionEOF)
            {
                NextOffset = at;
                if (result.IsPartitionEOF) waiting = null;
                return false;
            }
            waiting = null;
            NextOffset = at + 1;
            record = new LogRecord
            {
                Offset = at, AppendedUnixMs = result.Message.Timestamp.UnixTimestampMs, Key = result.Message.Key ?? [], Value = result.Message.Value ?? [],
                Headers = PackedHeaders.Of(result.Message.Headers, headers),
            };
            return true;
        }

        public void Dispose() => consumer.Dispose();

        private ConsumeResult<byte[], byte[]> Consume()
        {
            try
            {
                return consumer.Consume(Patience) ?? throw new KafkaException(ErrorCode.Local_TimedOut);
            }
            catch (ConsumeException gone) when (gone.Error.IsOutsideLog())
            {
                throw new LogForkedAtReadException(log.partition, NextOffset, gone.Error.Reason);
            }
            catch (KafkaException error)
            {
                throw BrokerErrors.Unavailable(log.partition, error.Error.Reason, error);
            }
        }
    }
}
