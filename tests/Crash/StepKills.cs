namespace ReadStateStream.Crash;

/// <summary>kill -9 at named steps, under load; after each a restart on what was left behind.</summary>
internal sealed class StepKills(string? root, int seed, TimeProvider time, TextWriter output)
{
    private const int TimesMax = 4;
    private const int EventsBetween = 150;

    /// <summary>A guard against a step that is never reached, not a measure: a loaded machine takes a minute to compact so much.</summary>
    private static readonly TimeSpan StepPatience = TimeSpan.FromMinutes(5);

    /// <summary>One row a step; a product of its own for each, or (in the short form) one for all of them.</summary>
    public async Task RunAsync(
        IReadOnlyList<string> steps, int kills, bool onOneProduct, Action<CrashRow> onRow, Action onKill, CancellationToken cancellation)
    {
        if (onOneProduct)
        {
            var row = new CrashRow($"{steps.Count} steps: {steps[0]} … {steps[^1]}");
            await RunAsync(row, [.. steps.SelectMany(step => Enumerable.Repeat(step, kills))], onKill, cancellation).ConfigureAwait(false);
            onRow(row);
            return;
        }
        foreach (var step in steps)
        {
            var row = new CrashRow(step);
            await RunAsync(row, [.. Enumerable.Repeat(step, kills)], onKill, cancellation).ConfigureAwait(false);
            onRow(row);
        }
    }

    private async Task RunAsync(CrashRow row, string[] kills, Action onKill, CancellationToken cancellation)
    {
        var random = new Random(seed + row.Name.Length);
        var product = await CrashProduct.StartAsync(root, row, random.Next(1, 1_000_000), time).ConfigureAwait(false);
        await using var _ = product.ConfigureAwait(false);
        product.Load.Start();
        await product.UntilShippedAsync(new long[CrashProduct.PartitionCount], cancellation).ConfigureAwait(false);
        await product.KillAsync().ConfigureAwait(false);
        row.Kills = 0; // not yet one of those that are counted
        foreach (var step in kills)
        {
            await KillAtAsync(product, step, random, cancellation).ConfigureAwait(false);
            onKill();
        }
        await product.RestartAsync().ConfigureAwait(false);
        await product.Load.PublishMoreAsync(EventsBetween, cancellation).ConfigureAwait(false);
        var verdict = await product.CompareAsync(cancellation).ConfigureAwait(false);
        if (!verdict.IsRight) await output.WriteLineAsync($"{row.Name}: {verdict.First}").ConfigureAwait(false);
        if (!row.IsRight) await output.WriteLineAsync($"{row.Name}: the last loud lines:\n{product.Watch.Loud}").ConfigureAwait(false);
    }

    private async Task KillAtAsync(CrashProduct product, string step, Random random, CancellationToken cancellation)
    {
        if (FaultSteps.OfCheckpointRecovery.Contains(step)) await LeaveUnshippedCheckpointAsync(product).ConfigureAwait(false);
        Prepare(product, step, random);
        var started = await product.RestartAsync(step, TimesOf(step, random)).ConfigureAwait(false);
        if (started && !await product.Product.WaitForProcessorEndAsync(StepPatience).ConfigureAwait(false))
        {
            product.Row.Failures++;
            await output.WriteLineAsync($"{step} was not reached within {StepPatience.TotalSeconds:0} s\n{product.Watch.Loud}").ConfigureAwait(false);
            await product.KillAsync().ConfigureAwait(false);
            return;
        }
        product.Row.Kills++;
        if (FaultSteps.UnderLoad.Contains(step)) return;
        // Recoveries alone make no checkpoint, and what they recover from is to move on.
        var shipped = await product.Files.ShippedAsync().ConfigureAwait(false);
        await product.RestartAsync().ConfigureAwait(false);
        await product.Load.PublishMoreAsync(EventsBetween, cancellation).ConfigureAwait(false);
        await product.UntilShippedAsync(shipped, cancellation).ConfigureAwait(false);
        await product.KillAsync().ConfigureAwait(false);
        product.Row.Kills--;
    }

    /// <summary>
    /// A recovery goes back to an older checkpoint only where the rows that were shipped are not newer than that: killed as
    /// soon as the newest has its manifest, a partition has not shipped it.
    /// </summary>
    private static async Task LeaveUnshippedCheckpointAsync(CrashProduct product)
    {
        var started = await product.RestartAsync("checkpoint-after-manifest", times: 2).ConfigureAwait(false);
        if (!started || await product.Product.WaitForProcessorEndAsync(StepPatience).ConfigureAwait(false)) return;
        await product.KillAsync().ConfigureAwait(false);
        product.Row.Kills--;
    }

    /// <summary>A recovery takes the way on which the step lies: from an older checkpoint, or from the snapshot store.</summary>
    private static void Prepare(CrashProduct product, string step, Random random)
    {
        for (var partition = 0; partition < CrashProduct.PartitionCount; partition++)
        {
            if (FaultSteps.OfCheckpointRecovery.Contains(step)) product.Files.CutManifests(partition, 1, random);
            else if (FaultSteps.OfSnapshotRecovery.Contains(step)) product.Files.CutManifests(partition, int.MaxValue, random);
        }
    }

    private static int TimesOf(string step, Random random) => step switch
    {
        "ship-row" => random.Next(1, 20),
        // Of the partition whose newest checkpoint is not shipped; the other one's may be.
        _ when FaultSteps.OfCheckpointRecovery.Contains(step) => 1,
        _ when FaultSteps.UnderLoad.Contains(step) => random.Next(1, TimesMax),
        _ => random.Next(1, CrashProduct.PartitionCount + 1),
    };
}
