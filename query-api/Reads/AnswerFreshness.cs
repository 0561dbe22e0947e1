using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>How fresh one partition's part of an answer is.</summary>
/// <param name="Partition">Its number.</param>
/// <param name="Position">The next offset to apply: every record below it is in the part.</param>
/// <param name="LagEvents">Records in the log not yet applied; null: unknown.</param>
/// <param name="LagMs">Age of the oldest of them; of a part from the snapshot the age of its position, milliseconds.</param>
/// <param name="Incomplete">Outstanding dead letters, and channels answered that lost edits or deletes.</param>
/// <param name="FromSnapshot">Read from the snapshot store, not from the partition's owner.</param>
/// <param name="Exact">The part holds nothing at or above the position; false: the position is a lower bound.</param>
internal sealed record PartFreshness(
    uint Partition, ulong Position, ulong? LagEvents, ulong LagMs, ulong Incomplete, bool FromSnapshot, bool Exact)
{
    /// <summary>As the partition's owner says.</summary>
    public static PartFreshness OfOwner(PartitionFreshness part) =>
        new(part.Partition, part.Position, part.LagEvents, part.LagMs, part.Incomplete, FromSnapshot: false, Exact: true);

    /// <summary>Of two reads of one partition that hold at the higher of their positions.</summary>
    public PartFreshness With(PartFreshness other) => this with
    {
        Position = Math.Max(Position, other.Position),
        LagEvents = LagEvents is { } one && other.LagEvents is { } two ? Math.Max(one, two) : null,
        LagMs = Math.Max(LagMs, other.LagMs),
        Incomplete = Math.Max(Incomplete, other.Incomplete),
        FromSnapshot = FromSnapshot || other.FromSnapshot,
        Exact = Exact && other.Exact,
    };
}

/// <summary>
/// Gathers how fresh the parts of an answer are. A partition that was read twice (its channels, and whom users
/// blocked) answers with the higher position and the greater lag; that the earlier read holds at the higher
/// position too is for <see cref="BlockedUsersReader"/> to make sure of.
/// </summary>
internal sealed class AnswerFreshness
{
    public const string Live = "live";
    public const string Snapshot = "snapshot";

    private readonly SortedDictionary<uint, PartFreshness> partitions = [];

    /// <summary>Where the answer comes from: the snapshot as soon as one part does.</summary>
    public string Source => partitions.Values.Any(p => p.FromSnapshot) ? Snapshot : Live;

    public void Add(IEnumerable<PartFreshness> read)
    {
        foreach (var part in read) Add(part);
    }

    public void Add(PartFreshness part) =>
        partitions[part.Partition] = partitions.TryGetValue(part.Partition, out var known) ? known.With(part) : part;

    /// <summary>The position that the answer is of; 0 for a partition that was not read.</summary>
    public ulong PositionOf(uint partition) => partitions.TryGetValue(partition, out var part) ? part.Position : 0;

    /// <summary>
    /// The answer's part. Dead letters of partitions that were not read count too, by their owners' claims: a
    /// record in a wrong partition may belong to any. Of a partition without an owner they are not known.
    /// </summary>
    public FreshnessAnswer ToAnswer(RoutingTable table)
    {
        ulong? lagEvents = 0;
        ulong lagMs = 0, incomplete = 0;
        var asOf = new Dictionary<string, string>(partitions.Count);
        foreach (var part in partitions.Values)
        {
            asOf[Ids.Text(part.Partition)] = Ids.Text(part.Position);
            lagEvents += part.LagEvents; // null where one is unknown
            lagMs = Math.Max(lagMs, part.LagMs);
            incomplete += part.Incomplete;
        }
        for (var p = 0; p < table.PartitionCount; p++)
            if (!partitions.ContainsKey((uint)p)) incomplete += table.ClaimOf(p)?.DeadLetters ?? 0;
        var degraded = partitions.Values.Where(p => p.FromSnapshot).ToList();
        var answer = new FreshnessAnswer(asOf, new LagAnswer(lagEvents, lagMs), Source, Stale: degraded.Count > 0, incomplete);
        return degraded.Count == 0 ? answer : answer with
        {
            Exact = degraded.All(p => p.Exact),
            SnapshotParts = degraded.ToDictionary(p => Ids.Text(p.Partition), p => new SnapshotPartAnswer(p.Exact, p.LagMs)),
        };
    }
}
