using System.Diagnostics;
using System.Globalization;
using ReadStateStream.Simulation.World;
using Spectre.Console;

namespace ReadStateStream.Simulation;

/// <summary>Runs seeds, in parallel or one by itself, and says what became of them.</summary>
internal static class SimulationRun
{
    /// <summary>Every so many seeds are run twice: the traces must be the same.</summary>
    private const int TwiceEvery = 50;

    /// <summary>A seed that runs so long hangs.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private sealed record Outcome(int Seed, string? Failure, Tally Tally, ulong Trace);

    /// <summary>One seed, with its trace where a file is named.</summary>
    public static int One(int seed, int events, string? path)
    {
        Console.WriteLine(new Scenario(seed, events));
        // Written as it happens: of a seed that hangs the last line says where.
        using var file = path is null ? null : new StreamWriter(path) { AutoFlush = true };
        var outcome = Run(seed, events, file is null ? null : file.WriteLine);
        Console.WriteLine(outcome.Failure is null ? $"seed {seed}: no difference, trace {outcome.Trace:x16}" : $"seed {seed}: {outcome.Failure}");
        Print(outcome.Tally);
        return outcome.Failure is null ? 0 : 1;
    }

    /// <summary>Seeds from one on, so many of them.</summary>
    public static int Many(int from, int seeds, int workers, int events, bool full, bool untilFailure)
    {
        var clock = Stopwatch.StartNew();
        var sum = new Tally();
        var failures = new SortedDictionary<int, string>();
        var done = 0;
        var anyFailed = false;
        void Work(Action progressed)
        {
            var next = from - 1;
            var running = new (int Seed, long Since)[workers];
            using var hangs = new System.Threading.Timer(_ => LookForHangs(running), null, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5));
            var threads = Enumerable.Range(0, workers).Select(worker => new Thread(() =>
            {
                for (int seed; !(untilFailure && anyFailed) && (seed = Interlocked.Increment(ref next)) < from + seeds;)
                {
                    running[worker] = (seed, Stopwatch.GetTimestamp());
                    var outcome = RunChecked(seed, events);
                    lock (sum)
                    {
                        sum.Add(outcome.Tally);
                        if (outcome.Failure is not null) failures[seed] = outcome.Failure;
                        anyFailed = failures.Count > 0;
                        done++;
                    }
                    progressed();
                }
                running[worker] = default;
            }) { IsBackground = true }).ToList();
            threads.ForEach(static thread => thread.Start());
            threads.ForEach(static thread => thread.Join());
        }
        if (Console.IsOutputRedirected)
        {
            var step = Math.Max(1, seeds / 20);
            Work(() =>
            {
                lock (sum)
                    if (done % step == 0) Console.WriteLine($"{done} of {seeds} seeds, {failures.Count} failed, {done / clock.Elapsed.TotalSeconds:F1} a second");
            });
        }
        else
        {
            AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
                .Start(context =>
                {
                    var bar = context.AddTask("seeds", maxValue: seeds);
                    Work(() => bar.Increment(1));
                });
        }
        Print(sum);
        foreach (var (seed, failure) in failures.Take(10))
            Console.WriteLine($"seed {seed} FAILED: {failure}\n  again: script/simulate --seed {seed} --events {events} --trace FILE");
        var low = full ? Targets.Missed(sum) : [];
        foreach (var name in low) Console.WriteLine($"too seldom: {name}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{done - failures.Count} of {done} seeds without a difference, {failures.Count} failed, {clock.Elapsed.TotalSeconds:F0} s, {done / clock.Elapsed.TotalSeconds:F1} seeds a second"));
        return failures.Count == 0 && low.Count == 0 ? 0 : 1;
    }

    private static Outcome RunChecked(int seed, int events)
    {
        var first = Run(seed, events, null);
        if (seed % TwiceEvery != 0 || first.Failure is not null) return first;
        var second = Run(seed, events, null);
        if (first.Trace == second.Trace) return first;
        var (one, other) = (new List<string>(), new List<string>());
        Run(seed, events, one.Add);
        Run(seed, events, other.Add);
        var at = 0;
        while (at < Math.Min(one.Count, other.Count) && one[at] == other[at]) at++;
        return first with { Failure = $"two runs differ from line {at + 1} on: {one.ElementAtOrDefault(at)} / {other.ElementAtOrDefault(at)}" };
    }

    private static Outcome Run(int seed, int events, Action<string>? write)
    {
        var tally = new Tally();
        var trace = new Trace(write);
        string? failure = null;
        try
        {
            using var world = new SimulatedWorld(new Scenario(seed, events), tally, trace);
            world.Run();
        }
        catch (DifferenceException found)
        {
            failure = found.Message + (found.InnerException is { } inner ? "\n" + inner : "");
        }
        catch (Exception error)
        {
            failure = "the simulation itself failed: " + error;
        }
        return new Outcome(seed, failure, tally, trace.Hash);
    }

    private static void LookForHangs((int Seed, long Since)[] running)
    {
        foreach (var (seed, since) in running)
        {
            if (seed == 0 || Stopwatch.GetElapsedTime(since) < Patience) continue;
            Console.WriteLine($"seed {seed} FAILED: it hangs");
            Environment.Exit(1);
        }
    }

    private static void Print(Tally tally)
    {
        var group = (TallyGroup)(-1);
        foreach (var ((of, name), count) in tally.Counts)
        {
            if (of != group) Console.WriteLine($"{group = of}");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {name,-50} {count,10}"));
        }
    }
}
