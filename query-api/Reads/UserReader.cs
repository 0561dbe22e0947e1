using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>A user's states in order of channel id, as of what, and by which table.</summary>
/// <param name="States">At most as many as asked for; fewer are no sign of the end.</param>
/// <param name="More">More follow after the last one.</param>
/// <param name="Freshness">What the page is the truth of.</param>
/// <param name="Table">The table it was read by.</param>
internal sealed record UserPage(IReadOnlyList<ReadState> States, bool More, AnswerFreshness Freshness, RoutingTable Table);

/// <summary>A user's sums, as of what, and by which table.</summary>
internal sealed record UserTotals(Totals Totals, AnswerFreshness Freshness, RoutingTable Table);

/// <summary>Reads whole users: one request a source, for all its partitions; every partition must have a source.</summary>
internal sealed class UserReader(BlockedUsersReader blockedUsers, AnswerRouting routes, QueryMetrics metrics)
{
    /// <summary>A page of the states above a channel id.</summary>
    public async Task<UserPage> PageAsync(
        ulong user, bool unreadOnly, ulong afterChannel, int limit, Staleness staleness, PositionWait wait, CancellationToken cancellation)
    {
        var page = await routes.AnswerAsync(async sources =>
        {
            var question = new GetUserRequest
            {
                UserId = user, UnreadOnly = unreadOnly, AfterChannelId = afterChannel, Limit = (uint)limit,
            };
            var (responses, freshness) = await AskAllAsync(question, sources, wait, cancellation);
            var (states, more) = Merge(responses, limit);
            return new UserPage(states, more, freshness, sources.Table);
        }, staleness, wait, cancellation);
        if (staleness == Staleness.Accepted) metrics.Answered(page.Freshness.Source);
        return page;
    }

    /// <summary>Sums over all partitions.</summary>
    public async Task<UserTotals> TotalsAsync(ulong user, PositionWait wait, CancellationToken cancellation)
    {
        var totals = await routes.AnswerAsync(async sources =>
        {
            var (responses, freshness) = await AskAllAsync(new GetUserRequest { UserId = user, TotalsOnly = true }, sources, wait, cancellation);
            var sum = new Totals();
            foreach (var part in responses.Select(r => r.Totals).OfType<Totals>())
            {
                sum.Unread += part.Unread;
                sum.Mentions += part.Mentions;
                sum.Capped |= part.Capped;
                sum.Channels += part.Channels;
                sum.UnreadChannels += part.UnreadChannels;
            }
            return new UserTotals(sum, freshness, sources.Table);
        }, Staleness.Accepted, wait, cancellation);
        metrics.Answered(totals.Freshness.Source);
        return totals;
    }

    private async Task<(List<GetUserResponse> Responses, AnswerFreshness Freshness)> AskAllAsync(
        GetUserRequest question, AnswerSources sources, PositionWait wait, CancellationToken cancellation)
    {
        var user = question.UserId;
        var shares = sources.All();
        var usersSource = sources.Of(sources.Table.PartitionOf(user));
        return await blockedUsers.AnswerAsync<(List<GetUserResponse>, AnswerFreshness)>(
            shares.Count > 1 ? [user] : [], sources, wait, async (blocked, freshness) =>
            {
                var answers = await Task.WhenAll(shares.Select(share =>
                {
                    var request = question.Clone();
                    request.Partitions.Add(share.Partitions.Select(p => (uint)p));
                    if (share.Source != usersSource) request.Blocked = blocked[user];
                    return share.Source.AskAsync(request, wait, cancellation);
                }));
                foreach (var answer in answers) freshness.Add(answer.Parts);
                return ([.. answers.SelectMany(a => a.Response)], freshness);
            }, cancellation);
    }

    /// <summary>
    /// The lowest channel ids of all answers. Beyond the last state of an answer that announces more nothing is
    /// known of its partitions, so the page ends there at the latest.
    /// </summary>
    internal static (IReadOnlyList<ReadState> States, bool More) Merge(IReadOnlyList<GetUserResponse> responses, int limit)
    {
        var horizon = responses.Where(r => r.More).Select(r => r.States[^1].ChannelId).DefaultIfEmpty(ulong.MaxValue).Min();
        var all = responses.SelectMany(r => r.States).OrderBy(s => s.ChannelId).ToList();
        var states = all.TakeWhile(s => s.ChannelId <= horizon).Take(limit).ToList();
        return (states, states.Count < all.Count || responses.Any(r => r.More));
    }
}
