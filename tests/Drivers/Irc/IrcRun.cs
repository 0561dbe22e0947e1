using ReadStateStream.Harness;
using ReadStateStream.Schemas.V1;
using Spectre.Console;

namespace ReadStateStream.Drivers.Irc;

/// <summary>What an IRC run does.</summary>
/// <param name="File">The history.</param>
/// <param name="Seed">Of the synthesised events and the moments of the kills.</param>
/// <param name="ReadsPerMessage">Synthesised events for a message, on average.</param>
/// <param name="Lanes">Requests in flight.</param>
/// <param name="Kills">Times the processor is killed; 0: never.</param>
internal sealed record IrcOptions(FileInfo File, int Seed, double ReadsPerMessage, int Lanes, int Kills);

/// <summary>Publishes the IRC history at full speed and compares every pair and badge with the recount.</summary>
internal sealed class IrcRun(IrcOptions options, TimeProvider time, IAnsiConsole progress, TextWriter output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    /// <summary>Against a product of its own.</summary>
    public async Task<int> RunAsync(ProductOptions productOptions, CancellationToken cancellation)
    {
        var product = await ProductProcess.StartAsync(productOptions).ConfigureAwait(false);
        await using var _ = product.ConfigureAwait(false);
        try
        {
            var code = await RunAsync(product.Ingest, product.Api, product, cancellation).ConfigureAwait(false);
            await product.StopAsync().ConfigureAwait(false);
            return code;
        }
        catch (ProductFailedException e)
        {
            await output.WriteLineAsync($"{e.Message}\n{product.Log}").ConfigureAwait(false);
            return 1;
        }
    }

    /// <summary>Against a product that runs and knows none of these channels and users yet.</summary>
    public async Task<int> RunAsync(Uri ingest, Uri api, ProductProcess? product, CancellationToken cancellation)
    {
        using var client = new ProductClient(ingest, api, time, Patience);
        return await Bars().StartAsync(context => RunAsync(client, product, context, cancellation)).ConfigureAwait(false);
    }

    private Progress Bars() => progress.Progress().AutoClear(true).Columns(
        new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new SpinnerColumn());

    private async Task<int> RunAsync(ProductClient client, ProductProcess? product, ProgressContext bars, CancellationToken cancellation)
    {
        var history = IrcHistory.Load(options.File, options.Seed, options.ReadsPerMessage, time);
        var counts = history.Counts;
        await output.WriteLineAsync(
            $"seed {options.Seed}: {counts.Sends} sends with {counts.Mentions} mentions, {counts.Joins} joins, {counts.Leaves} leaves; "
            + $"synthesised {counts.Reads} reads, {counts.PointersSet} pointers set, {counts.Mutes} mutes, {counts.ByNonMembers} of them by non-members").ConfigureAwait(false);
        var publisher = new Publisher(client, options.Lanes);
        await PublishAsync(history.Events, publisher, product, client, bars, cancellation).ConfigureAwait(false);

        var pairs = new Recount(history.Events).Pairs().ToList();
        var badges = Recount.Badges(pairs);
        var comparison = new Comparison(client, publisher.Token);
        var bar = bars.AddTask("comparing", maxValue: pairs.Count + badges.Count);
        await comparison.ComparePairsAsync(pairs, n => bar.Increment(n), cancellation).ConfigureAwait(false);
        await comparison.CompareBadgesAsync(badges, n => bar.Increment(n), cancellation).ConfigureAwait(false);
        foreach (var difference in comparison.Shown) await output.WriteLineAsync(difference).ConfigureAwait(false);
        var members = pairs.Count(pair => pair.Answer.Member);
        await output.WriteLineAsync(
            $"compared {comparison.Pairs} pairs ({members} with a state) and {comparison.Badges} badges: {comparison.Differences} differences").ConfigureAwait(false);
        return comparison.Differences == 0 ? 0 : 1;
    }

    private async Task PublishAsync(
        List<ChannelEvent> events, Publisher publisher, ProductProcess? product, ProductClient client, ProgressContext bars,
        CancellationToken cancellation)
    {
        var bar = bars.AddTask("publishing", maxValue: events.Count);
        publisher.OnAcknowledged = n => bar.Increment(n);
        var started = time.GetTimestamp();
        if (product is null || options.Kills == 0)
        {
            await publisher.PublishAsync(events, cancellation).ConfigureAwait(false);
        }
        else
        {
            var kills = new KillSchedule(product, publisher, options.Kills, events.Count, options.Seed);
            publisher.OnAcknowledged = n =>
            {
                bar.Increment(n);
                kills.OnAcknowledged(n);
            };
            var killing = kills.RunAsync(cancellation);
            await publisher.PublishAsync(events, cancellation).ConfigureAwait(false);
            kills.OnPublished();
            await killing.ConfigureAwait(false);
            if (kills.Missed > 0) throw new ProductFailedException($"{kills.Missed} of {options.Kills} kills found nothing in flight");
            await output.WriteLineAsync(
                $"killed the processor {kills.UnansweredAtKill.Count} times with {string.Join(", ", kills.UnansweredAtKill)} requests unanswered; "
                + $"{client.Retries} tries were repeated with the same event ids").ConfigureAwait(false);
        }
        var seconds = time.GetElapsedTime(started).TotalSeconds;
        await output.WriteLineAsync($"published {events.Count} events in {seconds:0.0} s: {events.Count / seconds:0} events/s").ConfigureAwait(false);
    }
}
