using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>
/// How fresh the parts of one answer are. A partition that was read more than once stands with the lowest
/// of its positions: that one the whole answer has.
/// </summary>
internal sealed class FreshnessSum
{
    private readonly SortedDictionary<uint, PartitionFreshness> partitions = [];

    /// <summary>In order of the partitions.</summary>
    public IEnumerable<PartitionFreshness> Partitions => partitions.Values;

    /// <summary>Adds what a partition said with its answer.</summary>
    public void Add(PartitionFreshness part)
    {
        if (!partitions.TryGetValue(part.Partition, out var sum))
        {
            partitions[part.Partition] = part.Clone();
            return;
        }
        sum.Position = Math.Min(sum.Position, part.Position);
        sum.LagEvents = Math.Max(sum.LagEvents, part.LagEvents);
        sum.LagMs = Math.Max(sum.LagMs, part.LagMs);
        sum.Incomplete = Math.Max(sum.Incomplete, part.Incomplete);
    }

    /// <summary>Adds a read of blocks: a position, and the partition's present lag.</summary>
    public void Add(IPartitionQueries partition, long position) => Add(new PartitionFreshness
    {
        Partition = (uint)partition.Number,
        Position = (ulong)position,
        LagEvents = (ulong)Math.Max(0, partition.LagEvents),
        LagMs = (ulong)Math.Max(0, partition.LagMs),
        Incomplete = (uint)partition.DeadLetters,
    });
}
