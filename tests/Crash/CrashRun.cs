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
        // The kinds share nothing but the machine; the power cuts use no other process.
        var cuts = CutPowerAsync(bars, said, cancellation);
        var kills = KillAsync(bars, said, cancellation);
        rows.AddRange(await cuts.ConfigureAwait(false));
        rows.AddRange(await kills.ConfigureAwait(false));
    }

    private async Task<List<CrashRow>> CutPowerAsync(ProgressContext bars, TextWriter said, CancellationToken cancellation)
    {
        var rows = new List<CrashRow>();
        if (options.Images > 0)
        {
            var bar = bars.AddTask("power cuts", maxValue: options.Images);
            var cuts = new PowerCutRun(options.Seed, said);
            await Task.Run(() => cuts.Run(options.Images, () => bar.Increment(1)), cancellation).ConfigureAwait(false);
            rows.Add(cuts.Row);
            await said.WriteLineAsync(cuts.Figures).ConfigureAwait(false);
        }
        return rows;
    }

    private async Task<List<CrashRow>> KillAsync(ProgressContext bars, TextWriter said, CancellationToken cancellation)
    {
        var rows = new List<CrashRow>();
        if (options.Rounds > 0)
        {
            var steps = FaultSteps.All.Where(step => options.Steps is null || step.Contains(options.Steps, StringComparison.Ordinal)).ToList();
            var bar = bars.AddTask("named steps", maxValue: steps.Count * options.Rounds);
            // Some products side by side, each with its share of the steps: most of the time they wait for their intervals.
            var shares = steps.Select((step, at) => (step, at)).GroupBy(both => both.at % SideBySide, both => both.step).Select(share => share.ToList());
            var kills = new StepKills(root, options.Seed, time, said);
            foreach (var share in await Task.WhenAll(shares.Select(share =>
                kills.RunAsync(share, options.Rounds, options.Short, () => bar.Increment(1), cancellation))).ConfigureAwait(false))
                rows.AddRange(share);
            rows.Sort((a, b) => steps.IndexOf(a.Name).CompareTo(steps.IndexOf(b.Name)));
        }
        if (options.Random > 0)
        {
            var bar = bars.AddTask("random kills", maxValue: options.Random);
            rows.AddRange(await new RandomKills(root, options.Seed, time, said).RunAsync(options.Random, options.Short, () => bar.Increment(1), cancellation).ConfigureAwait(false));
        }
        if (options.Disks)
        {
            var bar = bars.AddTask("disks", maxValue: 6);
            using var disks = new DiskTroubles(root, options.Seed, time, said);
            rows.AddRange(await disks.RunAsync(() => bar.Increment(1), cancellation).ConfigureAwait(false));
        }
        return rows;
    }
}
