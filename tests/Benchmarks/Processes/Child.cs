using System.Diagnostics;
using System.Text.Json;
using ReadStateStream.Benchmarks.Durable;
using ReadStateStream.Benchmarks.Measure;
using ReadStateStream.Benchmarks.Subjects;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Benchmarks.Processes;

/// <summary>The child's side: reads a command a line, answers with its figures as a line of JSON.</summary>
internal sealed class Child : IDisposable
{
    public const string Load = "load";
    public const string Throughput = "throughput";
    public const string Latency = "latency";
    public const string Collect = "collect";
    public const string Size = "size";
    public const string Query = "query";

    /// <summary>Throughput for so many seconds, events generated in between.</summary>
    public const string Sustained = "sustained";

    private const int LoadedAtOnce = 200_000;

    private readonly Settings settings;
    private readonly Population population;
    private readonly TraceGenerator generator;
    private readonly EventTrace trace = new();
    private readonly ISubject subject;
    private readonly LatencyRecorder recorder = new();
    private QueryLoad? queries;

    public Child(string name, Settings settings)
    {
        this.settings = settings;
        population = new Population(settings.States);
        generator = new TraceGenerator(population, settings.Seed);
        subject = SubjectFactory.Create(name, settings);
    }

    /// <summary>Serves until the parent closes the pipe.</summary>
    public void Serve(TextReader commands, TextWriter answers) => Serve(commands, answers, command => command switch
    {
        Load => Preload(),
        Throughput => MeasureThroughput(),
        Latency => MeasureLatency(),
        Collect => MeasureCollection(),
        Sustained => MeasureSustained(),
        Query => MeasureQueries(),
        Size => ((StoreSubject)subject).MeasureSizes(population, generator, trace),
        _ => throw new ArgumentException($"unknown command {command}"),
    });

    /// <summary>Does a command a line and answers each with its figures, until the parent closes the pipe.</summary>
    public static void Serve(TextReader commands, TextWriter answers, Func<string, Figures> run)
    {
        while (commands.ReadLine() is { } command)
        {
            answers.WriteLine(JsonSerializer.Serialize(run(command)));
            answers.Flush();
        }
    }

    public void Dispose()
    {
        queries?.Dispose();
        subject.Dispose();
    }


    private Figures Preload()
    {
        var start = Stopwatch.GetTimestamp();
        var durable = subject as DurableSubject;
        durable?.Resume();
        long events = 0, keys = 0;
        while (generator.Preload(trace, LoadedAtOnce))
        {
            Apply();
            events += trace.Count;
            keys += trace.KeyCount;
        }
        durable?.Settle();
        durable?.Pause();
        return new Figures { Events = events, Keys = keys, Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds };
    }

    private Figures MeasureThroughput()
    {
        generator.Traffic(trace, settings.Events);
        // What generating left behind is not the subject's to collect.
        GC.Collect(1);
        var allocated = GC.GetAllocatedBytesForCurrentThread();
        var before = StoreFigures();
        var paused = GC.GetTotalPauseDuration();
        var start = Stopwatch.GetTimestamp();
        var cpu = Environment.CpuUsage.TotalTime;
        Apply();
        return new Figures
        {
            CpuSeconds = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
            Seconds = Stopwatch.GetElapsedTime(start).TotalSeconds,
            PauseMs = (GC.GetTotalPauseDuration() - paused).TotalMilliseconds,
            AllocatedBytes = GC.GetAllocatedBytesForCurrentThread() - allocated,
            LogGrowthBytes = StoreFigures().LogBytes - before.LogBytes,
            LogPages = (StoreFigures().LogBytes >> Settings.LogPageBits) - (before.LogBytes >> Settings.LogPageBits),
            Updates = StoreFigures().Updates - before.Updates,
            Events = trace.Count,
            Keys = trace.KeyCount,
        };
    }

    /// <summary>
    /// Rounds by time, since what happens beside the writer takes its turns by time and by bytes. While the next
    /// events are generated it stands still.
    /// </summary>
    private Figures MeasureSustained()
    {
        var durable = (DurableSubject)subject;
        var before = durable.Done();
        var grown = StoreFigures();
        var paused = GC.GetTotalPauseDuration();
        double seconds = 0, cpu = 0, writer = 0;
        long events = 0, keys = 0;
        while (seconds < settings.Seconds)
        {
            generator.Traffic(trace, settings.Events);
            GC.Collect(1);
            var used = Environment.CpuUsage.TotalTime;
            var start = Stopwatch.GetTimestamp();
            durable.Resume();
            var own = ThreadCpu.Seconds;
            Apply();
            writer += ThreadCpu.Seconds - own;
            seconds += Stopwatch.GetElapsedTime(start).TotalSeconds;
            cpu += (Environment.CpuUsage.TotalTime - used).TotalSeconds;
            durable.Pause();
            events += trace.Count;
            keys += trace.KeyCount;
        }
        return new Figures
        {
            Events = events, Keys = keys, Seconds = seconds, CpuSeconds = cpu, WriterCpuSeconds = writer, LogGrowthBytes = StoreFigures().LogBytes - grown.LogBytes,
            PauseMs = (GC.GetTotalPauseDuration() - paused).TotalMilliseconds,
        }.With(before, durable.Done());
    }

    private StoreFigures StoreFigures() => subject is IPartitionSubject store ? store.Partition.StoreFigures : default;

    private Figures MeasureLatency()
    {
        generator.Traffic(trace, settings.Rate * settings.Seconds);
        GC.Collect(1);
        var driver = new FixedRate(recorder);
        var durable = subject as DurableSubject;
        var before = durable?.Done() ?? new Figures();
        durable?.Resume();
        var paused = GC.GetTotalPauseDuration();
        driver.Run(trace.Count, settings.Rate, Settings.BatchMax, (first, count) => subject.Apply(trace, first, count));
        durable?.Pause();
        return new Figures
        {
            Events = trace.Count,
            Keys = trace.KeyCount,
            PauseMs = (GC.GetTotalPauseDuration() - paused).TotalMilliseconds,
            P50Us = recorder.PercentileNs(0.5) / 1e3,
            P99Us = recorder.PercentileNs(0.99) / 1e3,
            P999Us = recorder.PercentileNs(0.999) / 1e3,
            P9999Us = recorder.PercentileNs(0.9999) / 1e3,
            MaxUs = recorder.MaxNs / 1e3,
            AboveMs = driver.TimeAboveNs / 1e6,
        }.With(before, durable?.Done() ?? new Figures());
    }

    private Figures MeasureQueries()
    {
        queries ??= new QueryLoad((StoreSubject)subject, generator, trace);
        return queries.Measure(settings.Events, Math.Max(1, settings.Seconds / 2));
    }

    private static Figures MeasureCollection()
    {
        var start = Stopwatch.GetTimestamp();
        GC.Collect(2, GCCollectionMode.Forced, blocking: true);
        return new Figures { CollectMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds };
    }

    private void Apply()
    {
        for (var first = 0; first < trace.Count; first += Settings.BatchMax)
            subject.Apply(trace, first, Math.Min(Settings.BatchMax, trace.Count - first));
    }
}
