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

    private async Task<StatesRead> ReadAsync(
        IReadOnlyList<GetStatesRequest.Types.Key> keys, RoutingTable table, PositionWait wait, CancellationToken cancellation)
    {
        var shares = Divide(keys, table);
        var foreign = shares.SelectMany(s => s.ForeignUsers).ToHashSet();
        var blocked = await blockedUsers.ReadAsync(foreign, table, wait, cancellation);
        foreach (var share in shares) share.Request.Blocked.Add(share.ForeignUsers.Select(u => blocked[u]));

        var responses = await Task.WhenAll(
            shares.Select(s => questions.AskAsync(s.Owner, s.Request, s.Partitions, wait, cancellation)));
        var states = new ReadState[keys.Count];
        var freshness = new AnswerFreshness();
        for (var s = 0; s < shares.Count; s++)
        {
            for (var i = 0; i < shares[s].Places.Count; i++)
                states[shares[s].Places[i]] = Checked(responses[s].States[i], shares[s].Request.Keys[i], shares[s].Owner);
            freshness.Add(responses[s].Partitions);
        }
        foreach (var of in blocked.Values) freshness.Add(of.AsOf, table);
        return new StatesRead(states, freshness, table);
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
