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

    public static void Run(Bench bench)
    {
        var settings = bench.Settings;
        bench.Say($"");
        bench.Say($"checkpoint: ingest with checkpoints and ships beside it, {settings.States:N0} states, {settings.Seconds} s a round, median of {settings.Rounds}");
        var rounds = bench.Interleave(Child.Sustained, SubjectFactory.Unsaved, SubjectFactory.Saved, SubjectFactory.Saving);
        bench.Say($"  {"subject",-8} {"events/s",10} {"ns CPU/event",13} {"the writer's",13} {"pauses ms",10} {"checkpoints",12} {"ships",6} {"given up",9} {"log growth/event",17} {"pages compacted",16}");
        foreach (var (subject, f) in rounds)
            bench.Say($"  {subject,-8} {Median(f, r => r.Events / r.Seconds),10:N0} {Median(f, r => r.CpuSeconds * 1e9 / r.Events),13:F0} {Median(f, r => r.WriterCpuSeconds * 1e9 / r.Events),13:F0} {Median(f, r => r.PauseMs),10:F1} {Sum(f, r => r.Checkpoints),12} {Sum(f, r => r.Ships),6} {Sum(f, r => r.GivenUp),9} {Mean(f, r => r.LogGrowthBytes),17:F1} {Sum(f, r => r.PagesCompacted),16:N0}");
        foreach (var subject in (string[])[SubjectFactory.Saved, SubjectFactory.Saving]) Describe(bench, subject, rounds[subject]);
        Judge(bench, "default interval", rounds[SubjectFactory.Saved], rounds[SubjectFactory.Unsaved]);
        Judge(bench, "one always under way", rounds[SubjectFactory.Saving], rounds[SubjectFactory.Unsaved]);
        bench.End(SubjectFactory.Unsaved, SubjectFactory.Saved, SubjectFactory.Saving);
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

    private static void Judge(Bench bench, string what, List<Figures> with, List<Figures> without)
    {
        var ratios = with.Zip(without, (a, b) => a.Events / a.Seconds / (b.Events / b.Seconds)).Order().ToArray();
        var ratio = ratios[ratios.Length / 2];
        if (Sum(with, r => r.Checkpoints) == 0 || Sum(with, r => r.Ships) == 0)
        {
            bench.Undecided($"{what}: no checkpoint was shipped in {with.Sum(r => r.Seconds):F0} s; make the rounds longer");
            return;
        }
        bench.Judge($"{what}: ratio {ratio:F2} (rounds {ratios[0]:F2} .. {ratios[^1]:F2})", $">= {PassMark:F1}", ratio >= PassMark);
    }

    private static double Median(List<Figures> rounds, Func<Figures, double> figure) => Figures.Median(rounds, figure);

    private static long Sum(List<Figures> rounds, Func<Figures, long> figure) => rounds.Sum(figure);

    private static double Mean(List<Figures> rounds, Func<Figures, long> figure) => (double)rounds.Sum(figure) / rounds.Sum(r => r.Events);
}
