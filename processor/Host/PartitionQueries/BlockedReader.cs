using System.Collections.Concurrent;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>
/// Whom the users of one request blocked: read here for users whose own partition is owned here, taken from
/// the request for the others. Remembers the position that each was read at.
/// </summary>
internal sealed class BlockedReader(OwnedPartitions owned, RequestedPositions positions)
{
    // Of one request: its users must not fill the partitions' queues by themselves.
    private const int MaxConcurrentReads = 32;

    private readonly ConcurrentDictionary<ulong, BlockedUsers> read = [];

    /// <summary>
    /// Reads or takes all users'. ConnectException (FailedPrecondition) for a user whose partition is not
    /// owned here and who is not in the request.
    /// </summary>
    public async Task ReadAsync(IEnumerable<ulong> users, IEnumerable<BlockedUsers?> given, CancellationToken cancellation)
    {
        var taken = given.OfType<BlockedUsers>().ToLookup(blocked => blocked.UserId);
        var own = new List<ulong>();
        foreach (var user in users.Distinct())
        {
            if (owned.OfKey(user) is not null) own.Add(user);
            else if (taken[user].LastOrDefault() is { } blocked) read[user] = blocked;
            else throw new ConnectException(ConnectCode.FailedPrecondition,
                $"whom user {user} blocked is not known here and not in the request");
        }
        await ReadOwnAsync(own, user => positions.AtLeast(owned.OfKey(user)!.Number), cancellation);
    }

    /// <summary>What was read, for a partition's question.</summary>
    public BlockedLookup Lookup(IEnumerable<ulong> users)
    {
        var lookup = new BlockedLookup();
        foreach (var user in users.Distinct()) lookup.Add(user, read[user].BlockedUserIds);
        return lookup;
    }

    /// <summary>The position that the blocks of a user whose partition is owned here were read at.</summary>
    public long PositionOf(ulong user) => (long)(read[user].AsOf
        ?? throw new InvalidOperationException($"a partition said whom user {user} blocked, but not as of which position")).Position;

    /// <summary>
    /// An answer of a partition at a position counts with the blocks of that same position, or it would mix
    /// two. Reads the blocks of its own users again at or after the position: where they are the same, they
    /// were so at the position too (or were changed and changed back between the two reads, which are
    /// milliseconds apart). False: they changed, the question is to be asked again.
    /// </summary>
    public async Task<bool> HeldAtAsync(
        IPartitionQueries partition, IEnumerable<ulong> users, long position, CancellationToken cancellation)
    {
        var doubtful = users.Distinct()
            .Where(user => owned.OfKey(user) == partition && PositionOf(user) != position)
            .Select(user => (User: user, Before: read[user].BlockedUserIds.ToHashSet())).ToArray();
        if (doubtful.Length == 0) return true;
        await ReadOwnAsync(doubtful.Select(doubt => doubt.User), _ => position, cancellation);
        return doubtful.All(doubt => doubt.Before.SetEquals(read[doubt.User].BlockedUserIds));
    }

    private Task ReadOwnAsync(IEnumerable<ulong> users, Func<ulong, long> atLeast, CancellationToken cancellation)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = MaxConcurrentReads, CancellationToken = cancellation };
        return Parallel.ForEachAsync(users, options, async (user, token) =>
            read[user] = await owned.OfKey(user)!.GetBlockedUsersAsync(user, atLeast(user), token));
    }
}
