using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>
/// Whom users blocked, from the owners of the users' own partitions: handed to processors that do not own these.
/// Invariant: an answer is of one position of every partition. Blocks that were read at another position of a
/// partition than its part of the answer are read again; where they are the same, they were so at that position
/// too (or changed and changed back within the answer's milliseconds); where not, the question is asked again.
/// </summary>
internal sealed class BlockedUsersReader(ProcessorQuestions questions, MovedPartitionRetry routes, IOptions<AnswerOptions> options)
{
    // Whoever changes whom they block faster than this many answers is asked to come back.
    private const int AttemptsMax = 4;

    private readonly int concurrencyMax = options.Value.BlockedConcurrencyMax;
    private readonly int retryAfterSeconds = options.Value.RetryAfterSeconds;

    /// <summary>Answers with the blocks of these users; adds the positions they were read at to the answer's freshness.</summary>
    public async Task<T> AnswerAsync<T>(
        IReadOnlyCollection<ulong> users, RoutingTable table, PositionWait wait,
        Func<IReadOnlyDictionary<ulong, BlockedUsers>, AnswerFreshness, Task<T>> answer, CancellationToken cancellation)
    {
        for (var attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            var blocked = await ReadAsync(users, table, wait, cancellation);
            var freshness = new AnswerFreshness();
            var answered = await answer(blocked, freshness);
            foreach (var of in blocked.Values) freshness.Add(of.AsOf, table);
            if (await HeldAsync(blocked, freshness, table, cancellation)) return answered;
        }
        throw Problems.PartitionUnavailable("whom the user blocked kept changing under the answer", retryAfterSeconds);
    }

    private async Task<bool> HeldAsync(
        IReadOnlyDictionary<ulong, BlockedUsers> blocked, AnswerFreshness freshness, RoutingTable table, CancellationToken cancellation)
    {
        var doubtful = blocked.Values.Where(b => b.AsOf.Position != freshness.PositionOf(b.AsOf.Partition)).ToList();
        if (doubtful.Count == 0) return true;
        var again = await ReadAsync([.. doubtful.Select(b => b.UserId)], table, PositionWait.Nothing, cancellation);
        return doubtful.All(b =>
            again[b.UserId].AsOf.Position >= freshness.PositionOf(b.AsOf.Partition)
            && again[b.UserId].BlockedUserIds.ToHashSet().SetEquals(b.BlockedUserIds));
    }

    private async Task<IReadOnlyDictionary<ulong, BlockedUsers>> ReadAsync(
        IReadOnlyCollection<ulong> users, RoutingTable table, PositionWait wait, CancellationToken cancellation)
    {
        var blocked = new ConcurrentDictionary<ulong, BlockedUsers>();
        var bounded = new ParallelOptions { MaxDegreeOfParallelism = concurrencyMax, CancellationToken = cancellation };
        await Parallel.ForEachAsync(users, bounded, async (user, stop) =>
        {
            var partition = table.PartitionOf(user);
            var owner = routes.OwnerOf(table, partition);
            blocked[user] = await questions.AskAsync(owner, new GetBlockedUsersRequest { UserId = user }, partition, wait, stop);
        });
        return blocked;
    }
}
