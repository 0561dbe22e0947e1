using ReadStateStream.Oracle;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Partition;

namespace ReadStateStream.Simulation.World;

/// <summary>An owner could not be asked now.</summary>
internal sealed class NotAskedException(Exception inner) : Exception(inner.Message, inner);

/// <summary>Owners of all partitions as the comparison with the oracle asks them; one thread, nothing is folded meanwhile.</summary>
internal sealed class AskedOwners(IReadOnlyList<Owner> owners, IReadOnlyList<SimulatedLog> logs) : IAsked
{
    /// <summary>Steps after which a question has been answered, whatever of it lay on disk.</summary>
    private const int StepsAQuestion = 8;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public int PartitionCount => owners.Count;

    public IReadOnlyList<ReadState> States(IReadOnlyList<GetStatesRequest.Types.Key> keys, BlockedLookup? blocked = null)
    {
        var states = new ReadState[keys.Count];
        foreach (var group in keys.Select((key, index) => (key, index)).GroupBy(k => Partitioner.PartitionOf(k.key.ChannelId, PartitionCount)))
        {
            var asked = group.ToList();
            var answer = Ask(group.Key, p => p.GetStatesAsync([.. asked.Select(a => a.key)], blocked ?? new BlockedLookup(), 0, default));
            if (answer.Freshness.Position != (ulong)owners[group.Key].Partition.Position)
                throw new InvalidOperationException($"the answer is of {answer.Freshness.Position}, the partition at {owners[group.Key].Partition.Position}");
            for (var i = 0; i < asked.Count; i++) states[asked[i].index] = answer.States[i];
        }
        return states;
    }

    public BlockedLookup Blocked(IEnumerable<ulong> users)
    {
        var blocked = new BlockedLookup();
        foreach (var user in users)
            blocked.Add(user, Ask(Partitioner.PartitionOf(user, PartitionCount), p => p.GetBlockedUsersAsync(user, 0, default)).BlockedUserIds);
        return blocked;
    }

    public T Ask<T>(int partition, Func<StatePartition, Task<T>> question)
    {
        var asked = owners[partition].Partition;
        owners[partition].Appetite = long.MaxValue;
        logs[partition].Pause(asked.Position);
        try
        {
            var answer = question(asked);
            // The answer is finished on a thread of its own: the number of steps must not depend on when.
            for (var i = 0; i < StepsAQuestion; i++) asked.Step();
            return answer.WaitAsync(Patience).GetAwaiter().GetResult();
        }
        catch (PartitionUnavailableException away)
        {
            throw new NotAskedException(away);
        }
        finally
        {
            logs[partition].Resume();
            owners[partition].Appetite = 0;
        }
    }
}

/// <summary>What the oracle says of the logs up to some positions.</summary>
internal sealed class Judge(Scenario scenario, IReadOnlyList<SimulatedLog> logs)
{
    private readonly ReadStateOracle[] oracles = new ReadStateOracle[scenario.Logs.Logs.Count];
    private readonly long[] told = new long[logs.Count];
    private int histories = -1;

    /// <summary>The first difference in one generated log's users and channels, or in all; null where there is none.</summary>
    public string? Difference(AskedOwners asked, IReadOnlyList<Owner> owners, int? only)
    {
        TellUpTo([.. owners.Select(owner => owner.Partition.Position)]);
        for (var i = 0; i < oracles.Length; i++)
        {
            if (only is { } one && one != i) continue;
            var difference = only is null
                ? OracleComparison.FirstDifference(asked, oracles[i], InterleavedLogs.Map(i))
                : OracleComparison.StateDifference(asked, oracles[i], InterleavedLogs.Map(i));
            if (difference is not null) return $"log {i} at {string.Join(',', told)}: {difference}";
        }
        // Last: whoever answered is past what restored rows may be ahead by.
        for (var partition = 0; partition < owners.Count; partition++)
        {
            if (owners[partition].Partition.State != PartitionState.Running) continue;
            var expected = DeadLetters(partition, told[partition]);
            if (owners[partition].Partition.DeadLetters != expected)
                return $"partition {partition} at {told[partition]}: {owners[partition].Partition.DeadLetters} dead letters, expected {expected}";
        }
        return null;
    }

    private void TellUpTo(long[] positions)
    {
        var now = logs.Sum(static log => log.History);
        if (now != histories || positions.Where((position, i) => position < told[i]).Any())
        {
            for (var i = 0; i < oracles.Length; i++) oracles[i] = new ReadStateOracle(scenario.Logs.Policy);
            Array.Clear(told);
            histories = now;
        }
        for (var partition = 0; partition < positions.Length; partition++)
            for (; told[partition] < positions[partition]; told[partition]++)
                if (logs[partition].Entries[(int)told[partition]] is { Source: >= 0, Event: { } fact } entry)
                    oracles[entry.Source].Append(fact);
    }

    private int DeadLetters(int partition, long position)
    {
        var letters = new HashSet<long>();
        for (var offset = 0; offset < position; offset++)
        {
            if (logs[partition].Entries[offset] is not { Source: < 0 } entry) continue;
            if (entry.Event is null) letters.Add(offset);
            else letters.Remove((long)(entry.Event.DeadLetterResolved?.Offset ?? entry.Event.DeadLetterWaived.Offset));
        }
        return letters.Count;
    }
}
