using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.Connect;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>The partitions that this process owns, by number and by key.</summary>
public sealed class OwnedPartitions
{
    private readonly IPartitionQueries?[] byNumber;

    /// <summary>Some or all partitions of a topic.</summary>
    public OwnedPartitions(IReadOnlyList<IPartitionQueries> partitions, int partitionCount)
    {
        All = partitions;
        byNumber = new IPartitionQueries?[partitionCount];
        foreach (var partition in partitions) byNumber[partition.Number] = partition;
    }

    /// <summary>All of them, in order of their numbers.</summary>
    public IReadOnlyList<IPartitionQueries> All { get; }

    /// <summary>Partitions of the topic, whoever owns them.</summary>
    public int PartitionCount => byNumber.Length;

    /// <summary>The owner of a channel's or user's key; null where that is another process.</summary>
    public IPartitionQueries? OfKey(ulong id) => byNumber[Partitioner.PartitionOf(id, PartitionCount)];

    /// <summary>
    /// ConnectException: InvalidArgument where there is no such partition, Unavailable where it is not owned here.
    /// </summary>
    public IPartitionQueries Require(uint number)
    {
        if (number >= (uint)PartitionCount)
            throw new ConnectException(ConnectCode.InvalidArgument,
                $"partition is {number}; the topic has 0 .. {PartitionCount - 1}");
        return byNumber[number] ?? throw new ConnectException(ConnectCode.Unavailable, $"partition {number} is not owned here");
    }

    /// <summary>As <see cref="Require"/>, by the key of a channel or user.</summary>
    public IPartitionQueries RequireOfKey(ulong id) => Require((uint)Partitioner.PartitionOf(id, PartitionCount));
}
