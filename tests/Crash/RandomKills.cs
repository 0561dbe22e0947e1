namespace ReadStateStream.Crash;

/// <summary>kill -9 at random moments under load; some with files lost, cut or flipped, while it is stopped or while it runs.</summary>
internal sealed class RandomKills(string? root, int seed, TimeProvider time, TextWriter output)
{
    private const int CompareEvery = 10;
    private static readonly TimeSpan DamagePatience = TimeSpan.FromSeconds(30);

    /// <summary>Some intervals of the product's checkpoints.</summary>
    private static readonly TimeSpan AtRest = TimeSpan.FromSeconds(3);

    private const int FlipTries = 5;
    private const int EventsATry = 2_000;

    // A processor recovers from its newest checkpoint before it has listened for half a second.
    private const int StartMsMax = 900;

    private static readonly (string Name, int Share, bool WhileRunning, Func<CrashProduct, Random, bool> Damage)[] Kinds =
    [
        ("random moment", 40, false, static (_, _) => true),
        ("random moment of the start", 20, false, static (_, _) => true),
        ("machine lost", 8, false, static (product, _) => Lose(product)),
        ("newest manifest cut", 8, false, static (product, random) => product.Files.CutManifests(Any(random), 1, random) > 0),
        ("records flipped, stopped", 6, false, static (product, random) => product.Files.FlipRecords(Any(random), random)),
        ("sums flipped, stopped", 4, false, static (product, random) => product.Files.FlipSums(Any(random), random)),
        ("catalog flipped, machine lost", 4, false, static (product, random) => product.Files.FlipCatalog(Any(random), random) && Lose(product)),
        ("run flipped, machine lost", 4, false, static (product, random) => product.Files.FlipRun(Any(random), random) && Lose(product)),
        ("live record flipped, running", 6, true,
            static (product, random) => product.Files.FlipLiveRecord(Any(random), CrashProduct.MemoryBytes, random)),
    ];

    /// <summary>So many kills, divided among the kinds: a row for each, with a product of its own; or one for all of them.</summary>
    public async Task RunAsync(
        int kills, bool onOneProduct, int sideBySide, Action<CrashRow> onRow, Action onKill, CancellationToken cancellation)
    {
        var shares = Enumerable.Range(0, Kinds.Length)
            .Select(kind => Enumerable.Repeat(kind, Math.Max(1, (kills * Kinds[kind].Share + 50) / 100)).ToArray()).ToList();
        if (onOneProduct)
        {
            var row = new CrashRow($"{Kinds.Length} kinds: {Kinds[0].Name} … {Kinds[^1].Name}");
            await RunAsync(row, [.. Enumerable.Range(0, Kinds.Length)], onKill, cancellation).ConfigureAwait(false);
            onRow(row);
            return;
        }
        var limits = new ParallelOptions { MaxDegreeOfParallelism = sideBySide, CancellationToken = cancellation };
        await Parallel.ForEachAsync(shares, limits, async (share, token) =>
        {
            var row = new CrashRow(Kinds[share[0]].Name);
            await RunAsync(row, share, onKill, token).ConfigureAwait(false);
            onRow(row);
        }).ConfigureAwait(false);
    }

    private async Task RunAsync(CrashRow row, int[] kinds, Action onKill, CancellationToken cancellation)
    {
        var random = new Random(seed + kinds[0]);
        var product = await CrashProduct.StartAsync(root, row, random.Next(1, 1_000_000), time).ConfigureAwait(false);
        await using var _ = product.ConfigureAwait(false);
        product.Load.Start();
        var shipped = new long[CrashProduct.PartitionCount];
        for (var kill = 1; kill <= kinds.Length; kill++)
        {
            var kind = kinds[kill - 1];
            await product.UntilShippedAsync(shipped, cancellation).ConfigureAwait(false);
            await product.Load.PublishMoreAsync(random.Next(1, 1_500), cancellation).ConfigureAwait(false);
            if (Kinds[kind].WhileRunning) await FlipAsync(product, kind, random, cancellation).ConfigureAwait(false);
            else await KillAsync(product, kind, random).ConfigureAwait(false);
            shipped = await product.Files.ShippedAsync().ConfigureAwait(false);
            if (kill % CompareEvery == 0 || kill == kinds.Length)
            {
                var verdict = await product.CompareAsync(cancellation).ConfigureAwait(false);
                if (!verdict.IsRight) await output.WriteLineAsync($"{row.Name}: {verdict.First}").ConfigureAwait(false);
            }
            product.Load.Start();
            onKill();
        }
        await product.Load.StopAsync().ConfigureAwait(false);
        if (!row.IsRight) await output.WriteLineAsync($"{row.Name}: the last loud lines:\n{product.Watch.Loud}").ConfigureAwait(false);
    }

