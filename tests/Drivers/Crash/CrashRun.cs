using ReadStateStream.Drivers.Crash.PowerCuts;
using ReadStateStream.Harness;
using Spectre.Console;

namespace ReadStateStream.Drivers.Crash;

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
    /// <summary>0 where every row is right.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        var rows = new List<CrashRow>();
        var synchronized = TextWriter.Synchronized(output);
        try
        {
            await progress.Progress().AutoClear(true)
                .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new RemainingTimeColumn())
                .StartAsync(bars => RunAsync(bars, rows, synchronized, cancellation)).ConfigureAwait(false);
        }
        catch (ProductFailedException failed)
        {
            await output.WriteLineAsync(failed.Message).ConfigureAwait(false);
            rows.Add(new CrashRow("the run itself") { Failures = 1 });
        }
        var sum = new CrashRow("all");
        foreach (var row in rows) sum.Add(row);
        await output.WriteLineAsync(CrashRow.Head).ConfigureAwait(false);
        foreach (var row in rows) await output.WriteLineAsync(row.ToString()).ConfigureAwait(false);
        await output.WriteLineAsync(sum.ToString()).ConfigureAwait(false);
        await output.WriteLineAsync(
            $"{sum.Kills} kills and images: {sum.Lost} lost, {sum.Twice} counted twice, {sum.Other} otherwise wrong, {sum.Silent} silent, {sum.Failures} failed"
            + (rows.Count(row => row.Skipped is not null) is > 0 and var skipped ? $", {skipped} skipped" : "")).ConfigureAwait(false);
        return sum.IsRight ? 0 : 1;
    }

    private async Task RunAsync(ProgressContext bars, List<CrashRow> rows, TextWriter said, CancellationToken cancellation)
    {
        if (options.Images > 0)
        {
            var bar = bars.AddTask("power cuts", maxValue: options.Images);
            var cuts = new PowerCutRun(options.Seed, said);
            await Task.Run(() => cuts.Run(options.Images, () => bar.Increment(1)), cancellation).ConfigureAwait(false);
            rows.Add(cuts.Row);
            await said.WriteLineAsync(cuts.Figures).ConfigureAwait(false);
        }
        if (options.Rounds > 0)
        {
            var steps = FaultSteps.All.Where(step => options.Steps is null || step.Contains(options.Steps, StringComparison.Ordinal)).ToList();
            var bar = bars.AddTask("named steps", maxValue: steps.Count * options.Rounds);
            // Two products side by side, each with a half of the steps.
            var halves = steps.Select((step, at) => (step, at)).GroupBy(both => both.at % 2, both => both.step).Select(half => half.ToList());
            var kills = new StepKills(root, options.Seed, time, said);
            foreach (var half in await Task.WhenAll(halves.Select(half =>
                kills.RunAsync(half, options.Rounds, options.Short, () => bar.Increment(1), cancellation))).ConfigureAwait(false))
                rows.AddRange(half);
        }
        if (options.Random > 0)
        {
            var bar = bars.AddTask("random kills", maxValue: options.Random);
            rows.AddRange(await new RandomKills(root, options.Seed, time, said).RunAsync(options.Random, () => bar.Increment(1), cancellation).ConfigureAwait(false));
        }
        if (options.Disks)
        {
            var bar = bars.AddTask("disks", maxValue: 6);
            rows.AddRange(await new DiskTroubles(root, options.Seed, time, said).RunAsync(() => bar.Increment(1), cancellation).ConfigureAwait(false));
        }
    }
}
