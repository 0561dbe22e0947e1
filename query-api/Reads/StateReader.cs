using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>States in the order of their keys, as of what, and by which sources.</summary>
internal sealed record StatesRead(IReadOnlyList<ReadState> States, AnswerFreshness Freshness, AnswerSources Sources)
{
    /// <summary>The table it was read by.</summary>
    public RoutingTable Table => Sources.Table;
}

/// <summary>Reads states by (user, channel): one request a source, whom users blocked first where it needs them.</summary>
internal sealed class StateReader(BlockedUsersReader blockedUsers, AnswerRouting routes, QueryMetrics metrics)
{
    public async Task<StatesRead> ReadAsync(
        IReadOnlyList<GetStatesRequest.Types.Key> keys, Staleness staleness, PositionWait wait, CancellationToken cancellation)
    {
        var read = await routes.AnswerAsync(sources => ReadAsync(keys, sources, wait, cancellation), staleness, wait, cancellation);
        if (staleness == Staleness.Accepted) metrics.Answered(read.Freshness.Source);
        return read;
    }

    private sealed class Share(AnswerSource source)
    {
        public AnswerSource Source { get; } = source;
        public GetStatesRequest Request { get; } = new();
        public List<int> Places { get; } = [];
        public HashSet<int> Partitions { get; } = [];
        public HashSet<ulong> ForeignUsers { get; } = [];
    }

    private Task<StatesRead> ReadAsync(
        IReadOnlyList<GetStatesRequest.Types.Key> keys, AnswerSources sources, PositionWait wait, CancellationToken cancellation)
    {
        var shares = Divide(keys, sources);
        var foreign = shares.SelectMany(s => s.ForeignUsers).ToHashSet();
        return blockedUsers.AnswerAsync(foreign, sources, wait, async (blocked, freshness) =>
        {
            var answers = await Task.WhenAll(shares.Select(share =>
            {
                var request = share.Request.Clone();
                request.Blocked.Add(share.ForeignUsers.Select(u => blocked[u]));
                return share.Source.AskAsync(request, share.Partitions, wait, cancellation);
            }));
            foreach (var answer in answers) freshness.Add(answer.Parts);
            return new StatesRead(Join(shares, answers, keys.Count), freshness, sources);
        }, cancellation);
    }

    private static ReadState[] Join(List<Share> shares, Answered<GetStatesResponse>[] answers, int count)
    {
        var states = new ReadState[count];
        foreach (var (share, answer) in shares.Zip(answers))
            for (var i = 0; i < share.Places.Count; i++)
                states[share.Places[i]] = answer.Response.States[i];
        return states;
    }

    private static List<Share> Divide(IReadOnlyList<GetStatesRequest.Types.Key> keys, AnswerSources sources)
    {
        var shares = new Dictionary<AnswerSource, Share>();
        for (var i = 0; i < keys.Count; i++)
        {
            var partition = sources.Table.PartitionOf(keys[i].ChannelId);
            var source = sources.Of(partition);
            if (!shares.TryGetValue(source, out var share)) shares[source] = share = new Share(source);
            share.Request.Keys.Add(keys[i]);
            share.Places.Add(i);
            share.Partitions.Add(partition);
            var usersPartition = sources.Table.PartitionOf(keys[i].UserId);
            if (sources.Of(usersPartition) == source) share.Partitions.Add(usersPartition);
            else share.ForeignUsers.Add(keys[i].UserId);
        }
        return [.. shares.Values];
    }
}
