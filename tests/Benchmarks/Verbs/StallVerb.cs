using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>
/// How long an event waits at a fixed rate while a checkpoint is taken every 30 s and shipped, beside the same store
/// without, and the driver alone. One long round of each: it contains several checkpoints.
/// </summary>
internal static class StallVerb
{
    private const double ShareMark = 0.002;
    private const int DefaultSeconds = 100;

    public static void Run(Bench bench)
    {
        var settings = bench.Settings with { Seconds = bench.Settings.SecondsGiven ?? DefaultSeconds, Rounds = 1 };
        bench.With(settings, Measure);
    }

    private static void Measure(Bench bench)
    {
        var settings = bench.Settings;
        bench.Say($"");
        bench.Say($"stall: {settings.Rate:N0} events/s for {settings.Seconds} s, {settings.States:N0} states, a checkpoint every 30 s, from when an event was due");
        string[] subjects = [SubjectFactory.Idle, SubjectFactory.Unsaved, SubjectFactory.Saved];
        var figures = subjects.ToDictionary(subject => subject, subject => bench.Once(Child.Latency, subject));
        bench.Say($"  {"subject",-8} {"p50 us",9} {"p99 us",9} {"p99.9 us",10} {"p99.99 us",10} {"longest ms",11} {"above 1 ms",12} {"GC pauses",10} {"checkpoints",12} {"ships",6}");
        foreach (var (subject, f) in figures)
            bench.Say($"  {subject,-8} {f.P50Us,9:F1} {f.P99Us,9:F1} {f.P999Us,10:F1} {f.P9999Us,10:F1} {f.MaxUs / 1e3,11:F2} {f.AboveMs,9:F1} ms {f.PauseMs,7:F1} ms {f.Checkpoints,12} {f.Ships,6}");
        var saved = figures[SubjectFactory.Saved];
        CheckpointVerb.Describe(bench, SubjectFactory.Saved, [saved with { Seconds = settings.Seconds }]);
        var elapsedMs = settings.Seconds * 1e3;
        var idle = figures[SubjectFactory.Idle].AboveMs;
        var without = Math.Max(figures[SubjectFactory.Unsaved].AboveMs - idle, 0) / elapsedMs;
        var with = Math.Max(saved.AboveMs - idle, 0) / elapsedMs;
        bench.Say($"  less the idle control ({idle:F1} ms): without checkpoints {without:F5}");
        if (saved.Checkpoints == 0 || saved.Ships == 0)
            bench.Undecided($"no checkpoint was taken and shipped in {settings.Seconds} s");
        else if (idle > elapsedMs * LatencyVerb.IdleShareMax)
            bench.Undecided($"the idle control alone was overdue for {idle:F0} ms of {settings.Seconds} s: the machine is too busy to tell");
        else
            bench.Judge($"share of the time above 1 ms {with:F5} with {saved.Checkpoints} checkpoints, longest stall {saved.MaxUs / 1e3:F2} ms", $"<= {ShareMark}", with <= ShareMark);
    }
}
