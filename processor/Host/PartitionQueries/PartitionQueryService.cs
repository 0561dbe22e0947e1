// Invariants: a partition's part of an answer is of one position; an answer never is from before a
// position that the request names; states of several partitions are in the order that was asked for.
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>
/// readstate.v1.PartitionQuery over the partitions of this process: splits a request by partition, asks each,
/// joins the answers. Errors are ConnectExceptions and those of <see cref="IPartitionQueries"/>.
/// </summary>
public sealed class PartitionQueryService(
    OwnedPartitions owned, QueryOptions options, TimeProvider time, IHostApplicationLifetime lifetime)
{
    // A user who changes whom they block faster than this many reads follow is asked to come back.
    private const int MaxReadsForOnePosition = 4;

    private const ulong MaxId = long.MaxValue;

    /// <summary>Read states by key, in the order of the keys.</summary>
    public async Task<GetStatesResponse> GetStatesAsync(GetStatesRequest request, CancellationToken cancellation)
    {
        CheckKeys(request);
        var positions = Positions(request.Freshness);
        var groups = request.Keys.Select((key, index) => (Key: key, Index: index))
            .GroupBy(item => owned.RequireOfKey(item.Key.ChannelId)).ToArray();
        var users = request.Keys.Select(key => key.UserId).Distinct().ToArray();
        var involved = groups.Select(group => group.Key).Concat(users.Select(owned.OfKey).OfType<IPartitionQueries>()).Distinct();
        return await positions.ReadAsync(involved, token => UntilHeldAsync(async () =>
        {
            var blocked = new BlockedReader(owned, positions);
            await blocked.ReadAsync(users, request.Blocked, token);
            var parts = await Task.WhenAll(groups.Select(group => group.Key.GetStatesAsync(
                [.. group.Select(item => item.Key)], blocked.Lookup(group.Select(item => item.Key.UserId)),
                positions.AtLeast(group.Key.Number), token)));
            foreach (var (group, part) in groups.Zip(parts))
            {
                var asked = group.Select(item => item.Key.UserId);
                if (!await blocked.HeldAtAsync(group.Key, asked, (long)part.Freshness.Position, token)) return null;
            }
            var states = new ReadState[request.Keys.Count];
            foreach (var (group, part) in groups.Zip(parts))
                foreach (var (item, state) in group.Zip(part.States))
                    states[item.Index] = state;
            var freshness = new FreshnessSum();
            foreach (var part in parts) freshness.Add(part.Freshness);
            AddBlockReads(freshness, blocked, request.Keys);
            return new GetStatesResponse { States = { states }, Partitions = { freshness.Partitions } };
        }), cancellation);
    }

    /// <summary>One user's states or sums, in the partitions named; states in order of channel id.</summary>
    public async Task<GetUserResponse> GetUserAsync(GetUserRequest request, CancellationToken cancellation)
    {
        CheckId(request.UserId, "user_id");
        if (!request.TotalsOnly && (request.Limit == 0 || request.Limit > (uint)options.MaxStates))
            throw new ConnectException(ConnectCode.InvalidArgument, $"limit is {request.Limit}; it is 1 .. {options.MaxStates}");
        var positions = Positions(request.Freshness);
        var asked = request.Partitions.Count == 0
            ? [.. owned.All]
            : request.Partitions.Distinct().Select(owned.Require).ToArray();
        var home = owned.OfKey(request.UserId);
        return await positions.ReadAsync(home is null ? asked : asked.Append(home).Distinct(), token => UntilHeldAsync(async () =>
        {
            var blocked = new BlockedReader(owned, positions);
            await blocked.ReadAsync([request.UserId], [request.Blocked], token);
            var parts = await Task.WhenAll(asked.Select(partition => partition.GetUserAsync(QuestionTo(partition, request),
                blocked.Lookup([request.UserId]), positions.AtLeast(partition.Number), token)));
            var freshness = new FreshnessSum();
            foreach (var part in parts.SelectMany(part => part.Partitions)) freshness.Add(part);
            if (home is not null && asked.Contains(home))
            {
                var position = (long)freshness.Partitions.Single(part => part.Partition == (uint)home.Number).Position;
                if (!await blocked.HeldAtAsync(home, [request.UserId], position, token)) return null;
            }
            else if (home is not null)
                freshness.Add(home, blocked.PositionOf(request.UserId));
            var merged = UserPages.Merge(parts, request.TotalsOnly ? 0 : (int)request.Limit);
            merged.Partitions.AddRange(freshness.Partitions);
            return merged;
        }), cancellation);
    }

    /// <summary>Whom a user blocked, from the user's own partition.</summary>
    public Task<GetBlockedUsersResponse> GetBlockedUsersAsync(GetBlockedUsersRequest request, CancellationToken cancellation)
    {
        CheckId(request.UserId, "user_id");
        var positions = Positions(request.Freshness);
        var home = owned.RequireOfKey(request.UserId);
        return positions.ReadAsync([home], async token => new GetBlockedUsersResponse
        {
            Blocked = await home.GetBlockedUsersAsync(request.UserId, positions.AtLeast(home.Number), token),
        }, cancellation);
    }

    private static GetUserRequest QuestionTo(IPartitionQueries partition, GetUserRequest request)
    {
        var question = request.Clone();
        question.Partitions.Clear();
        question.Partitions.Add((uint)partition.Number);
        (question.Blocked, question.Freshness) = (null, null);
        return question;
    }

    // All of it again where the blocks changed under the answer, so that no part of it has the old ones.
    private static async Task<T> UntilHeldAsync<T>(Func<Task<T?>> read) where T : class
    {
        for (var attempt = 1; attempt <= MaxReadsForOnePosition; attempt++)
            if (await read() is { } answer) return answer;
        throw new ConnectException(ConnectCode.Unavailable, "whom the user blocked kept changing; ask again");
    }

    // Where all channels asked for lie in the user's own partition, the answer of that partition says it all.
    private void AddBlockReads(FreshnessSum freshness, BlockedReader blocked, IEnumerable<GetStatesRequest.Types.Key> keys)
    {
        foreach (var channelsOfUser in keys.ToLookup(key => key.UserId, key => key.ChannelId))
            if (owned.OfKey(channelsOfUser.Key) is { } home && channelsOfUser.Any(channel => owned.OfKey(channel) != home))
                freshness.Add(home, blocked.PositionOf(channelsOfUser.Key));
    }

    private RequestedPositions Positions(Freshness? freshness) =>
        new(freshness, owned.PartitionCount, options.MaxWaitMs, time, lifetime.ApplicationStopping);

    private void CheckKeys(GetStatesRequest request)
    {
        if (request.Keys.Count > options.MaxStates)
            throw new ConnectException(ConnectCode.InvalidArgument,
                $"{request.Keys.Count} keys; at most {options.MaxStates} are answered");
        foreach (var key in request.Keys)
        {
            CheckId(key.UserId, "user_id");
            CheckId(key.ChannelId, "channel_id");
            if (key.ProbeMessageId > MaxId) throw OutOfRange(key.ProbeMessageId, "probe_message_id");
        }
    }

    private static void CheckId(ulong id, string field)
    {
        if (id - 1 >= MaxId) throw OutOfRange(id, field);
    }

    private static ConnectException OutOfRange(ulong id, string field) =>
        new(ConnectCode.InvalidArgument, $"{field} is {id}; ids are 1 .. {MaxId}");
}
