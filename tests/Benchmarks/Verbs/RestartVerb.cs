using System.Diagnostics;
using ReadStateStream.Benchmarks.Durable;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>
/// From the beginning of a recovery to a running partition, over the data folder that a life with checkpoints, ships
/// and compaction left, beside a replay of the whole log into an empty folder. After an orderly stop (judged), and
/// after a kill half an interval behind the last checkpoint.
/// </summary>
internal static class RestartVerb
{
    private const double PassMark = 0.05;
    private const int DefaultEvents = 40_000_000;
    private const int GeneratedAtOnce = 500_000;

    public static void Run(Bench bench) => RunAsync(bench).GetAwaiter().GetResult();

    private static async Task RunAsync(Bench bench)
    {
        var settings = bench.Settings with { Events = bench.Settings.EventsGiven ?? DefaultEvents };
        var folder = Directory.CreateTempSubdirectory("readstate-restart-");
        try
        {
            var generator = new TraceGenerator(new Population(settings.States), settings.Seed);
            bench.Say($"");
            bench.Say($"restart: {settings.States:N0} states, {settings.Events:N0} events in the embedded log; files in the system's cache; median of {settings.Rounds}");
            var topic = OpenTopic(folder);
            await using (topic.ConfigureAwait(false)) await FillAsync(topic, generator, settings.States, settings.Events).ConfigureAwait(false);
            var start = Stopwatch.GetTimestamp();
            topic = OpenTopic(folder);
            await using (topic.ConfigureAwait(false))
            {
                bench.Say($"  the embedded log opens in {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s (its newest file verified, as at any start; in no figure below)");
                await MeasureAsync(bench, settings, topic, generator).ConfigureAwait(false);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static EmbeddedTopic OpenTopic(DirectoryInfo folder) =>
        EmbeddedTopic.Open(new EmbeddedTopicOptions { Folder = folder.FullName, PartitionCount = 1 }, TimeProvider.System);

    private static async Task FillAsync(EmbeddedTopic topic, TraceGenerator generator, int states, int events)
    {
        var trace = new EventTrace();
        if (states > 0)
            while (generator.Preload(trace, GeneratedAtOnce))
                await TracePublisher.PublishAsync(topic, trace).ConfigureAwait(false);
        for (var left = events; left > 0; left -= trace.Count)
        {
            generator.Traffic(trace, Math.Min(GeneratedAtOnce, left));
            await TracePublisher.PublishAsync(topic, trace).ConfigureAwait(false);
        }
    }

    private static async Task MeasureAsync(Bench bench, Settings settings, EmbeddedTopic topic, TraceGenerator generator)
    {
        var log = topic.Partitions[0];
        using var folder = new DurableFolder(settings.Store, TimeProvider.System, DiskOperations.Real);
        var (lived, store) = Live(bench, folder, log);
        bench.Say($"  a first life, with checkpoints, ships and compaction beside it: {log.EndOffset / lived:N0} events/s; then a record log of {store.LogBytes / 1e6:N0} MB, {store.LiveBytes / 1e6:N0} of them live");
        var (restarts, replays) = Rounds(bench, settings, folder, log);
        var parts = RecoveryParts.Measure(folder, settings.Store);
        bench.Say($"  parts: manifests {parts.Manifests * 1e3:F1} ms, sums {parts.Sums * 1e3:F1} ms; FASTER takes the index image of {parts.Image.Entries:N0} entries ({parts.Image.Bytes / 1e6:N0} MB) in {parts.Index:F2} s, with {parts.InMemory / 1e6:N0} of {parts.Bytes / 1e6:N0} MB of log into memory in {parts.ByImage:F2} s; without an image it scans all in {parts.Scan:F2} s");
        var ratio = Median(restarts.Zip(replays, (a, b) => a.Total / b.Total));
        bench.Say($"  after a stop: recovered in {Median(restarts.Select(r => r.Recovery)):F2} s, replayed in {Median(restarts.Select(r => r.Total - r.Recovery)):F2} s; the whole log in {Median(replays.Select(r => r.Total)):F2} s");

        var behind = (int)Math.Min((long)settings.Rate * new CheckpointOptions().IntervalSeconds / 2, settings.Events / 2);
        await FillAsync(topic, generator, 0, behind).ConfigureAwait(false);
        var killed = Enumerable.Range(0, settings.Rounds).Select(_ => Restart(folder, log)).ToList();
        bench.Say($"  after a kill, {behind:N0} events behind: {Median(killed.Select(r => r.Total)):F2} s, of it the replay {Median(killed.Select(r => r.Total - r.Recovery)):F2} s: {Median(killed.Select(r => r.Total)) / Median(replays.Select(r => r.Total)):F3} of the whole log's (no pass mark)");
        bench.Judge($"restart / full replay {ratio:F3}", $"<= {PassMark:F2}", ratio <= PassMark);
    }

    private static (List<Opening> Restarts, List<Opening> Replays) Rounds(Bench bench, Settings settings, DurableFolder folder, EmbeddedLog log)
    {
        List<Opening> restarts = [], replays = [];
        for (var round = 0; round < settings.Rounds; round++)
        {
            restarts.Add(Restart(folder, log));
            using var empty = new DurableFolder(settings.Store, TimeProvider.System, DiskOperations.Real);
            replays.Add(Open(empty, log, RecoverySource.LogStart));
            bench.Say($"  round {round + 1}: restart {restarts[^1].Total:F2} s, replay of the whole log {replays[^1].Total:F2} s");
        }
        return (restarts, replays);
    }

    private readonly record struct Opening(double Recovery, double Total);

    private static Opening Restart(DurableFolder folder, EmbeddedLog log) => Open(folder, log, RecoverySource.Checkpoint);

    /// <summary>Opens a partition until it runs, then throws it away as if killed.</summary>
    private static Opening Open(DurableFolder folder, EmbeddedLog log, RecoverySource expected)
    {
        GC.Collect();
        var observer = new NoSurprises();
        var start = Stopwatch.GetTimestamp();
        using var partition = folder.Open(log, DurableFolder.Never, NoFaultPoints.Instance, observer);
        UntilRunning(partition);
        var total = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (observer.Last.Source != expected) throw new InvalidOperationException($"recovered from {observer.Last.Source}, not {expected}");
        if (partition.Position != log.EndOffset || partition.DeadLetters != 0) throw new InvalidOperationException("not all of the log was applied");
        return new Opening(observer.Last.Took.TotalSeconds, total);
    }

    /// <summary>
    /// A life from the log's start, with what works beside the writer, until it has caught up with its ships and its
    /// compaction, as one of hours has; then an orderly end. Seconds until it ran, the record log at the end.
    /// </summary>
    private static (double Seconds, StoreFigures Store) Live(Bench bench, DurableFolder folder, EmbeddedLog log)
    {
        var start = Stopwatch.GetTimestamp();
        using var partition = folder.Open(log, new CheckpointOptions(), NoFaultPoints.Instance, new NoSurprises());
        using var worker = new PersistenceWorker(() => [partition], TimeProvider.System);
        UntilRunning(partition);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var persistence = partition.Persistence!;
        while (persistence.IsBusy || persistence.Compactor.IsReady || persistence.Compactor.IsWanted)
            if (!partition.Step())
                Thread.Sleep(1);
        var (store, slice) = (partition.StoreFigures, persistence.Images.LongestSlice);
        partition.Stop();
        partition.BeginLastCheckpoint();
        while (persistence.IsBusy) Thread.Sleep(1);
        bench.Say($"  {persistence.Images.Completed} index images beside it; the longest slice kept the writer for {slice.TotalMicroseconds:N0} us");
        return (seconds, store);
    }

    private static void UntilRunning(StatePartition partition)
    {
        while (partition.State != PartitionState.Running)
        {
            if (partition.State == PartitionState.Failed) throw new InvalidOperationException("the partition failed", partition.Failure);
            if (!partition.Step()) Thread.Sleep(0);
        }
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;
}
