using ReadStateStream.Partition.Log;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Integration.Host;

/// <summary>A topic in memory: dense offsets a partition, with failures and a gate to be set by the test.</summary>
internal sealed class InMemoryTopic(int partitions) : IEventPublisher
{
    private readonly Lock gate = new();
    private readonly List<OutgoingRecord>[] logs = [.. Enumerable.Range(0, partitions).Select(_ => new List<OutgoingRecord>())];

    public string TopicIdentity => "topic-under-test";
    public int PartitionCount => partitions;
    public ulong GreatestStampedEventId { get; set; }

    /// <summary>Null, or the error of a record that is kept out.</summary>
    public Func<OutgoingRecord, Exception?> Failure { get; set; } = _ => null;

    /// <summary>Appends complete when this does.</summary>
    public Task Disk { get; set; } = Task.CompletedTask;

    /// <summary>Completes when an append has arrived and waits for the disk.</summary>
    public TaskCompletionSource Arrived { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async Task<PublishResult[]> PublishAsync(IReadOnlyList<OutgoingRecord> records, CancellationToken cancellation)
    {
        var results = new PublishResult[records.Count];
        lock (gate)
            for (var i = 0; i < records.Count; i++)
            {
                if (Failure(records[i]) is { } failure)
                {
                    results[i] = new PublishResult(0, failure);
                    continue;
                }
                results[i] = new PublishResult(logs[records[i].Partition].Count, null);
                logs[records[i].Partition].Add(records[i]);
            }
        Arrived.TrySetResult();
        await Disk.WaitAsync(cancellation);
        return results;
    }

    public IReadOnlyList<OutgoingRecord> Log(int partition)
    {
        lock (gate) return [.. logs[partition]];
    }

    public ChannelEvent Event(int partition, long offset) => ChannelEvent.Parser.ParseFrom(Log(partition)[(int)offset].Value.Span);

    public int Count => Enumerable.Range(0, partitions).Sum(partition => Log(partition).Count);
}
