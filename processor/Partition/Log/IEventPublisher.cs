namespace ReadStateStream.Partition.Log;

/// <summary>A record to be appended to the topic.</summary>
/// <param name="Partition">Its partition, 0 .. partition count - 1, by the contract's partitioner.</param>
/// <param name="Key">The contract's key, as UTF-8.</param>
/// <param name="Value">A protobuf <c>readstate.v1.ChannelEvent</c>.</param>
/// <param name="StampedEventId">The event id where the ingest endpoint stamped it; 0 where the source set it.</param>
public readonly record struct OutgoingRecord(int Partition, ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, ulong StampedEventId);

/// <summary>What became of one record: its offset once it is durable, or the error that kept it out.</summary>
public readonly record struct PublishResult(long Offset, Exception? Error);

/// <summary>Publishes to the topic. Two adapters: embedded and Kafka.</summary>
public interface IEventPublisher
{
    /// <summary>Names this topic for ever: another topic of the same name has another identity.</summary>
    string TopicIdentity { get; }

    /// <summary>Number of partitions of the topic.</summary>
    int PartitionCount { get; }

    /// <summary>The greatest event id that was ever stamped here and is in the log; stamping goes on above it.</summary>
    ulong GreatestStampedEventId { get; }

    /// <summary>
    /// Appends and answers when each record is on the disk (or failed). Records of one call and one
    /// partition keep their order. Results are in the order of the records; a full disk or a closed log
    /// is an error of the records it kept out, never of the others.
    /// </summary>
    Task<PublishResult[]> PublishAsync(IReadOnlyList<OutgoingRecord> records, CancellationToken cancellation);
}
