using ReadStateStream.QueryApi.Routing;
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

/// <summary>Reads whole users: one request a processor, for all its partitions; every partition must have an owner.</summary>
internal sealed class UserReader(ProcessorQuestions questions, BlockedUsersReader blockedUsers, MovedPartitionRetry routes)
{
    /// <summary>A page of the states above a channel id.</summary>
    public Task<UserPage> PageAsync(
        ulong user, bool unreadOnly, ulong afterChannel, int limit, PositionWait wait, CancellationToken cancellation) =>
        routes.AnswerAsync(async table =>
        {
            var question = new GetUserRequest
            {
                UserId = user, UnreadOnly = unreadOnly, AfterChannelId = afterChannel, Limit = (uint)limit,
            };
            var (responses, freshness) = await AskAllAsync(question, table, wait, cancellation);
            var (states, more) = Merge(responses, limit);
            return new UserPage(states, more, freshness, table);
        }, wait, cancellation);

    /// <summary>Sums over all partitions.</summary>
    public Task<UserTotals> TotalsAsync(ulong user, PositionWait wait, CancellationToken cancellation) =>
        routes.AnswerAsync(async table =>
        {
            var (responses, freshness) = await AskAllAsync(new GetUserRequest { UserId = user, TotalsOnly = true }, table, wait, cancellation);
            var sum = new Totals();
            foreach (var totals in responses.Select(r => r.Totals).OfType<Totals>())
            {
                sum.Unread += totals.Unread;
                sum.Mentions += totals.Mentions;
                sum.Capped |= totals.Capped;
                sum.Channels += totals.Channels;
                sum.UnreadChannels += totals.UnreadChannels;
            }
            return new UserTotals(sum, freshness, table);
        }, wait, cancellation);

    private async Task<(GetUserResponse[] Responses, AnswerFreshness Freshness)> AskAllAsync(
        GetUserRequest question, RoutingTable table, PositionWait wait, CancellationToken cancellation)
    {
        foreach (var partition in table.Unrouted) routes.OwnerOf(table, partition);
        var user = question.UserId;
        var usersOwner = routes.OwnerOf(table, table.PartitionOf(user)).Processor;
        var shares = table.ByOwner().ToList();
        return await blockedUsers.AnswerAsync<(GetUserResponse[], AnswerFreshness)>(
            shares.Count > 1 ? [user] : [], table, wait, async (blocked, freshness) =>
            {
                var responses = await Task.WhenAll(shares.Select(share =>
                {
                    var request = question.Clone();
                    request.Partitions.Add(share.Partitions.Select(p => (uint)p));
                    if (share.Owner.Processor != usersOwner) request.Blocked = blocked[user];
                    return questions.AskAsync(share.Owner, request, wait, cancellation);
                }));
                foreach (var response in responses) freshness.Add(response.Partitions);
                return (responses, freshness);
            }, cancellation);
    }

    /// <summary>
    /// The lowest channel ids of all answers. Beyond the last state of an answer that announces more nothing is
    /// known of that processor, so the page ends there at the latest.
    /// </summary>
    internal static (IReadOnlyList<ReadState> States, bool More) Merge(IReadOnlyList<GetUserResponse> responses, int limit)
    {
        var horizon = responses.Where(r => r.More).Select(r => r.States[^1].ChannelId).DefaultIfEmpty(ulong.MaxValue).Min();
        var all = responses.SelectMany(r => r.States).OrderBy(s => s.ChannelId).ToList();
        var states = all.TakeWhile(s => s.ChannelId <= horizon).Take(limit).ToList();
        return (states, states.Count < all.Count || responses.Any(r => r.More));
    }
}
