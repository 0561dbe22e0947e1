using Google.Protobuf;
using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Partition.Query;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using Xunit;
using static ReadStateStream.Unit.Partition.Chat;

namespace ReadStateStream.Unit.Partition;

/// <summary>A replay from before the offsets that the aggregates were restored at, on a log short enough to count by hand.</summary>
public class ReplayTests
{
    /// <summary>
    /// A deletion was given up beyond the bound. Applied again where there is room meanwhile, it would be kept,
    /// and take away the message that comes later: event ids alone do not make a replay exact.
    /// </summary>
    [Fact]
    public async Task An_aggregate_skips_what_it_has_applied()
    {
        var policy = new PolicyOptions { WaitingLimit = 1 };
        ChannelEvent[] before =
        [
            new() { EventId = 1, ChannelCreated = new ChannelCreated { ChannelId = Channel, MemberIds = { Amy } } },
            new() { EventId = 2, MessageDeleted = new MessageDeleted { ChannelId = Channel, MessageId = 3 } },
            new() { EventId = 3, MessageDeleted = new MessageDeleted { ChannelId = Channel, MessageId = 5 } },
            Sent(4, id: 5),
        ];
        using var files = new PartitionTester(policy);
        var store = files.OpenStore(policy, PartitionTester.Small(), number: 1);
        Fold(before, store, policy);

        var log = new MemoryLog();
        foreach (var record in before.Append(Sent(5, id: 3))) log.Append("7", record);
        using var partition = new StatePartition(new PartitionSettings(0, 1, policy, PartitionTester.Epoch, 3_600_000, TimeProvider.System), log, store);
        while (partition.Step() || partition.LagEvents > 0) Assert.Null(partition.Failure);

        var key = new GetStatesRequest.Types.Key { UserId = Amy, ChannelId = Channel };
        var answer = partition.GetStatesAsync([key], new BlockedLookup(), 0, TestContext.Current.CancellationToken);
        while (!answer.IsCompleted) partition.Step();
        var state = (await answer).States[0];
        Assert.Equal((1UL, 3UL, true), (state.Counts.Unread, state.Counts.FirstUnreadId, state.Incomplete));
    }

    private static ChannelEvent Sent(ulong eventId, ulong id) =>
        new() { EventId = eventId, MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = Bob } };

    private static void Fold(ChannelEvent[] records, StateStore store, PolicyOptions policy)
    {
        var aggregates = new Aggregates(store, StoredPolicy.From(policy));
        store.Lists = new FactLists();
        store.Enter();
        for (var offset = 0; offset < records.Length; offset++)
        {
            var fact = default(Fact);
            Assert.True(FactDecoder.TryDecode(records[offset].ToByteArray(), ref fact, store.Lists, out _));
            fact.Offset = offset;
            aggregates.Apply(fact, store.Lists);
        }
        store.Exit();
    }
}
