using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Snapshots;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Reading;
using ReadStateStream.Unit.Generators;
using ReadStateStream.Unit.Partition;
using Xunit;

namespace ReadStateStream.QueryApiTests;

/// <summary>What is computed from shipped rows is what the partition computes from its store.</summary>
public class SnapshotComputationTests
{
    private const int Partitions = 3;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answers_of_random_logs_are_the_partitions_own()
    {
        var store = new FakeSnapshotStore();
        await using var api = await Deployment.StartApiAsync(
            ["--Snapshot:Store=files", "--Snapshot:Folder=unused"], services => services.AddSingleton<ISnapshotStore>(_ => store));
        var reader = api.Services.GetRequiredService<SnapshotReader>();
        int states = 0, threads = 0, capped = 0, deadLetters = 0;
        for (var seed = 1; seed <= 80; seed++)
        {
            var log = GeneratedLog.Make(seed, 40 + (seed % 10 * 30));
            using var topic = new ShippedTopic(Partitions, log.Policy.ToOptions(), 300 + seed, store: store);
            foreach (var fact in log.Facts) topic.Add(fact);
            topic.Product.Append(seed % Partitions, "1"u8.ToArray(), [0xff]); // a dead letter
            topic.Ship();
            var lineage = (await store.ListLineagesAsync(Stop))[^1];
            var source = new SnapshotSource(reader, _ => Task.FromResult(lineage), RoutingTable.Unowned("topic-1", (ulong)lineage.Number, Partitions));
            var universe = KeyUniverse.Of(log.Facts);
            var blocked = topic.Product.Blocked(universe.Users);

            var keys = (from user in universe.Users from channel in universe.Channels
                        select new GetStatesRequest.Types.Key { UserId = user, ChannelId = channel, Threads = true }).ToList();
            var read = await source.AskAsync(new GetStatesRequest { Keys = { keys } }, [0, 1, 2], PositionWait.Nothing, Stop);
            Assert.Equal(topic.Product.States(keys, blocked), read.Response.States);
            Assert.All(read.Parts, p => Assert.Equal(
                ((ulong)topic.Product.Partitions[(int)p.Partition].Position, true), (p.Position, p.Exact)));
            states += keys.Count;
            threads += read.Response.States.Sum(s => s.Threads.Count);
            capped += read.Response.States.Count(s => s.Counts is { Capped: true });
            deadLetters += topic.Product.Partitions.Sum(p => p.DeadLetters);

            foreach (var user in universe.Users) await CompareUserAsync(topic, source, user, blocked);
        }
        Assert.True(states > 500 && threads > 50 && capped > 10 && deadLetters > 10, $"{states} states, {threads} threads, {capped} capped, {deadLetters} dead letters");
    }

    private static async Task CompareUserAsync(ShippedTopic topic, SnapshotSource source, ulong user, BlockedLookup blocked)
    {
        await CompareUserAsync(topic, source, new GetUserRequest { UserId = user, TotalsOnly = true }, blocked);
        foreach (var unread in new[] { false, true })
            foreach (var after in new ulong[] { 0, ulong.MaxValue >> 2 })
                foreach (var limit in new uint[] { 1, 2, 1_000 })
                    await CompareUserAsync(topic, source, new GetUserRequest { UserId = user, UnreadOnly = unread, AfterChannelId = after, Limit = limit }, blocked);
        var read = await source.AskAsync(new GetBlockedUsersRequest { UserId = user }, topic.PartitionOf(user), PositionWait.Nothing, Stop);
        Assert.Equal(blocked.Of(user).ToArray(), read.Response.BlockedUserIds.Order());
    }

    private static async Task CompareUserAsync(ShippedTopic topic, SnapshotSource source, GetUserRequest request, BlockedLookup blocked)
    {
        request.Partitions.Add([0, 1, 2]);
        var read = await source.AskAsync(request, PositionWait.Nothing, Stop);
        for (var p = 0; p < Partitions; p++)
        {
            var expected = topic.Product.Ask(p, q => q.GetUserAsync(request, blocked, 0, Stop));
            Assert.Equal((expected.States, expected.More, expected.Totals), (read.Response[p].States, read.Response[p].More, read.Response[p].Totals));
            Assert.Equal(expected.Partitions.Single().Incomplete, read.Parts.Single(part => part.Partition == p).Incomplete);
        }
    }
}
