using System.Diagnostics;
using FASTER.core;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>
/// A partition that replays its embedded log into an empty store, beside scanning and decoding the same log:
/// what is left to gain beyond the log.
/// </summary>
internal static class ScanVerb
{
    private const int LoadedAtOnce = 1_000_000;
    private const int StatesShare = 10;
    private const int LogMemoryBits = 30;
    private const long IndexBytes = 64L << 20;

    public static void Run(Bench bench) => RunAsync(bench).GetAwaiter().GetResult();

    private static async Task RunAsync(Bench bench)
    {
        var settings = bench.Settings;
        var folder = Directory.CreateTempSubdirectory("readstate-scan-");
        try
        {
            var topic = EmbeddedTopic.Open(new EmbeddedTopicOptions { Folder = folder.FullName, PartitionCount = 1 }, TimeProvider.System);
            await using (topic.ConfigureAwait(false))
            {
                var log = topic.Partitions[0];
                var bytes = await FillAsync(topic, settings).ConfigureAwait(false);
                bench.Say($"");
                bench.Say($"scan: {log.EndOffset:N0} events, {bytes / 1e6:F0} MB, replayed from the embedded log beside scanning and decoding it; median of {settings.Rounds}");
                Measure(bench, log);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<long> FillAsync(EmbeddedTopic topic, Settings settings)
    {
        var trace = new EventTrace();
        var generator = new TraceGenerator(new Population(Math.Max(settings.States / StatesShare, 10_000)), settings.Seed);
        long bytes = 0;
        while (generator.Preload(trace, LoadedAtOnce)) bytes += await TracePublisher.PublishAsync(topic, trace).ConfigureAwait(false);
        generator.Traffic(trace, settings.Events);
        return bytes + await TracePublisher.PublishAsync(topic, trace).ConfigureAwait(false);
    }

    private static void Measure(Bench bench, EmbeddedLog log)
    {
        List<double> scans = [], replays = [], ratios = [];
        for (var round = -1; round < bench.Settings.Rounds; round++)
        {
            var scan = Scan(log);
            var replay = Replay(log);
            if (round < 0) continue;
            scans.Add(log.EndOffset / scan);
            replays.Add(log.EndOffset / replay);
            ratios.Add(scan / replay);
        }
        bench.Say($"  scan and decode {Median(scans):N0} events/s, replay into the store {Median(replays):N0} events/s");
        bench.Say($"  => ratio {Median(ratios):F2} (printed; no pass mark)");
    }

    /// <summary>Seconds to read, decode and check every record.</summary>
    private static double Scan(EmbeddedLog log)
    {
        var start = Stopwatch.GetTimestamp();
        var lists = new FactLists();
        using var reader = log.OpenReader(0);
        while (reader.TryRead(out var record))
        {
            lists.Clear();
            var fact = new Fact { Offset = record.Offset };
            if (!FactDecoder.TryDecode(record.Value, ref fact, lists, out var error) || (error = FactContract.Check(fact, lists)) != DecodeError.None)
                throw new InvalidDataException(error.Describe());
        }
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Seconds until a new partition over an empty store has applied every record.</summary>
    private static double Replay(EmbeddedLog log)
    {
        var policy = new PolicyOptions();
        var options = new StoreOptions { LogMemoryBytes = 1L << LogMemoryBits, PageBytes = 1 << Settings.LogPageBits, IndexBytes = IndexBytes };
        using var partition = new StatePartition(
            new PartitionSettings(0, 1, policy, 0, Settings.MaxAheadMs, TimeProvider.System), log, new StateStore(options, StoredPolicy.From(policy), new NullDevice()));
        var start = Stopwatch.GetTimestamp();
        while (partition.Position < log.EndOffset && partition.State != PartitionState.Failed) partition.Step();
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        if (partition.State == PartitionState.Failed) throw new InvalidOperationException("the partition failed", partition.Failure);
        if (partition.DeadLetters != 0) throw new InvalidOperationException($"{partition.DeadLetters} events of the trace are no events");
        return seconds;
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
