using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Partition.Query;

/// <summary>The partition's queue of questions is full: the caller may ask again later (HTTP 503, Retry-After).</summary>
public sealed class QueryQueueFullException(int partition)
    : Exception($"partition {partition} has too many queries waiting");

/// <summary>The partition does not serve: it failed or is being stopped.</summary>
public sealed class PartitionUnavailableException(int partition, string reason)
    : Exception($"partition {partition} does not serve: {reason}");

/// <summary>
/// Questions to one partition. Each answer is of one position; they are executed by the partition's
/// writer between two batches and computed on the caller's thread. <c>atLeast</c>: the answer waits until
/// this position (next offset to apply) is reached; 0 waits for nothing. Cancellation ends the wait with
/// OperationCanceledException.
/// </summary>
public interface IPartitionQueries
{
    /// <summary>Number of the partition, 0 .. partition count - 1.</summary>
    int Number { get; }

    /// <summary>Where it is in its life.</summary>
    PartitionState State { get; }

    /// <summary>The next offset to apply.</summary>
    long Position { get; }

    /// <summary>Durable records not yet applied.</summary>
    long LagEvents { get; }

    /// <summary>Age of the oldest record not yet applied, milliseconds; 0 where none waits.</summary>
    long LagMs { get; }

    /// <summary>Dead letters of this partition, neither resolved nor waived.</summary>
    int DeadLetters { get; }

    /// <summary>Read states by key, in the order of the keys; every channel belongs to this partition.</summary>
    Task<(IReadOnlyList<ReadState> States, PartitionFreshness Freshness)> GetStatesAsync(
        IReadOnlyList<GetStatesRequest.Types.Key> keys, BlockedLookup blocked, long atLeast, CancellationToken cancellation);

    /// <summary>A user's states in this partition: in order of channel id, above the request's cursor, at most its limit.</summary>
    Task<GetUserResponse> GetUserAsync(GetUserRequest request, BlockedLookup blocked, long atLeast, CancellationToken cancellation);

    /// <summary>Whom a user blocked; the user's key belongs to this partition.</summary>
    Task<BlockedUsers> GetBlockedUsersAsync(ulong user, long atLeast, CancellationToken cancellation);
}
