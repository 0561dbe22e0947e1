using System.Diagnostics.CodeAnalysis;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Routing;

/// <summary>A processor with its newest claims.</summary>
internal sealed record ProcessorClaims(ProcessorClient Processor, OwnershipClaims Claims)
{
    /// <summary>Where events are published to it.</summary>
    public Uri IngestUrl { get; } = new(Claims.IngestUrl, UriKind.Absolute);
}

/// <summary>
/// Which processor serves each partition: of one lineage at a time, a snapshot that never changes.
/// Invariants: an owner claims its partition as running; of two such claims the higher position wins;
/// all owners agree on topic identity, lineage and partition count.
/// </summary>
internal sealed class RoutingTable
{
    private readonly record struct LineageKey(string TopicIdentity, ulong Lineage, int PartitionCount);

    private readonly ProcessorClaims?[] owners;
    private readonly PartitionClaim?[] claims;

    private RoutingTable(LineageKey lineage)
    {
        (TopicIdentity, Lineage, PartitionCount) = lineage;
        owners = new ProcessorClaims?[PartitionCount];
        claims = new PartitionClaim?[PartitionCount];
    }

    /// <summary>No processor is known.</summary>
    public static RoutingTable Empty { get; } = new(new LineageKey("", 0, 0));

    /// <summary>Names the topic; empty where no processor is known.</summary>
    public string TopicIdentity { get; }
    /// <summary>Number of the lineage served.</summary>
    public ulong Lineage { get; }
    /// <summary>Partitions of the topic; 0 where no processor is known.</summary>
    public int PartitionCount { get; }
    /// <summary>Partitions with an owner.</summary>
    public int RoutedCount { get; private set; }
    /// <summary>Every partition has an owner.</summary>
    public bool Complete => PartitionCount > 0 && RoutedCount == PartitionCount;
    /// <summary>Partitions without an owner, ascending.</summary>
    public IEnumerable<int> Unrouted => Enumerable.Range(0, PartitionCount).Where(p => owners[p] is null);

    /// <summary>A lineage of which no processor claims anything.</summary>
    public static RoutingTable Unowned(string topicIdentity, ulong lineage, int partitionCount) =>
        new(new LineageKey(topicIdentity, lineage, partitionCount));

    /// <summary>The same, but what these processors own has no owner.</summary>
    public RoutingTable Without(IReadOnlySet<ProcessorClient> processors)
    {
        var table = Unowned(TopicIdentity, Lineage, PartitionCount);
        for (var p = 0; p < PartitionCount; p++)
        {
            if (owners[p] is not { } owner || processors.Contains(owner.Processor)) continue;
            (table.owners[p], table.claims[p]) = (owner, claims[p]);
            table.RoutedCount++;
        }
        return table;
    }

    /// <summary>The partition of a channel or user.</summary>
    public int PartitionOf(ulong id) => Partitioner.PartitionOf(id, PartitionCount);

    /// <summary>The partition's owner, if it has one now.</summary>
    public bool TryOwner(int partition, [NotNullWhen(true)] out ProcessorClaims? owner)
    {
        owner = partition < PartitionCount ? owners[partition] : null;
        return owner is not null;
    }

    /// <summary>The owner's newest claim of the partition; null where it has no owner.</summary>
    public PartitionClaim? ClaimOf(int partition) => partition < PartitionCount ? claims[partition] : null;

    /// <summary>Each owner with its partitions.</summary>
    public IEnumerable<(ProcessorClaims Owner, List<int> Partitions)> ByOwner()
    {
        var partitionsOf = new Dictionary<ProcessorClient, (ProcessorClaims Owner, List<int> Partitions)>();
        for (var p = 0; p < PartitionCount; p++)
        {
            if (owners[p] is not { } owner) continue;
            if (!partitionsOf.TryGetValue(owner.Processor, out var entry))
                partitionsOf[owner.Processor] = entry = (owner, []);
            entry.Partitions.Add(p);
        }
        return partitionsOf.Values;
    }

    /// <summary>The same lineage with the same owner for every partition; positions may differ.</summary>
    public bool RoutesAs(RoutingTable other)
    {
        if (Lineage != other.Lineage || PartitionCount != other.PartitionCount || TopicIdentity != other.TopicIdentity) return false;
        for (var p = 0; p < PartitionCount; p++)
            if (owners[p]?.Processor != other.owners[p]?.Processor || owners[p]?.Claims.ProcessorId != other.owners[p]?.Claims.ProcessorId)
                return false;
        return true;
    }

    /// <summary>
    /// The table of these claims. The highest lineage whose partitions are all claimed is served; where none
    /// is complete, the one served before as long as anyone claims of it, else the one with most partitions.
    /// </summary>
    public static RoutingTable Of(IEnumerable<ProcessorClaims> processors, RoutingTable before)
    {
        var tables = processors
            .GroupBy(p => new LineageKey(p.Claims.TopicIdentity, p.Claims.Lineage, (int)p.Claims.PartitionCount))
            .Select(lineage => new RoutingTable(lineage.Key).Fill(lineage, before))
            .OrderByDescending(t => t.Lineage)
            .ToList();
        return tables.FirstOrDefault(t => t.Complete)
            ?? tables.FirstOrDefault(t => t.RoutedCount > 0 && t.IsLineageOf(before))
            ?? tables.MaxBy(t => t.RoutedCount)
            ?? Empty;
    }

    private bool IsLineageOf(RoutingTable other) =>
        Lineage == other.Lineage && PartitionCount == other.PartitionCount && TopicIdentity == other.TopicIdentity;

    private RoutingTable Fill(IEnumerable<ProcessorClaims> processors, RoutingTable before)
    {
        // Equal positions: whoever owned it before keeps it, so that two idle claimants do not take turns.
        foreach (var processor in processors.OrderBy(p => p.Claims.ProcessorId, StringComparer.Ordinal))
            foreach (var claim in processor.Claims.Claims)
            {
                if (claim.State != PartitionState.Running || claim.Partition >= PartitionCount) continue;
                var p = (int)claim.Partition;
                if (claims[p] is { } present && !Wins(claim, processor, present, p, before)) continue;
                if (owners[p] is null) RoutedCount++;
                owners[p] = processor;
                claims[p] = claim;
            }
        return this;
    }

    private bool Wins(PartitionClaim claim, ProcessorClaims processor, PartitionClaim present, int partition, RoutingTable before)
    {
        if (claim.Position != present.Position) return claim.Position > present.Position;
        return IsLineageOf(before) && before.owners[partition]?.Processor == processor.Processor;
    }
}
