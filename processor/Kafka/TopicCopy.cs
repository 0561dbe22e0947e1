using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>
/// Copies records into a topic of another partition count: key, value, headers and time as they are, to the partition of their
/// key there. What is given in order arrives in order, of one key at least.
/// </summary>
public sealed class TopicCopy : IDisposable
{
    private const int InFlightMax = 10_000;

    private readonly string target;
    private readonly IProducer<byte[], byte[]> producer;
    private readonly SemaphoreSlim room = new(InFlightMax);
    private volatile Error? failed;

    internal TopicCopy(ClientSettings settings, string target, int timeoutMs)
    {
        this.target = target;
        producer = new ProducerBuilder<byte[], byte[]>(settings.Producer(timeoutMs, takesAny: true)).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
    }

    /// <summary>On its way; waits where much is.</summary>
    /// <exception cref="LogUnavailableException">The broker did not take one: what came after it is not known to be there.</exception>
    public void Add(SeenRecord record)
    {
        room.Wait();
        ThrowIfFailed();
        var message = new Message<byte[], byte[]> { Key = record.Key, Value = record.Value, Headers = record.Headers, Timestamp = new Timestamp(record.UnixMs, TimestampType.CreateTime) };
        try
        {
            producer.Produce(target, message, report =>
            {
                if (report.Error.IsError) failed ??= report.Error;
                room.Release();
            });
        }
        catch (ProduceException<byte[], byte[]> refused)
        {
            room.Release();
            failed ??= refused.Error;
            ThrowIfFailed();
        }
    }

    /// <summary>Returns once all of them are acknowledged.</summary>
    /// <exception cref="LogUnavailableException">One was not.</exception>
    public void Finish()
    {
        for (var i = 0; i < InFlightMax; i++) room.Wait();
        room.Release(InFlightMax);
        ThrowIfFailed();
    }

    /// <summary>Closes the client.</summary>
    public void Dispose()
    {
        producer.Dispose();
        room.Dispose();
    }

    private void ThrowIfFailed()
    {
        if (failed is { } error) throw new LogUnavailableException($"topic '{target}' did not take a record: {error.Reason}", TimeSpan.FromSeconds(1));
    }
}
