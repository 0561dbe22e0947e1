using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Google.Protobuf;
using ReadStateStream.Crash;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Rebalance;

/// <summary>
/// Publishes generated logs straight to the topic, as a producer of another's would: the broker alone decides where they
/// lie. Several lanes, each one log at a time.
/// </summary>
internal sealed class ClusterLoad : IAsyncDisposable
{
    private const int Lanes = 12;
    private const int EventsALog = 300;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(40);
    private static readonly TimeSpan EndsEvery = TimeSpan.FromMilliseconds(200);

    private readonly IProducer<byte[], byte[]> producer;
    private readonly string topic;
    private readonly int seed;
    private readonly TimeProvider time;
    private readonly List<PlacedLog> logs = [];
    private readonly long[] ends;
    private readonly Queue<(long At, long[] Ends)> former = new();
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stopping = new();
    private Task running = Task.CompletedTask;
    private long published;

    public ClusterLoad(string bootstrap, string topic, int partitions, int seed, TimeProvider time)
    {
        (this.topic, this.seed, this.time) = (topic, seed, time);
        ends = new long[partitions];
        producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrap, EnableIdempotence = true, Acks = Acks.All, LingerMs = 2, MessageTimeoutMs = 0,
            // The contract's, where librdkafka's own default would be another.
            Partitioner = Partitioner.Murmur2Random,
        }).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
    }

    /// <summary>Events acknowledged.</summary>
    public long Published => Interlocked.Read(ref published);

    /// <summary>Every log of which something was published.</summary>
    public IReadOnlyList<PlacedLog> Logs
    {
        get { lock (gate) return [.. logs]; }
    }

    /// <summary>Next offset of each partition, as acknowledged.</summary>
    public long[] Ends
    {
        get { lock (gate) return [.. ends]; }
    }

    /// <summary>The same some time ago; zeros where nothing was noted then.</summary>
    public long[] EndsBefore(TimeSpan ago)
    {
        lock (gate)
        {
            var found = new long[ends.Length];
            foreach (var (at, then) in former)
                if (time.GetElapsedTime(at) >= ago) found = then;
            return found;
        }
    }

    /// <summary>Begins.</summary>
    public void Start() => running = Task.WhenAll(
        Enumerable.Range(0, Lanes).Select(lane => Task.Run(() => RunAsync(lane), CancellationToken.None)).Append(Task.Run(NoteEndsAsync, CancellationToken.None)));

    /// <summary>Ends once everything is acknowledged.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ContinueWith(static _ => { }, TaskScheduler.Default).ConfigureAwait(false);
        producer.Dispose();
        stopping.Dispose();
    }

    private async Task RunAsync(int lane)
    {
        var random = new Random(seed + lane);
        using var timer = new PeriodicTimer(Pace, time);
        PlacedLog? current = null;
        while (!stopping.IsCancellationRequested)
        {
            if (current is null or { Log.IsDone: true }) current = Begin();
            var some = current.Next(random.Next(1, 30));
            var places = await Task.WhenAll(some.Select(PublishAsync)).ConfigureAwait(false);
            lock (gate)
                foreach (var (partition, offset) in places) ends[partition] = Math.Max(ends[partition], offset + 1);
            current.Acknowledge(places);
            Interlocked.Add(ref published, places.Length);
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task<(int Partition, long Offset)> PublishAsync(ChannelEvent e)
    {
        var key = e.FactCase == ChannelEvent.FactOneofCase.UserBlocked ? e.UserBlocked.UserId : Oracle.ReadStateOracle.ChannelOf(e)!.Value;
        var message = new Message<byte[], byte[]> { Key = Encoding.ASCII.GetBytes(key.ToString(CultureInfo.InvariantCulture)), Value = e.ToByteArray() };
        var result = await producer.ProduceAsync(topic, message).ConfigureAwait(false);
        return (result.Partition.Value, result.Offset.Value);
    }

    private async Task NoteEndsAsync()
    {
        using var timer = new PeriodicTimer(EndsEvery, time);
        while (!stopping.IsCancellationRequested)
        {
            lock (gate)
            {
                former.Enqueue((time.GetTimestamp(), [.. ends]));
                while (former.Count > 300) former.Dequeue();
            }
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private PlacedLog Begin()
    {
        lock (gate)
        {
            var log = new PlacedLog(new LoadLog(seed + logs.Count, logs.Count + 1, EventsALog, time.GetUtcNow()));
            logs.Add(log);
            return log;
        }
    }
}
