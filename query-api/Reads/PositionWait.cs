using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>
/// The positions that a caller's token asks for, and how much of the time to wait for them is left. One object
/// a request: the time runs from its creation, over retries and all processors asked.
/// </summary>
internal sealed class PositionWait(PublishToken? token, TimeSpan budget, TimeProvider time)
{
    private readonly long started = time.GetTimestamp();
    private readonly Dictionary<uint, ulong> wanted =
        token?.Positions.GroupBy(p => p.Partition).ToDictionary(p => p.Key, p => p.Max(x => x.Position)) ?? [];

    /// <summary>Waits for nothing.</summary>
    public static PositionWait Nothing { get; } = new(null, TimeSpan.Zero, TimeProvider.System);

    /// <summary>Time left to wait; zero or less: none.</summary>
    public TimeSpan Left => budget - time.GetElapsedTime(started);

    /// <summary>The merged token; null where the caller passed none.</summary>
    public PublishToken? Token => token;

    /// <summary>A 400 where the token is of another topic than the one served.</summary>
    public void EnsureTopic(RoutingTable table)
    {
        if (token is null) return;
        if (token.TopicIdentity != table.TopicIdentity) throw Problems.InvalidToken("the token is of another topic than the one served here");
        if (wanted.Keys.Any(p => p >= table.PartitionCount)) throw Problems.InvalidToken("the token names a partition that the topic does not have");
    }

    /// <summary>What to ask a processor to wait for before it answers of these partitions; null: nothing.</summary>
    public Freshness? For(IEnumerable<int> partitions)
    {
        if (wanted.Count == 0) return null;
        var freshness = new Freshness();
        foreach (var partition in partitions)
            if (wanted.TryGetValue((uint)partition, out var position) && position > 0)
                freshness.AtLeast.Add(new PartitionPosition { Partition = (uint)partition, Position = position });
        if (freshness.AtLeast.Count == 0) return null;
        var left = Left;
        freshness.WaitMs = left > TimeSpan.Zero ? (uint)left.TotalMilliseconds : 0;
        return freshness;
    }

    /// <summary>The positions wanted of these partitions are reached.</summary>
    public bool IsReached(IEnumerable<PartitionPosition> reached) =>
        wanted.Count == 0 || reached.All(p => p.Position >= wanted.GetValueOrDefault(p.Partition));

    /// <summary>A 409 where one of these partitions has not reached what was asked for.</summary>
    public void EnsureApplied(IEnumerable<PartitionPosition> reached)
    {
        var seen = reached.ToList();
        if (IsReached(seen)) return;
        var concerned = seen.Where(p => wanted.ContainsKey(p.Partition)).ToList();
        throw Problems.NotYetApplied(
            concerned.ToDictionary(p => Ids.Text(p.Partition), p => Ids.Text(p.Position)),
            concerned.ToDictionary(p => Ids.Text(p.Partition), p => Ids.Text(wanted[p.Partition])));
    }
}
