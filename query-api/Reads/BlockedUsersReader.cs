using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>
/// Whom users blocked, from the owners of the users' own partitions: handed to processors that do not own these.
/// </summary>
internal sealed class BlockedUsersReader(ProcessorQuestions questions, MovedPartitionRetry routes, IOptions<AnswerOptions> options)
{
    private readonly int concurrencyMax = options.Value.BlockedConcurrencyMax;

    /// <summary>By user; each user once.</summary>
    public async Task<IReadOnlyDictionary<ulong, BlockedUsers>> ReadAsync(
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
