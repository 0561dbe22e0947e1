using System.Diagnostics;
using Confluent.Kafka;
using ReadStateStream.Benchmarks.Measure;
using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Partition.Query;

namespace ReadStateStream.Benchmarks.Broker;

/// <summary>
/// A member of the group that publishes at a fixed rate, and watches when its partitions have applied what it published:
/// from when an event was due. Only partitions that it kept for the whole of a measurement count.
/// </summary>
/// <remarks>Commands: <c>begin</c>, then <c>end</c>, whose figures are those of the time between.</remarks>
internal sealed class WatchedMember : IDisposable
{
    /// <summary>Partitions of the topic.</summary>
    public const int Partitions = 12;

    /// <summary>Settings of every member: checkpoints are frequent enough to be met in each measurement.</summary>
    public static readonly string[] More = ["--Kafka:SessionTimeoutMs=6000", "--Checkpoint:IntervalSeconds=5"];

    private const string SnapshotsVariable = "READSTATE_BENCH_SNAPSHOTS";
    private const long Unknown = 0;

    private readonly Settings settings;
    private readonly HostedProduct product;
    private readonly IProducer<byte[], byte[]> producer;
    private readonly List<long>[] due = Lists();
    private readonly List<long>[] applied = Lists();
    private readonly CancellationTokenSource stop = new();
    private readonly Thread publishing;
    private readonly Thread watching;
    private IPartitionQueries[] kept = [];
    private readonly long[] from = new long[Partitions];

    public WatchedMember(Settings settings)
    {
        this.settings = settings;
        product = HostedProduct.StartAsync(Partitions, Snapshots, More).GetAwaiter().GetResult();
        producer = BrokerBed.OpenProducer();
        publishing = new Thread(Publish) { Name = "publish" };
        watching = new Thread(Watch) { Name = "watch" };
        publishing.Start();
        watching.Start();
    }

    /// <summary>Folder of the snapshots that all members share.</summary>
    public static string Snapshots
    {
        get => Environment.GetEnvironmentVariable(SnapshotsVariable) ?? throw new ArgumentException($"{SnapshotsVariable} is not set");
        set => Environment.SetEnvironmentVariable(SnapshotsVariable, value);
    }

    /// <summary>Does a command.</summary>
    public Figures Do(string command)
    {
        if (command != "begin") return End();
        for (var began = Stopwatch.GetTimestamp(); product.Partitions.Count < Partitions; Thread.Sleep(10))
            if (Stopwatch.GetElapsedTime(began) > ThroughTimer.Patience) throw new TimeoutException($"{product.Partitions.Count} of {Partitions} partitions");
        kept = [.. product.Partitions];
        foreach (var partition in kept) from[partition.Number] = partition.Position;
        return new Figures();
    }

    private Figures End()
    {
        var still = product.Partitions.ToHashSet();
        var recorder = new LatencyRecorder();
        var counted = 0;
        foreach (var partition in kept.Where(still.Contains))
        {
            counted++;
            var until = partition.Position;
            lock (due[partition.Number])
                lock (applied[partition.Number])
                    Record(recorder, partition.Number, until);
        }
        return new Figures
        {
            Keys = counted, Events = recorder.Count, P50Us = recorder.PercentileNs(0.5) / 1e3, P99Us = recorder.PercentileNs(0.99) / 1e3,
            P999Us = recorder.PercentileNs(0.999) / 1e3, MaxUs = recorder.MaxNs / 1e3,
        };
    }

    private void Record(LatencyRecorder recorder, int partition, long until)
    {
        for (var offset = from[partition]; offset < Math.Min(until, Math.Min(due[partition].Count, applied[partition].Count)); offset++)
        {
            var (dueAt, appliedAt) = (due[partition][(int)offset], applied[partition][(int)offset]);
            if (dueAt != Unknown && appliedAt != Unknown) recorder.Record((long)((appliedAt - dueAt) * (1e9 / Stopwatch.Frequency)));
        }
    }

    /// <summary>At the rate, each event due at its own time, whatever became of those before.</summary>
    private void Publish()
    {
        var generator = new TraceGenerator(new Population(settings.States), settings.Seed);
        var trace = new EventTrace();
        var (next, started) = (0L, Stopwatch.GetTimestamp());
        while (!stop.IsCancellationRequested)
        {
            if (!generator.Preload(trace, settings.States)) generator.Traffic(trace, settings.Rate);
            for (var i = 0; i < trace.Count && !stop.IsCancellationRequested; i++, next++)
            {
                var at = started + (long)(next * (double)Stopwatch.Frequency / settings.Rate);
                while (Stopwatch.GetTimestamp() < at) Thread.Sleep(1);
                producer.Produce(BrokerBed.Topic, new Message<byte[], byte[]> { Key = trace.Key(i).ToArray(), Value = trace[i].ToArray() },
                    report => Note(due[report.Partition.Value], report.Offset.Value, at));
            }
        }
        producer.Flush(CancellationToken.None);
    }

    private void Watch()
    {
        var seen = new long[Partitions];
        while (!stop.IsCancellationRequested)
        {
            var now = Stopwatch.GetTimestamp();
            foreach (var partition in product.Partitions)
            {
                var position = partition.Position;
                for (; seen[partition.Number] < position; seen[partition.Number]++) Note(applied[partition.Number], seen[partition.Number], now);
            }
            Thread.Sleep(TimeSpan.FromMicroseconds(200));
        }
    }

    private static void Note(List<long> times, long offset, long at)
    {
        lock (times)
        {
            while (times.Count <= offset) times.Add(Unknown);
            times[(int)offset] = at;
        }
    }

    private static List<long>[] Lists() => [.. Enumerable.Range(0, Partitions).Select(static _ => new List<long>())];

    public void Dispose()
    {
        stop.Cancel();
        publishing.Join();
        watching.Join();
        producer.Dispose();
        product.DisposeAsync().AsTask().GetAwaiter().GetResult();
        stop.Dispose();
    }
}
