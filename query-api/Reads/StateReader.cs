using ReadStateStream.QueryApi.Routing;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>States in the order of their keys, as of what, and by which table.</summary>
internal sealed record StatesRead(IReadOnlyList<ReadState> States, AnswerFreshness Freshness, RoutingTable Table);

/// <summary>Reads states by (user, channel): one request a processor, whom users blocked first where it needs them.</summary>
internal sealed class StateReader(ProcessorQuestions questions, BlockedUsersReader blockedUsers, MovedPartitionRetry routes)
{
    public Task<StatesRead> ReadAsync(
        IReadOnlyList<GetStatesRequest.Types.Key> keys, PositionWait wait, CancellationToken cancellation) =>
        routes.AnswerAsync(table => ReadAsync(keys, table, wait, cancellation), wait, cancellation);

    private sealed class Share(ProcessorClaims owner)
    {
        public ProcessorClaims Owner { get; } = owner;
        public GetStatesRequest Request { get; } = new();
        public List<int> Places { get; } = [];
        public HashSet<int> Partitions { get; } = [];
        public HashSet<ulong> ForeignUsers { get; } = [];
    }

    private Task<StatesRead> ReadAsync(
        IReadOnlyList<GetStatesRequest.Types.Key> keys, RoutingTable table, PositionWait wait, CancellationToken cancellation)
    {
        var shares = Divide(keys, table);
        var foreign = shares.SelectMany(s => s.ForeignUsers).ToHashSet();
        return blockedUsers.AnswerAsync(foreign, table, wait, async (blocked, freshness) =>
        {
            var responses = await Task.WhenAll(shares.Select(share =>
            {
                var request = share.Request.Clone();
                request.Blocked.Add(share.ForeignUsers.Select(u => blocked[u]));
                return questions.AskAsync(share.Owner, request, share.Partitions, wait, cancellation);
            }));
            foreach (var response in responses) freshness.Add(response.Partitions);
            return new StatesRead(Join(shares, responses, keys.Count), freshness, table);
        }, cancellation);
    }

    private ReadState[] Join(List<Share> shares, GetStatesResponse[] responses, int count)
    {
        var states = new ReadState[count];
        foreach (var (share, response) in shares.Zip(responses))
            for (var i = 0; i < share.Places.Count; i++)
                states[share.Places[i]] = Checked(response.States[i], share.Request.Keys[i], share.Owner);
        return states;
    }

    private List<Share> Divide(IReadOnlyList<GetStatesRequest.Types.Key> keys, RoutingTable table)
    {
        var shares = new Dictionary<ProcessorClient, Share>();
        for (var i = 0; i < keys.Count; i++)
        {
            var partition = table.PartitionOf(keys[i].ChannelId);
            var owner = routes.OwnerOf(table, partition);
            if (!shares.TryGetValue(owner.Processor, out var share)) shares[owner.Processor] = share = new Share(owner);
            share.Request.Keys.Add(keys[i]);
            share.Places.Add(i);
            share.Partitions.Add(partition);
            var usersPartition = table.PartitionOf(keys[i].UserId);
            if (table.TryOwner(usersPartition, out var usersOwner) && usersOwner.Processor == owner.Processor)
                share.Partitions.Add(usersPartition);
            else
                share.ForeignUsers.Add(keys[i].UserId);
        }
        return [.. shares.Values];
    }

    private ReadState Checked(ReadState state, GetStatesRequest.Types.Key key, ProcessorClaims owner) =>
        state.UserId == key.UserId && state.ChannelId == key.ChannelId ? state
            : throw questions.Misbehaved(owner, $"the state of ({state.UserId}, {state.ChannelId}) for ({key.UserId}, {key.ChannelId})");
}
