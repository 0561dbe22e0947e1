using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;

namespace ReadStateStream.QueryApi.Snapshots;

/// <summary>Where partitions without an owner are answered from, if the settings name a snapshot store.</summary>
internal sealed class SnapshotAnswers(IOptions<SnapshotOptions> options, IServiceProvider services)
{
    /// <summary>There is a snapshot store.</summary>
    public bool Enabled { get; } = options.Value.Enabled;

    /// <summary>Answers for the partitions of the table that have no owner.</summary>
    public AnswerSource SourceOf(RoutingTable table) => new SnapshotSource(
        services.GetRequiredService<SnapshotReader>(), stop => Lineages.OfAsync(table, stop), table);

    /// <summary>The table of the lineage to serve while no processor is known: no partition has an owner. A 503 where there is none.</summary>
    public async Task<RoutingTable> TableAsync(CancellationToken cancellation)
    {
        var entry = await Lineages.WithoutClaimsAsync(cancellation);
        return RoutingTable.Unowned(entry.Identity.Topic, (ulong)entry.Number, entry.Identity.Partitions);
    }

    /// <summary>The table, or that of <see cref="TableAsync"/> where it is empty; a 503 where the store does not have its lineage.</summary>
    public async Task<RoutingTable> EnsureLineageAsync(RoutingTable table, CancellationToken cancellation)
    {
        if (table.PartitionCount == 0) return await TableAsync(cancellation);
        await Lineages.OfAsync(table, cancellation);
        return table;
    }

    private SnapshotLineages Lineages => services.GetRequiredService<SnapshotLineages>();
}
