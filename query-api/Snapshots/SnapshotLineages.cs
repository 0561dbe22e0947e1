using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Snapshot;

namespace ReadStateStream.QueryApi.Snapshots;

/// <summary>
/// Which lineage of the snapshot store answers: the one that processors claim. While none is known, the setting
/// SnapshotReads__Lineage, else the one claimed last, else the newest of the topic claimed last (of any topic where
/// none was ever claimed).
/// </summary>
internal sealed class SnapshotLineages(
    SnapshotCalls calls, Router router, IOptions<SnapshotReadOptions> options, IOptions<AnswerOptions> answers,
    TimeProvider time, ILogger<SnapshotLineages> log)
{
    // Lineages come and go by hand; what answers need beside the rows changes with a processor's restart.
    private static readonly TimeSpan ListedFor = TimeSpan.FromSeconds(1);

    private sealed record Listing(IReadOnlyList<LineageEntry> Entries, long At);

    private readonly int retryAfterSeconds = answers.Value.RetryAfterSeconds;
    private volatile Listing? listed;
    private long chosen;

    /// <summary>The lineage of a table; a 503 where the store does not have it.</summary>
    public async Task<LineageEntry> OfAsync(RoutingTable table, CancellationToken cancellation)
    {
        var entry = Find(await ListAsync(cancellation), (long)table.Lineage)
            ?? throw Unavailable($"lineage {table.Lineage}, which the processors serve, is not in the snapshot store");
        return Fits(entry, table) ? entry
            : throw Unavailable($"lineage {entry.Number} of the snapshot store is of topic {entry.Identity.Topic} with {entry.Identity.Partitions} partitions, "
                + $"the processors serve {table.TopicIdentity} with {table.PartitionCount}");
    }

    /// <summary>The lineage to serve while no processor is known; a 503 where there is none.</summary>
    public async Task<LineageEntry> WithoutClaimsAsync(CancellationToken cancellation)
    {
        var entries = await ListAsync(cancellation);
        var last = router.LastClaimed;
        var fitting = entries.Where(e => last.PartitionCount == 0 || Fits(e, last)).ToList();
        var entry = options.Value.Lineage > 0
            ? Find(fitting, options.Value.Lineage)
            : Find(fitting, (long)last.Lineage) ?? fitting.MaxBy(e => e.Number);
        if (entry is null) throw Unavailable(None(last));
        if (Interlocked.Exchange(ref chosen, entry.Number) != entry.Number) log.LineageChosen(entry.Number, entry.Identity.Topic);
        return entry;
    }

    private string None(RoutingTable last)
    {
        var which = options.Value.Lineage > 0 ? $"lineage {options.Value.Lineage} (the setting SnapshotReads__Lineage)" : "no lineage";
        var of = last.PartitionCount == 0 ? "" : $" of topic {last.TopicIdentity} with {last.PartitionCount} partitions";
        return options.Value.Lineage > 0 ? $"{which}{of} is not in the snapshot store" : $"{which}{of} is in the snapshot store";
    }

    private async Task<IReadOnlyList<LineageEntry>> ListAsync(CancellationToken cancellation)
    {
        if (listed is { } known && time.GetElapsedTime(known.At) < ListedFor) return known.Entries;
        var at = time.GetTimestamp();
        var entries = await calls.ListLineagesAsync(cancellation);
        listed = new Listing(entries, at);
        return entries;
    }

    private static LineageEntry? Find(IEnumerable<LineageEntry> entries, long number) => entries.FirstOrDefault(e => e.Number == number);

    private static bool Fits(LineageEntry entry, RoutingTable table) =>
        entry.Identity.Topic == table.TopicIdentity && entry.Identity.Partitions == table.PartitionCount;

    private ProblemException Unavailable(string reason) => Problems.SnapshotUnavailable(reason, retryAfterSeconds);
}
