using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>What decoding, rules and record layout cost beside FASTER alone, on the same keys.</summary>
internal static class RmwVerb
{
    private const double PassMark = 0.6;

    public static void Run(Bench bench)
    {
        bench.Say($"");
        bench.Say($"rmw: decode + fold + store beside bare FASTER, one thread, {bench.Settings.Events:N0} events a round, median of {bench.Settings.Rounds}");
        var rounds = bench.Interleave(Child.Throughput, SubjectFactory.Bare, SubjectFactory.Store, SubjectFactory.Heap, SubjectFactory.Decode);
        bench.Say($"  {"subject",-8} {"events/s",12} {"RMW/s",12} {"RMW an event",13} {"pauses ms",10} {"ns CPU/event",13}");
        foreach (var (subject, figures) in rounds)
            bench.Say($"  {subject,-8} {Rate(figures, f => f.Events),12:N0} {Rate(figures, f => f.Keys),12:N0} {Figures.Median(figures, f => (double)f.Keys / f.Events),13:F2} {Figures.Median(figures, f => f.PauseMs),10:F2} {Figures.Median(figures, f => f.CpuSeconds * 1e9 / f.Events),13:F0}");
        var bare = rounds[SubjectFactory.Bare];
        var store = rounds[SubjectFactory.Store];
        // By processor time: one thread works, and what others take from it is not its cost.
        var (ratio, least, most) = Figures.Ratio(store, bare, f => f.Keys / f.CpuSeconds);
        var (wall, wallLeast, wallMost) = Figures.Ratio(store, bare, f => f.Keys / f.Seconds);
        bench.Say($"  RMWs an event are the aggregates it updates; with spills of channels the store executed {Figures.Median(store, f => (double)f.Updates / f.Events):F2}");
        bench.Say($"  by the clock on the wall: ratio {wall:F2} (rounds {wallLeast:F2} .. {wallMost:F2})");
        bench.Judge($"ratio {ratio:F2} by processor time (rounds {least:F2} .. {most:F2})", $">= {PassMark:F1}", ratio >= PassMark);
    }

    private static double Rate(List<Figures> rounds, Func<Figures, long> count) => Figures.Median(rounds, f => count(f) / f.Seconds);
}
