using ReadStateStream.Crash.PowerCuts;
using ReadStateStream.Harness;
using Spectre.Console;

namespace ReadStateStream.Crash;

/// <summary>What a crash run does.</summary>
/// <param name="Rounds">Kills at each named step.</param>
/// <param name="Random">Kills at random moments.</param>
/// <param name="Images">Images of power cuts.</param>
/// <param name="Disks">Full disks and snapshot folders that are away.</param>
/// <param name="Short">One product for many steps.</param>
/// <param name="Seed">Of everything.</param>
/// <param name="Steps">Only steps whose names contain this; null: all.</param>
internal sealed record CrashOptions(int Rounds, int Random, int Images, bool Disks, bool Short, int Seed, string? Steps);

/// <summary>Breaks the product in every way that is listed, and prints one table.</summary>
internal sealed class CrashRun(CrashOptions options, string? root, TimeProvider time, IAnsiConsole progress, TextWriter output)
{
    private const int SideBySide = 4;

    private readonly List<CrashRow> rows = [];

    /// <summary>0 where every row is right. A run that is stopped prints the rows it has finished, and is not right.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var said = TextWriter.Synchronized(output);
        try
        {
            await progress.Progress().AutoClear(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new RemainingTimeColumn())
                // The kinds share nothing but the machine; the power cuts use no other process.
                .StartAsync(bars => Task.WhenAll(CutPowerAsync(bars, said, cancellation), BreakAsync(bars, said, cancellation))).ConfigureAwait(false);
        }
        catch (ProductFailedException failed)
        {
            await said.WriteLineAsync(failed.Message).ConfigureAwait(false);
            Add(new CrashRow("the run itself") { Failures = 1 });
        }
        catch (OperationCanceledException)
        {
            Add(new CrashRow("stopped before its end") { Failures = 1 });
        }
        return await PrintAsync().ConfigureAwait(false) ? 0 : 1;
    }

    private void Add(CrashRow row)
    {
        lock (rows) rows.Add(row);
    }

    private async Task<bool> PrintAsync()
    {
        CrashRow[] finished;
        lock (rows) finished = [.. rows.OrderBy(row => FaultSteps.All.ToList().IndexOf(row.Name))];
        var sum = new CrashRow("all");
        foreach (var row in finished) sum.Add(row);
        await output.WriteLineAsync(CrashRow.Head).ConfigureAwait(false);
        foreach (var row in finished) await output.WriteLineAsync(row.ToString()).ConfigureAwait(false);
        await output.WriteLineAsync(sum.ToString()).ConfigureAwait(false);
        await output.WriteLineAsync(
            $"{sum.Kills} kills and images: {sum.Lost} lost, {sum.Twice} counted twice, {sum.Other} otherwise wrong, {sum.Silent} silent, {sum.Failures} failed"
            + (finished.Count(row => row.Skipped is not null) is > 0 and var skipped ? $", {skipped} skipped" : "")).ConfigureAwait(false);
        return sum.IsRight;
    }

    private async Task CutPowerAsync(ProgressContext bars, TextWriter said, CancellationToken cancellation)
    {
        if (options.Images == 0) return;
        var bar = bars.AddTask("power cuts", maxValue: options.Images);
        var cuts = new PowerCutRun(options.Seed, said);
        await Task.Run(() => cuts.Run(options.Images, () => bar.Increment(1), cancellation), CancellationToken.None).ConfigureAwait(false);
        Add(cuts.Row);
        await said.WriteLineAsync(cuts.Figures).ConfigureAwait(false);
    }

    private async Task BreakAsync(ProgressContext bars, TextWriter said, CancellationToken cancellation)
    {
        if (options.Rounds > 0)
        {
            var steps = FaultSteps.All.Where(step => options.Steps is null || step.Contains(options.Steps, StringComparison.Ordinal)).ToList();
            var bar = bars.AddTask("named steps", maxValue: steps.Count * options.Rounds);
            // Some products side by side, each with its share of the steps: most of the time they wait for their intervals.
            var shares = steps.Select((step, at) => (step, at)).GroupBy(both => both.at % SideBySide, both => both.step).Select(share => share.ToList());
            var kills = new StepKills(root, options.Seed, time, said);
            await Task.WhenAll(shares.Select(share =>
                kills.RunAsync(share, options.Rounds, options.Short, Add, () => bar.Increment(1), cancellation))).ConfigureAwait(false);
        }
        if (options.Random > 0)
        {
            var bar = bars.AddTask("random kills", maxValue: options.Random);
            await new RandomKills(root, options.Seed, time, said)
                .RunAsync(options.Random, options.Short, SideBySide, Add, () => bar.Increment(1), cancellation).ConfigureAwait(false);
        }
        if (!options.Disks) return;
        using var disks = new DiskTroubles(root, options.Seed, time, said);
        await disks.RunAsync(Add, cancellation).ConfigureAwait(false);
    }
}
