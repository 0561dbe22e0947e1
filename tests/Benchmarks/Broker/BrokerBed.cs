using System.Globalization;
using Confluent.Kafka;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Benchmarks.Verbs;
using ReadStateStream.Harness;
using ReadStateStream.Kafka;

namespace ReadStateStream.Benchmarks.Broker;

/// <summary>A broker with a topic of its own, for the length of a verb. The children find it by the environment.</summary>
internal sealed class BrokerBed : IAsyncDisposable
{
    private const string BootstrapVariable = "READSTATE_BENCH_BOOTSTRAP";
    private const string TopicVariable = "READSTATE_BENCH_TOPIC";

    private readonly KafkaServer server;

    private BrokerBed(KafkaServer server)
    {
        this.server = server;
        Environment.SetEnvironmentVariable(BootstrapVariable, server.Bootstrap);
        Environment.SetEnvironmentVariable(TopicVariable, $"readstate-bench-{Guid.NewGuid():N}");
    }

    /// <summary>Where the broker is; in a child too.</summary>
    public static string Bootstrap => Environment.GetEnvironmentVariable(BootstrapVariable) ?? throw new ArgumentException($"{BootstrapVariable} is not set");

    /// <summary>The topic's name; in a child too.</summary>
    public static string Topic => Environment.GetEnvironmentVariable(TopicVariable) ?? throw new ArgumentException($"{TopicVariable} is not set");

    /// <summary>Why there can be none here; null where there can.</summary>
    public static string? Missing => NativeClient.Refusal ?? KafkaServer.Missing;

    /// <summary>Runs a verb's measurement where there is a broker; else it is undecided.</summary>
    public static void Run(Bench bench, string verb, Settings settings, Func<Bench, Task> measure)
    {
        if (Missing is { } missing) bench.Undecided($"{verb}: {missing}");
        else bench.With(settings, inner => measure(inner).GetAwaiter().GetResult());
    }

    /// <summary>Finds or starts a broker, and creates the topic as the product does.</summary>
    public static async Task<BrokerBed> StartAsync(int partitions)
    {
        var bed = new BrokerBed(await KafkaServer.StartAsync().ConfigureAwait(false));
        try
        {
            var topic = new KafkaTopic(new KafkaOptions { Bootstrap = Bootstrap }, Topic, 1 << 20, 30_000, TimeProvider.System, SilentNotes.Instance);
            await using var end = topic.ConfigureAwait(false);
            await topic.CreateAsync(partitions, -1).ConfigureAwait(false);
            return bed;
        }
        catch
        {
            await bed.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A producer as the contract asks for it.</summary>
    public static IProducer<byte[], byte[]> OpenProducer() => new ProducerBuilder<byte[], byte[]>(new ProducerConfig
    {
        BootstrapServers = Bootstrap, EnableIdempotence = true, Acks = Acks.All, LingerMs = 1, Partitioner = Partitioner.Murmur2Random,
        QueueBufferingMaxMessages = 1_000_000, QueueBufferingMaxKbytes = 512 << 10, MessageTimeoutMs = 0,
    }).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();

    /// <summary>Publishes the joins of a population, and so many events of its traffic; events published.</summary>
    public static long Fill(Settings settings, int events)
    {
        const int atOnce = 200_000;
        var generator = new TraceGenerator(new Population(settings.States), settings.Seed);
        var trace = new EventTrace();
        using var producer = OpenProducer();
        var published = 0L;
        while (generator.Preload(trace, atOnce)) published += Publish(producer, trace);
        for (var left = events; left > 0; left -= trace.Count)
        {
            generator.Traffic(trace, Math.Min(left, atOnce));
            published += Publish(producer, trace);
        }
        return published;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => server.DisposeAsync();

    private static int Publish(IProducer<byte[], byte[]> producer, EventTrace trace)
    {
        for (var i = 0; i < trace.Count; i++)
            producer.Produce(Topic, new Message<byte[], byte[]> { Key = trace.Key(i).ToArray(), Value = trace[i].ToArray() });
        producer.Flush(CancellationToken.None);
        return trace.Count;
    }
}
