using System.Diagnostics;
using ReadStateStream.Benchmarks.Measure;
using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>
/// One client that asks for one state after the other, while the partition's own thread folds nothing, or events
/// at a share of what it can. The partition is the worker's from the first measurement on.
/// </summary>
internal sealed class QueryLoad : IDisposable
{
    /// <summary>Share of the maximum ingest that runs beside the questions.</summary>
    public const double Share = 0.7;

    private static readonly TimeSpan FeedEvery = TimeSpan.FromMilliseconds(1);

    private readonly StoreSubject subject;
    private readonly TraceGenerator generator;
    private readonly EventTrace trace;
    private readonly PartitionWorker worker;
    private readonly LatencyRecorder recorder = new();
    private readonly BlockedLookup nobody = new();

    public QueryLoad(StoreSubject subject, TraceGenerator generator, EventTrace trace)
    {
        (this.subject, this.generator, this.trace) = (subject, generator, trace);
        worker = new PartitionWorker(0, [subject.Partition]);
    }

    /// <summary>Maximum ingest over so many events, then questions for so many seconds idle and as many under load.</summary>
    public Figures Measure(int events, int seconds)
    {
        var perSecond = events / Ingest(events).TotalSeconds;
        Ask(TimeSpan.FromSeconds(seconds));
        var idle = recorder.PercentileNs(0.99) / 1e3;
        var idleCount = recorder.Count;
        var rate = (int)(perSecond * Share);
        generator.Traffic(trace, rate * seconds);
        var feeder = new Thread(() => Feed(rate)) { Name = "feeder" };
        feeder.Start();
        Ask(TimeSpan.FromSeconds(seconds));
        feeder.Join();
        WaitFor(trace.Count);
        return new Figures { IdleP99Us = idle, P99Us = recorder.PercentileNs(0.99) / 1e3, Events = (long)perSecond, Keys = idleCount, Queries = recorder.Count };
    }

    public void Dispose() => worker.Dispose();

    private TimeSpan Ingest(int events)
    {
        generator.Traffic(trace, events);
        var start = Stopwatch.GetTimestamp();
        subject.Log.GrowTo(trace, trace.Count);
        WaitFor(trace.Count);
        return Stopwatch.GetElapsedTime(start);
    }

    private void WaitFor(int count)
    {
        while (subject.Partition.Position < trace.FirstOffset + count)
        {
            subject.Check();
            Thread.Sleep(FeedEvery);
        }
        subject.Check();
    }

    private void Ask(TimeSpan length)
    {
        recorder.Clear();
        var pairs = new Random(1);
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < length)
        {
            var (user, channel) = generator.Pair(pairs);
            var key = new GetStatesRequest.Types.Key { UserId = user, ChannelId = channel };
            var asked = Stopwatch.GetTimestamp();
            subject.Partition.GetStatesAsync([key], nobody, 0, CancellationToken.None).GetAwaiter().GetResult();
            recorder.Record((long)Stopwatch.GetElapsedTime(asked).TotalNanoseconds);
        }
    }

    private void Feed(int rate)
    {
        var start = Stopwatch.GetTimestamp();
        for (var grown = 0; grown < trace.Count;)
        {
            Thread.Sleep(FeedEvery);
            grown = (int)Math.Min(trace.Count, Stopwatch.GetElapsedTime(start).TotalSeconds * rate);
            subject.Log.GrowTo(trace, grown);
        }
    }
}
