using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>
/// Whom users blocked, from the sources of the users' own partitions: handed to sources that do not have these.
/// Invariant: an answer is of one position of every partition. Blocks that were read at another position of a
/// partition than its part of the answer are read again; where they are the same, they were so at that position
/// too (or changed and changed back within the answer's milliseconds); where not, the question is asked again.
/// </summary>
internal sealed class BlockedUsersReader(IOptions<AnswerOptions> options)
{
    // Whoever changes whom they block faster than this many answers is asked to come back.
    private const int AttemptsMax = 4;

    private readonly int concurrencyMax = options.Value.BlockedConcurrencyMax;
    private readonly int retryAfterSeconds = options.Value.RetryAfterSeconds;

    /// <summary>Answers with the blocks of these users; adds the positions they were read at to the answer's freshness.</summary>
    public async Task<T> AnswerAsync<T>(
        IReadOnlyCollection<ulong> users, AnswerSources sources, PositionWait wait,
        Func<IReadOnlyDictionary<ulong, BlockedUsers>, AnswerFreshness, Task<T>> answer, CancellationToken cancellation)
    {
        for (var attempt = 1; attempt <= AttemptsMax; attempt++)
        {
            var read = await ReadAsync(users, sources, wait, cancellation);
            var blocked = read.ToDictionary(r => r.Key, r => r.Value.Response);
            var freshness = new AnswerFreshness();
            var answered = await answer(blocked, freshness);
            foreach (var of in read.Values) freshness.Add(of.Parts);
            if (await HeldAsync(blocked, freshness, sources, cancellation)) return answered;
        }
        throw Problems.PartitionUnavailable("whom the user blocked kept changing under the answer", retryAfterSeconds);
    }

    private async Task<bool> HeldAsync(
        Dictionary<ulong, BlockedUsers> blocked, AnswerFreshness freshness, AnswerSources sources, CancellationToken cancellation)
    {
        var doubtful = blocked.Values.Where(b => b.AsOf.Position != freshness.PositionOf(b.AsOf.Partition)).ToList();
        if (doubtful.Count == 0) return true;
        var again = await ReadAsync([.. doubtful.Select(b => b.UserId)], sources, PositionWait.Nothing, cancellation);
        return doubtful.All(b =>
            again[b.UserId].Response.AsOf.Position >= freshness.PositionOf(b.AsOf.Partition)
            && again[b.UserId].Response.BlockedUserIds.ToHashSet().SetEquals(b.BlockedUserIds));
    }

    private async Task<IReadOnlyDictionary<ulong, Answered<BlockedUsers>>> ReadAsync(
        IReadOnlyCollection<ulong> users, AnswerSources sources, PositionWait wait, CancellationToken cancellation)
    {
        var asked = users.Select(u => (User: u, Partition: sources.Table.PartitionOf(u)))
            .Select(u => (u.User, u.Partition, Source: sources.Of(u.Partition))).ToList();
        var blocked = new ConcurrentDictionary<ulong, Answered<BlockedUsers>>();
        var bounded = new ParallelOptions { MaxDegreeOfParallelism = concurrencyMax, CancellationToken = cancellation };
        await Parallel.ForEachAsync(asked, bounded, async (ask, stop) =>
            blocked[ask.User] = await ask.Source.AskAsync(new GetBlockedUsersRequest { UserId = ask.User }, ask.Partition, wait, stop));
        return blocked;
    }
}
