using ReadStateStream.Harness;
using Spectre.Console;

namespace ReadStateStream.Drivers.Vectors;

/// <summary>
/// Plays a file of vectors. Those of one policy share a product; they are played side by side up to their
/// next snapshot, then the processor is stopped and started once for all that wait for it.
/// </summary>
internal sealed class VectorRun(ProductOptions options, TimeProvider time)
{
    private const int VectorsAtOnce = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private enum Verdict { Pass, Fail, Declined }

    private sealed record Result(string Id, Verdict Verdict, IReadOnlyList<string> Reasons);

    /// <summary>Plays the file and prints a line a vector and the totals.</summary>
    /// <returns>The exit code: 0 where none failed.</returns>
    public async Task<int> PlayAsync(FileInfo file, int groupsAtOnce, IAnsiConsole progress, TextWriter output, CancellationToken cancellation)
    {
        var lines = await File.ReadAllLinesAsync(file.FullName, cancellation).ConfigureAwait(false);
        var results = new Result?[lines.Length];
        var groups = Read(lines, results);
        await progress.Progress().AutoClear(true).HideCompleted(false).StartAsync(async context =>
        {
            var bar = context.AddTask(Markup.Escape(file.Name), maxValue: groups.Sum(group => group.Count()));
            var limits = new ParallelOptions { MaxDegreeOfParallelism = groupsAtOnce, CancellationToken = cancellation };
            await Parallel.ForEachAsync(groups, limits, async (group, stop) =>
                await PlayGroupAsync([.. group], results, bar, stop).ConfigureAwait(false)).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return Print(results, output);
    }

    // What can be said without playing is said here; the rest by policy, the largest groups first.
    private static List<IGrouping<string, (int Line, Vector Vector)>> Read(string[] lines, Result?[] results)
    {
        var toPlay = new List<(int Line, Vector Vector)>();
        for (var i = 0; i < lines.Length; i++)
        {
            if (string.IsNullOrWhiteSpace(lines[i])) continue;
            try
            {
                var vector = VectorParser.Parse(lines[i], i);
                if (vector.Policy.Declined is { } reason) results[i] = new(vector.Id, Verdict.Declined, [reason]);
                else toPlay.Add((i, vector));
            }
            catch (VectorFormatException e)
            {
                results[i] = new(e.Id, Verdict.Fail, [$"line {i + 1}: {e.Message}"]);
            }
        }
        return [.. toPlay.GroupBy(v => v.Vector.Policy.Key).OrderByDescending(group => group.Count())];
    }

    private async Task PlayGroupAsync(
        List<(int Line, Vector Vector)> group, Result?[] results, ProgressTask bar, CancellationToken cancellation)
    {
        var settings = new Dictionary<string, string>(options.ProcessorSettings);
        foreach (var (key, value) in group[0].Vector.Policy.Settings()) settings[key] = value;
        try
        {
            var product = await ProductProcess.StartAsync(new ProductOptions
            {
                Root = options.Root,
                Configuration = options.Configuration,
                KafkaBootstrap = options.KafkaBootstrap,
                ProcessorSettings = settings,
                QueryApiSettings = options.QueryApiSettings,
            }).ConfigureAwait(false);
            await using var _ = product.ConfigureAwait(false);
            using var client = new ProductClient(product.Ingest, product.Api, time, Patience);
            var players = group.ToDictionary(v => v.Line, v => new VectorPlayer(v.Vector, client, time));
            try
            {
                await PlayRoundsAsync([.. players.Values], product, bar, cancellation).ConfigureAwait(false);
            }
            catch (ProductAwayException e)
            {
                throw new ProductFailedException($"{e.Message}\n{product.Log}", e);
            }
            foreach (var (line, player) in players)
                results[line] = new(player.Vector.Id, player.Differences.Count == 0 ? Verdict.Pass : Verdict.Fail, player.Differences);
            await product.StopAsync().ConfigureAwait(false);
        }
        catch (ProductFailedException e)
        {
            // No vector of this policy can be trusted then.
            foreach (var (line, vector) in group) results[line] = new(vector.Id, Verdict.Fail, [e.Message]);
        }
    }

    private static async Task PlayRoundsAsync(
        List<VectorPlayer> active, ProductProcess product, ProgressTask bar, CancellationToken cancellation)
    {
        var limits = new ParallelOptions { MaxDegreeOfParallelism = VectorsAtOnce, CancellationToken = cancellation };
        while (true)
        {
            await Parallel.ForEachAsync(active, limits, async (player, stop) =>
                await player.AdvanceAsync(stop).ConfigureAwait(false)).ConfigureAwait(false);
            bar.Increment(active.Count(player => !player.AwaitsRestart));
            active = [.. active.Where(player => player.AwaitsRestart)];
            if (active.Count == 0) return;
            await product.RestartProcessorAsync().ConfigureAwait(false);
        }
    }

    private static int Print(Result?[] results, TextWriter output)
    {
        const int ReasonsShown = 3;
        foreach (var result in results)
        {
            if (result is null) continue;
            output.WriteLine(result.Verdict == Verdict.Declined
                ? $"DECLINED {result.Id} {string.Join(", ", result.Reasons)}"
                : $"{(result.Verdict == Verdict.Pass ? "PASS" : "FAIL")} {result.Id}");
            if (result.Verdict != Verdict.Fail) continue;
            foreach (var reason in result.Reasons.Take(ReasonsShown)) output.WriteLine($"  {reason}");
            if (result.Reasons.Count > ReasonsShown) output.WriteLine($"  and {result.Reasons.Count - ReasonsShown} more");
        }
        var counts = results.OfType<Result>().CountBy(result => result.Verdict).ToDictionary();
        var failed = counts.GetValueOrDefault(Verdict.Fail);
        output.WriteLine(
            $"{counts.GetValueOrDefault(Verdict.Pass)} passed, {failed} failed, {counts.GetValueOrDefault(Verdict.Declined)} declined");
        return failed == 0 ? 0 : 1;
    }
}
