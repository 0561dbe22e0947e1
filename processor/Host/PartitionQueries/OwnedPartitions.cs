using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.Connect;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>The partitions that this process owns, by number and by key; they may come and go.</summary>
/// <param name="owned">Those of now, in order of their numbers; another list where they changed.</param>
/// <param name="partitionCount">Partitions of the topic, whoever owns them.</param>
public sealed class OwnedPartitions(Func<IReadOnlyList<IPartitionQueries>> owned, int partitionCount)
{
    private volatile Numbered numbered = new([], new IPartitionQueries?[partitionCount]);

    private sealed record Numbered(IReadOnlyList<IPartitionQueries> All, IPartitionQueries?[] ByNumber);

    /// <summary>All of them, in order of their numbers.</summary>
    public IReadOnlyList<IPartitionQueries> All => owned();

    /// <summary>Partitions of the topic, whoever owns them.</summary>
    public int PartitionCount => partitionCount;

    /// <summary>The owner of a channel's or user's key; null where that is another process.</summary>
    public IPartitionQueries? OfKey(ulong id) => ByNumber[Partitioner.PartitionOf(id, PartitionCount)];

    private IPartitionQueries?[] ByNumber
    {
        get
        {
            var (now, known) = (owned(), numbered);
            if (ReferenceEquals(now, known.All)) return known.ByNumber;
            var byNumber = new IPartitionQueries?[partitionCount];
            foreach (var partition in now) byNumber[partition.Number] = partition;
            numbered = new Numbered(now, byNumber);
            return byNumber;
        }
    }

    /// <summary>
    /// ConnectException: InvalidArgument where there is no such partition, Unavailable where it is not owned here.
    /// </summary>
    public IPartitionQueries Require(uint number)
    {
        if (number >= (uint)PartitionCount)
            throw new ConnectException(ConnectCode.InvalidArgument,
                $"partition is {number}; the topic has 0 .. {PartitionCount - 1}");
        return ByNumber[number] ?? throw new ConnectException(ConnectCode.Unavailable, $"partition {number} is not owned here");
    }

    /// <summary>As <see cref="Require"/>, by the key of a channel or user.</summary>
    public IPartitionQueries RequireOfKey(ulong id) => Require((uint)Partitioner.PartitionOf(id, PartitionCount));
}
