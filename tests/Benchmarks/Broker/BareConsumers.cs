using Confluent.Kafka;
using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Fold;
using ReadStateStream.Kafka;
using ReadStateStream.Partition.Decode;

namespace ReadStateStream.Benchmarks.Broker;

/// <summary>
/// The baseline: as many members of a group as the product has, with its client settings and its deserializers, which read the
/// topic, decode each record and check the contract, and fold nothing.
/// </summary>
internal static class BareConsumers
{
    private const int QueueShare = 2;

    /// <summary>Reads it all.</summary>
    public static Figures Run(long events, int partitions)
    {
        var workers = Math.Min(Environment.ProcessorCount, partitions);
        var counts = new long[workers * 16]; // a cache line each
        using var stop = new CancellationTokenSource();
        var threads = Enumerable.Range(0, workers).Select(worker => new Thread(() => Consume(worker, workers, ref counts[worker * 16], stop.Token))).ToList();
        threads.ForEach(static thread => thread.Start());
        var figures = ThroughTimer.Measure(events, () => Enumerable.Range(0, workers).Sum(worker => Volatile.Read(ref counts[worker * 16])));
        stop.Cancel();
        threads.ForEach(static thread => thread.Join());
        return figures;
    }

    private static void Consume(int worker, int workers, ref long count, CancellationToken stop)
    {
        var options = new KafkaOptions { Bootstrap = BrokerBed.Bootstrap, Group = "bench" };
        var settings = new ClientSettings(options, BrokerBed.Topic, 1 << 20);
        var (keys, values, lists) = (new CopyDeserializer(), new CopyDeserializer(), new FactLists());
        using var consumer = new ConsumerBuilder<CopiedBytes, CopiedBytes>(settings.Member(1, worker, options.PrefetchBytes / QueueShare / workers))
            .SetKeyDeserializer(keys).SetValueDeserializer(values)
            .SetPartitionsAssignedHandler(static (_, given) => given.Select(static one => new TopicPartitionOffset(one, Offset.Beginning)))
            .SetPartitionsRevokedHandler(static (_, _) => { }).SetPartitionsLostHandler(static (_, _) => { })
            .SetStatisticsHandler(static (_, _) => { }).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
        consumer.Subscribe(settings.Topic);
        while (!stop.IsCancellationRequested)
        {
            if (consumer.Consume(20) is not { IsPartitionEOF: false } result) continue;
            var fact = new Fact { Offset = result.Offset.Value };
            lists.Clear();
            if (!FactDecoder.TryDecode(values.Bytes, ref fact, lists, out var error) || (error = FactContract.Check(fact, lists)) != DecodeError.None)
                throw new InvalidDataException(error.Describe());
            Volatile.Write(ref count, count + 1);
        }
        consumer.Close();
    }
}
