using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>
/// Ingest as fast as it goes while checkpoints and ships go on beside it, against the same store without. By the clock
/// on the wall: what works beside the writer takes processors, memory and disk from it.
/// </summary>
internal static class CheckpointVerb
{
    private const double PassMark = 0.9;

    /// <summary>With the default five rounds more than two intervals, after the warm-up: each part of one has its share.</summary>
    private const int DefaultSeconds = 15;

    public static void Run(Bench bench) =>
        bench.With(bench.Settings with { Seconds = bench.Settings.SecondsGiven ?? DefaultSeconds }, Measure);

    private static void Measure(Bench bench)
    {
        var settings = bench.Settings;
        bench.Say($"");
        bench.Say($"checkpoint: ingest with checkpoints and ships beside it, {settings.States:N0} states, {settings.Rounds} rounds of {settings.Seconds} s in turn");
        Pair(bench, SubjectFactory.Saved, "default interval");
        Pair(bench, SubjectFactory.Saving, "a checkpoint each second");
    }

    /// <summary>The two subjects alone: both keep their states in memory, which three would not find here.</summary>
    private static void Pair(Bench bench, string with, string what)
    {
        var rounds = bench.Interleave(Child.Sustained, SubjectFactory.Unsaved, with);
        bench.Say($"  {"subject",-8} {"events/s",10} {"ns CPU/event",13} {"the writer's",13} {"pauses ms",10} {"checkpoints",12} {"ships",6} {"given up",9} {"log growth/event",17} {"pages compacted",16}");
        foreach (var (subject, f) in rounds)
            bench.Say($"  {subject,-8} {Median(f, r => r.Events / r.Seconds),10:N0} {Median(f, r => r.CpuSeconds * 1e9 / r.Events),13:F0} {Median(f, r => r.WriterCpuSeconds * 1e9 / r.Events),13:F0} {Median(f, r => r.PauseMs),10:F1} {Sum(f, r => r.Checkpoints),12} {Sum(f, r => r.Ships),6} {Sum(f, r => r.GivenUp),9} {Mean(f, r => r.LogGrowthBytes),17:F1} {Sum(f, r => r.PagesCompacted),16:N0}");
        Describe(bench, with, rounds[with]);
        Tell(bench, what, rounds[with], rounds[SubjectFactory.Unsaved], judged: with == SubjectFactory.Saved);
        bench.End(SubjectFactory.Unsaved, with);
    }

    /// <summary>What went to the disk, and where the time of checkpoints and ships went.</summary>
    public static void Describe(Bench bench, string subject, List<Figures> f)
    {
        var seconds = f.Sum(r => r.Seconds);
        var checkpoints = Math.Max(1, Sum(f, r => r.Checkpoints));
        var ships = Math.Max(1, Sum(f, r => r.Ships));
        bench.Say($"  {subject}: {Mean(f, r => r.RecordBytesWritten):F1} bytes written to the record log and {Mean(f, r => r.RowBytes):F1} bytes of rows an event; {Sum(f, r => r.Rows) / seconds:N0} rows/s shipped");
        bench.Say($"  {subject}: ms a checkpoint: flush {f.Sum(r => r.FlushSeconds) * 1e3 / checkpoints:F0}, fsync {f.Sum(r => r.SyncSeconds) * 1e3 / checkpoints:F0}, read back and sums {f.Sum(r => r.VerifySeconds) * 1e3 / checkpoints:F0}, manifest {f.Sum(r => r.ManifestSeconds) * 1e3 / checkpoints:F0}; a ship: scan and rows at their pace {f.Sum(r => r.ShipRowsSeconds) * 1e3 / ships:F0}, run and catalog {f.Sum(r => r.ShipCompleteSeconds) * 1e3 / ships:F0}");
    }

    /// <summary>Judged is the interval that the product has: its ships are spread over it, so that one is nearly always under way.</summary>
    private static void Tell(Bench bench, string what, List<Figures> with, List<Figures> without, bool judged)
    {
        // Of all rounds together: one of them meets a flush, another a ship or nothing at all.
        var ratios = with.Zip(without, (a, b) => a.Events / a.Seconds / (b.Events / b.Seconds)).Order().ToArray();
        var ratio = Rate(with) / Rate(without);
        if (Sum(with, r => r.Checkpoints) == 0 || Sum(with, r => r.Ships) == 0)
        {
            bench.Undecided($"{what}: no checkpoint was shipped in {with.Sum(r => r.Seconds):F0} s; make the rounds longer");
            return;
        }
        FormattableString figure = $"{what}: ratio {ratio:F2} (rounds {ratios[0]:F2} .. {ratios[^1]:F2})";
        if (judged) bench.Judge(figure, $">= {PassMark:F1}", ratio >= PassMark);
        else bench.Say($"  {FormattableString.Invariant(figure)}");
    }

    private static double Rate(List<Figures> rounds) => rounds.Sum(r => r.Events) / rounds.Sum(r => r.Seconds);

    private static double Median(List<Figures> rounds, Func<Figures, double> figure) => Figures.Median(rounds, figure);

    private static long Sum(List<Figures> rounds, Func<Figures, long> figure) => rounds.Sum(figure);

    private static double Mean(List<Figures> rounds, Func<Figures, long> figure) => (double)rounds.Sum(figure) / rounds.Sum(r => r.Events);
}