    private static async Task KillAsync(CrashProduct product, int kind, Random random)
    {
        await product.KillAsync().ConfigureAwait(false);
        var lost = Kinds[kind].Name.Contains("lost", StringComparison.Ordinal);
        var before = lost ? await product.Files.ShippedAsync().ConfigureAwait(false) : await product.Files.PositionsAsync().ConfigureAwait(false);
        if (!Kinds[kind].Damage(product, random))
        {
            product.Row.Failures++;
            return;
        }
        if (Kinds[kind].Name == "random moment of the start")
            await product.RestartAndKillAsync(TimeSpan.FromMilliseconds(random.Next(1, StartMsMax))).ConfigureAwait(false);
        // What was flipped still counts as durable: a recovery below it has to say why. What was lost with its folder does not.
        await product.RestartAsync(durable: before).ConfigureAwait(false);
    }

    /// <summary>A bit on the disk, below what is in memory; then everything is asked for. It is noticed then, or at the next start.</summary>
    private async Task FlipAsync(CrashProduct product, int kind, Random random, CancellationToken cancellation)
    {
        await product.Load.StopAsync().ConfigureAwait(false);
        await UntilAtRestAsync(product, cancellation).ConfigureAwait(false);
        for (var tries = 1; !Kinds[kind].Damage(product, random); tries++)
        {
            if (tries == FlipTries)
            {
                product.Row.Failures++;
                await output.WriteLineAsync($"{product.Row.Name}: all live records are in memory").ConfigureAwait(false);
                return;
            }
            // Compaction has brought all that is live to the end of the log: the states are to be more than memory holds.
            product.Load.Start();
            await product.Load.PublishMoreAsync(EventsATry, cancellation).ConfigureAwait(false);
            await product.Load.StopAsync().ConfigureAwait(false);
            await UntilAtRestAsync(product, cancellation).ConfigureAwait(false);
        }
        var verdict = await product.CompareAsync(cancellation).ConfigureAwait(false);
        if (!verdict.IsRight) await output.WriteLineAsync($"{product.Row.Name}: {verdict.First}").ConfigureAwait(false);
        var whileRunning = product.Watch.Failures;
        product.Row.Damaged += whileRunning;
        await product.KillAsync().ConfigureAwait(false);
        var named = product.Files.NamesWhatWasFlipped();
        await product.RestartAsync().ConfigureAwait(false);
        await product.UntilAsync(() => Task.FromResult(product.Watch.Recovered == CrashProduct.PartitionCount), DamagePatience, cancellation).ConfigureAwait(false);
        if (whileRunning + product.Watch.Reports > 0) return;
        if (!named)
        {
            await output.WriteLineAsync($"{product.Row.Name}: compaction had passed the record before it was flipped").ConfigureAwait(false);
            return;
        }
        // After a start by an index image it is found beside the writer, a moment later.
        if (await product.UntilAsync(() => Task.FromResult(product.Watch.Reports + product.Watch.Failures > 0), DamagePatience, cancellation).ConfigureAwait(false))
            return;
        product.Row.Silent++;
        await output.WriteLineAsync($"{product.Row.Name}: nobody noticed").ConfigureAwait(false);
    }

    /// <summary>
    /// Everything is in a checkpoint and shipped, and compaction copies nothing any more, since each of its copies would be
    /// in another checkpoint: what lies on the disk stays where it is.
    /// </summary>
    private async Task UntilAtRestAsync(CrashProduct product, CancellationToken cancellation)
    {
        long[] before = [];
        var since = time.GetTimestamp();
        await product.UntilAsync(async () =>
        {
            long[] now = [.. product.Files.NewestManifests(), .. await product.Files.ShippedAsync().ConfigureAwait(false)];
            if (!now.SequenceEqual(before)) since = time.GetTimestamp();
            before = now;
            return time.GetElapsedTime(since) >= AtRest;
        }, DamagePatience, cancellation).ConfigureAwait(false);
    }

    private static bool Lose(CrashProduct product)
    {
        product.Files.LoseMachine();
        return true;
    }

    private static int Any(Random random) => random.Next(CrashProduct.PartitionCount);
}
