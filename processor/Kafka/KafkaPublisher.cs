using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>Publishes to the topic: idempotent, acknowledged by all replicas in sync, in order within a call and partition.</summary>
public sealed class KafkaPublisher : IEventPublisher, IAsyncDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastFlush = TimeSpan.FromSeconds(10);

    private readonly string topic;
    private readonly IProducer<byte[], byte[]> producer;

    internal KafkaPublisher(ClientSettings settings, string identity, int partitions, int timeoutMs, IKafkaNotes notes)
    {
        topic = settings.Topic;
        TopicIdentity = identity;
        PartitionCount = partitions;
        producer = new ProducerBuilder<byte[], byte[]>(settings.Producer(timeoutMs))
            .SetLogHandler((_, message) => notes.Note(message))
            .SetErrorHandler((_, error) => notes.ConsumerError(error.Reason))
            .Build();
    }

    /// <inheritdoc/>
    public string TopicIdentity { get; }

    /// <inheritdoc/>
    public int PartitionCount { get; }

    /// <inheritdoc/>
    public ulong GreatestStampedEventId => 0;

    /// <inheritdoc/>
    public Task<PublishResult[]> PublishAsync(IReadOnlyList<OutgoingRecord> records, CancellationToken cancellation)
    {
        if (records.Count == 0) return Task.FromResult<PublishResult[]>([]);
        var results = new PublishResult[records.Count];
        var left = records.Count;
        var done = new TaskCompletionSource<PublishResult[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        for (var i = 0; i < records.Count; i++)
        {
            var number = i;
            try
            {
                var message = new Message<byte[], byte[]> { Key = records[i].Key.ToArray(), Value = records[i].Value.ToArray() };
                producer.Produce(
                    new TopicPartition(topic, records[i].Partition), message,
                    report => Finish(number, report.Error.IsError ? new PublishResult(0, Translate(report.Error)) : new PublishResult(report.Offset.Value, null)));
            }
            catch (ProduceException<byte[], byte[]> refused)
            {
                Finish(number, new PublishResult(0, Translate(refused.Error)));
            }
        }
        return done.Task;

        void Finish(int number, PublishResult result)
        {
            results[number] = result;
            if (Interlocked.Decrement(ref left) == 0) done.TrySetResult(results);
        }
    }

    /// <summary>What waits is still sent, for a while; then the client closes.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.Run(() => producer.Flush(LastFlush)).ConfigureAwait(false);
        producer.Dispose();
    }

    private static Exception Translate(Error error) => error.Code switch
    {
        ErrorCode.MsgSizeTooLarge => new LogRecordTooLargeException($"the topic does not take a record of this size: {error.Reason}"),
        _ => new LogUnavailableException($"the broker did not take the record: {error.Reason}", Retry),
    };
}
