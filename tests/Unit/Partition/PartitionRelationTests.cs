using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using ReadStateStream.Unit.OracleChecks;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>The metamorphic relations of the design, of the real partition; each compares full state with the oracle.</summary>
public class PartitionRelationTests
{
    [Fact]
    public void Dropping_the_store_at_any_cut_and_replaying_equals_the_oracle_there_and_at_every_later_cut() => RelationCheck.ForLogs(
        100_000, 120, log =>
        {
            var random = new Random(log.Seed);
            var cut = random.Next(log.Events.Count + 1);
            var oracle = new ReadStateOracle(log.Policy);
            using (var first = new PartitionTester(log.Policy.ToOptions()))
            {
                if (Told(first, oracle, log.Facts.Take(cut)) is { } early) return $"at cut {cut}: {early}";
            }
            using var second = new PartitionTester(log.Policy.ToOptions());
            foreach (var fact in log.Facts.Take(cut)) second.Append(fact);
            second.Run();
            if (OracleComparison.FirstDifference(second, oracle, null, Probes(log)) is { } replayed) return $"replayed to cut {cut}: {replayed}";
            foreach (var part in log.Facts.Skip(cut).Chunk(1 + random.Next(60)))
                if (Told(second, oracle, part) is { } later) return $"after cut {cut}: {later}";
            return null;
        });

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(256)]
    public void The_size_of_batches_changes_nothing(int batchMax) => RelationCheck.ForLogs(200_000, 60, log =>
    {
        using var product = new PartitionTester(log.Policy.ToOptions(), batchMax: batchMax);
        return Told(product, new ReadStateOracle(log.Policy), log.Facts);
    });

    [Fact]
    public void Neighbours_about_different_aggregates_may_be_swapped() => RelationCheck.ForLogs(300_000, 150, log =>
    {
        using var product = new PartitionTester(log.Policy.ToOptions());
        return Difference(product, LogChanges.WithNeighboursSwapped(log.Facts, new Random(log.Seed)), log);
    });

    [Fact]
    public void Channels_and_users_may_arrive_in_any_order_among_each_other() => RelationCheck.ForLogs(400_000, 150, log =>
    {
        using var product = new PartitionTester(log.Policy.ToOptions());
        return Difference(product, LogChanges.Interleaved(log.Facts, new Random(log.Seed)), log);
    });

    [Fact]
    public void A_foreign_channel_changes_nothing_elsewhere() => RelationCheck.ForLogs(500_000, 100, log =>
    {
        var before = log.Oracle();
        var foreign = before.Channels.DefaultIfEmpty().Max() is var greatest && greatest < IdSpace.MaxId ? greatest + 1 : 999;
        var visitors = GeneratedLog.Make(log.Seed ^ 0x5eed, log.Events.Count).Facts.Select(fact => LogChanges.InChannel(fact, foreign));
        var merged = LogChanges.Merged(log.Facts, visitors.OfType<ChannelEvent>(), new Random(log.Seed)).ToList();
        using var product = new PartitionTester(log.Policy.ToOptions());
        return Told(product, new ReadStateOracle(log.Policy), merged)
            ?? OracleComparison.StateDifference(product, before, null, Probes(log));
    });

    [Fact]
    public void Only_the_order_of_message_ids_matters() => RelationCheck.ForLogs(600_000, 120, log =>
    {
        var mapping = LogChanges.OrderPreservingMapping(log.Facts);
        var before = log.Oracle();
        using var product = new PartitionTester(log.Policy.ToOptions());
        var difference = Told(
            product, new ReadStateOracle(log.Policy), log.Facts.Select(fact => LogChanges.WithMessageIds(fact, mapping)));
        if (difference is not null) return difference;
        var blocked = product.Blocked(before.Users);
        foreach (var expected in before.AllStates(PartitionTester.Epoch))
        {
            expected.Threads.Clear();
            var key = new GetStatesRequest.Types.Key { UserId = expected.UserId, ChannelId = expected.ChannelId };
            var actual = product.States([key], blocked)[0];
            var mapped = LogChanges.WithMessageIds(expected, mapping);
            if (!actual.Equals(mapped)) return $"user {expected.UserId} in channel {expected.ChannelId}:\n  got      {actual}\n  expected {mapped}";
        }
        return null;
    });

    [Fact]
    public void Duplicates_anywhere_change_nothing() => RelationCheck.ForLogs(700_000, 150, log =>
    {
        // What was lost from a full waiting list is out of the relation: delivered again it finds room at times.
        log = log with { Policy = log.Policy with { WaitingLimit = 1_000 } };
        var facts = log.FirstDeliveries.ToList();
        using var product = new PartitionTester(log.Policy.ToOptions());
        foreach (var fact in LogChanges.WithDuplicates(facts, new Random(log.Seed))) product.Append(fact);
        product.Run();
        return OracleComparison.FirstDifference(product, new ReadStateOracle(log.Policy).AppendAll(facts), null, Probes(log));
    }, sizeMax: 200);

    [Theory]
    [InlineData(1, 60)]
    [InlineData(8, 25)]
    [InlineData(32, 8)]
    public void The_partition_count_changes_nothing_and_the_total_is_the_sum_of_the_channels(int partitions, int logs) =>
        RelationCheck.ForLogs(800_000, logs, log =>
        {
            // Equal to the oracle of one partition: the count shows nowhere but in the partition's number.
            var one = log.Oracle();
            using var product = new PartitionTester(log.Policy.ToOptions(), partitions);
            foreach (var fact in log.Facts) product.Append(fact);
            product.Run();
            var blocked = product.Blocked(one.Users);
            foreach (var user in one.Users)
            {
                var states = product.States(
                    [.. one.Channels.Select(channel => new GetStatesRequest.Types.Key { UserId = user, ChannelId = channel })], blocked);
                var totals = Enumerable.Range(0, partitions).Select(partition => product.Ask(
                    partition, p => p.GetUserAsync(new GetUserRequest { UserId = user, TotalsOnly = true }, blocked, 0, default)).Totals).ToList();
                var sums = (Sum(states, s => s.BadgeUnread), Sum(states, s => s.BadgeMentions), states.Count(s => s.Member));
                var badge = (Sum(totals, t => t.Unread), Sum(totals, t => t.Mentions), (int)totals.Sum(t => t.Channels));
                var expected = one.Totals(user);
                if (sums != badge || badge != (expected.Unread, expected.Mentions, (int)expected.Channels))
                    return $"user {user}: channels {sums}, badge {badge}, expected {expected}";
                foreach (var state in states)
                {
                    var alone = one.ReadState(user, state.ChannelId, PartitionTester.Epoch);
                    alone.Partition = state.Partition;
                    if (!state.Equals(alone)) return $"user {user}:\n  got      {state}\n  expected {alone}";
                }
            }
            return OracleComparison.FirstDifference(product, log.Oracle(partitions), null, Probes(log));
        });

    private static ulong Sum<T>(IEnumerable<T> items, Func<T, ulong> figure) => items.Aggregate(0UL, (sum, item) => sum + figure(item));

    /// <summary>Tells both the same, then compares.</summary>
    private static string? Told(PartitionTester product, ReadStateOracle oracle, IEnumerable<ChannelEvent> facts)
    {
        var probes = new SortedSet<ulong>();
        foreach (var fact in facts)
        {
            product.Append(fact);
            oracle.Append(fact);
            if (fact.MessageSent is { } sent && probes.Count < 3) probes.Add(sent.MessageId);
        }
        product.Run();
        return OracleComparison.FirstDifference(product, oracle, null, [.. probes]);
    }

    /// <summary>The product is told the changed log, the oracle the log as it was.</summary>
    private static string? Difference(PartitionTester product, IEnumerable<ChannelEvent> changed, GeneratedLog log)
    {
        foreach (var fact in changed) product.Append(fact);
        product.Run();
        return OracleComparison.FirstDifference(product, log.Oracle(), null, Probes(log));
    }

    /// <summary>Some message ids of the log, first and last ones among them.</summary>
    private static ulong[] Probes(GeneratedLog log)
    {
        var ids = log.Facts.Where(fact => fact.MessageSent is not null).Select(fact => fact.MessageSent.MessageId).Distinct().Order().ToList();
        return ids.Count < 4 ? [.. ids] : [ids[0], ids[ids.Count / 2], ids[^2], ids[^1]];
    }
}
