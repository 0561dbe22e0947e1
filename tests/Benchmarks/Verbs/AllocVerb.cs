using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>Managed bytes that an event costs in steady state, and a full collection over the loaded states.</summary>
internal static class AllocVerb
{
    private const double PassMark = 32;

    public static void Run(Bench bench)
    {
        bench.Say($"");
        bench.Say($"alloc: managed bytes an event, and a forced collection of all generations, median of {bench.Settings.Rounds}");
        string[] subjects = [SubjectFactory.Store, SubjectFactory.Heap];
        var rounds = bench.Interleave(Child.Throughput, subjects);
        var collections = bench.Interleave(Child.Collect, subjects);
        bench.Say($"  {"subject",-8} {"bytes an event",15} {"collection ms",14}");
        foreach (var subject in subjects)
            bench.Say($"  {subject,-8} {Bytes(rounds[subject]),15:F2} {Figures.Median(collections[subject], f => f.CollectMs),14:F1}");
        var bytes = Bytes(rounds[SubjectFactory.Store]);
        bench.Judge($"{bytes:F2} bytes an event", $"<= {PassMark:F0}", bytes <= PassMark);
    }

    private static double Bytes(List<Figures> rounds) => Figures.Median(rounds, f => (double)f.AllocatedBytes / f.Events);
}
