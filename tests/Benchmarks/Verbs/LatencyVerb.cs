using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>
/// How long an event waits at a fixed rate, beside the same rules over objects; the idle control is the same
/// driver applying nothing: what remains is the machine's own.
/// </summary>
internal static class LatencyVerb
{
    private const double PassMark = 1.0 / 20;

    /// <summary>Share of a round that the idle control may be overdue; beyond it the machine is too busy to tell.</summary>
    public const double IdleShareMax = 0.01;

    public static void Run(Bench bench)
    {
        var settings = bench.Settings;
        bench.Say($"");
        bench.Say($"latency: {settings.Rate:N0} events/s for {settings.Seconds} s, {settings.States:N0} states, from when an event was due; median of {settings.Rounds}");
        var rounds = bench.Interleave(Child.Latency, SubjectFactory.Idle, SubjectFactory.Store, SubjectFactory.Heap);
        bench.Say($"  {"subject",-8} {"p50 us",9} {"p99 us",9} {"p99.9 us",10} {"p99.99 us",10} {"max us",10} {"above 1 ms",11} {"GC pauses",10}");
        foreach (var (subject, figures) in rounds)
            bench.Say($"  {subject,-8} {Median(figures, f => f.P50Us),9:F1} {Median(figures, f => f.P99Us),9:F1} {Median(figures, f => f.P999Us),10:F1} {Median(figures, f => f.P9999Us),10:F1} {Median(figures, f => f.MaxUs),10:F1} {Median(figures, f => f.AboveMs),8:F2} ms {Median(figures, f => f.PauseMs),7:F2} ms");
        var idle = Median(rounds[SubjectFactory.Idle], f => f.AboveMs);
        var store = Median(rounds[SubjectFactory.Store], f => f.AboveMs);
        var heap = Median(rounds[SubjectFactory.Heap], f => f.AboveMs);
        var own = Math.Max(store - idle, 0);
        var baseline = Math.Max(heap - idle, 0);
        bench.Say($"  less the idle control: store {own:F2} ms, heap {baseline:F2} ms");
        if (idle > settings.Seconds * 1e3 * IdleShareMax)
        {
            bench.Undecided($"the idle control alone was overdue for {idle:F0} ms of {settings.Seconds} s: the machine is too busy to tell");
            return;
        }
        bench.Judge($"store {own:F2} ms above 1 ms, heap {baseline:F2} ms", $"<= 1/20 of the heap's", baseline > 0 && own <= baseline * PassMark);
    }

    private static double Median(List<Figures> rounds, Func<Figures, double> figure) => Figures.Median(rounds, figure);
}
