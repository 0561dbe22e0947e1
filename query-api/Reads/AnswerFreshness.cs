using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>
/// Gathers how fresh the parts of an answer are. A partition that was read twice (its channels, and whom users
/// blocked) answers with the higher position and the greater lag; that the earlier read holds at the higher
/// position too is for <see cref="BlockedUsersReader"/> to make sure of.
/// </summary>
internal sealed class AnswerFreshness
{
    public const string Live = "live";

    private readonly SortedDictionary<uint, PartitionFreshness> partitions = [];

    public void Add(IEnumerable<PartitionFreshness> read)
    {
        foreach (var part in read) Add(part);
    }

    /// <summary>Whom a user blocked was read from its own partition; its lag is the owner's claim.</summary>
    public void Add(PartitionPosition asOf, RoutingTable table) => Add(new PartitionFreshness
    {
        Partition = asOf.Partition,
        Position = asOf.Position,
        LagEvents = table.ClaimOf((int)asOf.Partition)?.LagEvents ?? 0,
        Incomplete = table.ClaimOf((int)asOf.Partition)?.DeadLetters ?? 0,
    });

    /// <summary>The position that the answer is of; 0 for a partition that was not read.</summary>
    public ulong PositionOf(uint partition) => partitions.TryGetValue(partition, out var part) ? part.Position : 0;

    /// <summary>
    /// The answer's part. Dead letters of partitions that were not read count too, by their owners' claims: a
    /// record in a wrong partition may belong to any.
    /// </summary>
    public FreshnessAnswer ToAnswer(RoutingTable table)
    {
        ulong lagEvents = 0, lagMs = 0, incomplete = 0;
        var asOf = new Dictionary<string, string>(partitions.Count);
        foreach (var part in partitions.Values)
        {
            asOf[Ids.Text(part.Partition)] = Ids.Text(part.Position);
            lagEvents += part.LagEvents;
            lagMs = Math.Max(lagMs, part.LagMs);
            incomplete += part.Incomplete;
        }
        for (var p = 0; p < table.PartitionCount; p++)
            if (!partitions.ContainsKey((uint)p)) incomplete += table.ClaimOf(p)?.DeadLetters ?? 0;
        return new FreshnessAnswer(asOf, new LagAnswer(lagEvents, lagMs), Live, Stale: false, incomplete);
    }

    private void Add(PartitionFreshness part)
    {
        if (!partitions.TryGetValue(part.Partition, out var known))
        {
            partitions[part.Partition] = part.Clone();
            return;
        }
        known.Position = Math.Max(known.Position, part.Position);
        known.LagEvents = Math.Max(known.LagEvents, part.LagEvents);
        known.LagMs = Math.Max(known.LagMs, part.LagMs);
        known.Incomplete = Math.Max(known.Incomplete, part.Incomplete);
    }
}
