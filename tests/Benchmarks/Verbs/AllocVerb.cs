using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>Managed bytes that an event costs in steady state, and a full collection over the loaded states.</summary>
internal static class AllocVerb
{
    private const double PassMark = 32;

    /// <summary>A page's array: the page, and two sectors for its alignment.</summary>
    private const long PageBytes = (1L << Settings.LogPageBits) + 1_024;

    public static void Run(Bench bench)
    {
        bench.Say($"");
        bench.Say($"alloc: managed bytes an event, and a forced collection of all generations, median of {bench.Settings.Rounds}");
        string[] subjects = [SubjectFactory.Store, SubjectFactory.Heap];
        var rounds = bench.Interleave(Child.Throughput, subjects);
        var collections = bench.Interleave(Child.Collect, subjects);
        bench.Say($"  {"subject",-8} {"bytes an event",15} {"log growth",11} {"collection ms",14}");
        foreach (var subject in subjects)
            bench.Say($"  {subject,-8} {Bytes(rounds[subject]),15:F2} {Figures.Median(rounds[subject], f => (double)f.LogGrowthBytes / f.Events),11:F2} {Figures.Median(collections[subject], f => f.CollectMs),14:F1}");
        // A page is an array of the collector's until the log has filled its memory and uses pages again; it is
        // the state's memory, measured under size. What is left is what an event costs the collector.
        var bytes = Figures.Median(rounds[SubjectFactory.Store], f => (double)Math.Max(f.AllocatedBytes - (f.LogPages * PageBytes), 0) / f.Events);
        bench.Judge($"{bytes:F2} bytes an event beside the log's pages", $"<= {PassMark:F0}", bytes <= PassMark);
    }

    private static double Bytes(List<Figures> rounds) => Figures.Median(rounds, f => (double)f.AllocatedBytes / f.Events);
}
