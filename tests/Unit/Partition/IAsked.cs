using ReadStateStream.Partition;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Partition;

/// <summary>Partitions that can be asked, however they are run.</summary>
public interface IAsked
{
    /// <summary>Epoch of event ids, milliseconds since the Unix epoch.</summary>
    const long Epoch = 1_420_070_400_000;

    /// <summary>How many there are.</summary>
    int PartitionCount { get; }

    /// <summary>States by key; the keys' order is the answer's.</summary>
    IReadOnlyList<ReadState> States(IReadOnlyList<GetStatesRequest.Types.Key> keys, BlockedLookup? blocked = null);

    /// <summary>Whom these users block.</summary>
    BlockedLookup Blocked(IEnumerable<ulong> users);

    /// <summary>Asks a partition, stepping it meanwhile.</summary>
    T Ask<T>(int partition, Func<StatePartition, Task<T>> question);
}
