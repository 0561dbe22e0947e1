using ReadStateStream.Fold;
using ReadStateStream.Schemas.V1;
using Xunit;
using static ReadStateStream.Unit.Partition.Chat;

namespace ReadStateStream.Unit.Partition;

/// <summary>
/// An event at the very offset that an aggregate has applied is a no-op, whatever it says. The same event again would
/// change nothing either way, so another one is put in its place.
/// </summary>
public class OffsetGuardTests
{
    private const ulong LetterAt = 0;

    public static TheoryData<string, bool> Cases()
    {
        var cases = new TheoryData<string, bool>();
        foreach (var name in Events.Keys.Order(StringComparer.Ordinal))
            foreach (var isImmutable in new[] { false, true })
                cases.Add(name, isImmutable);
        return cases;
    }

    /// <summary>What was applied last, and what stands at its offset afterwards.</summary>
    private static readonly Dictionary<string, (ChannelEvent Applied, ChannelEvent Other)> Events = new()
    {
        ["read state"] = (Read(150), Read(160)),
        ["channel's tail"] = (Sent(201), Sent(202)),
        ["channel's blocks"] = (Deleted(5), Deleted(6)),
        ["user's blocks"] = (Blocked(Bob), Blocked(Cat)),
        ["dead letters"] = (Resolved(LetterAt), Resolved(LetterAt + 1)),
    };

    /// <param name="name">Which aggregate.</param>
    /// <param name="isImmutable">Its record cannot be changed in place.</param>
    [Theory]
    [MemberData(nameof(Cases))]
    public void What_stands_at_the_applied_offset_has_no_effect(string name, bool isImmutable)
    {
        var (applied, other) = Events[name];
        var before = Before();
        using var source = Folded([.. before, applied]);
        var expected = Describe(source);
        using (var control = Folded([.. before, applied, other]))
            Assert.NotEqual(expected, Describe(control));

        using var restored = new PartitionTester(new PolicyOptions(), replayFrom: before.Count);
        StoreImage.Of(source.Stores[0], KeyUniverse.Of(before.OfType<ChannelEvent>())).CopyTo(restored.Stores[0]);
        if (isImmutable) restored.Stores[0].Fold();
        Append(restored, [.. before, other]);
        restored.Run();
        Assert.Equal(before.Count + 1, restored.Partitions[0].Position);
        Assert.Equal(expected, Describe(restored));
    }

    private static PartitionTester Folded(List<ChannelEvent?> records)
    {
        var product = new PartitionTester(new PolicyOptions());
        Append(product, records);
        product.Run();
        return product;
    }

    // Event ids that grow by position, so that no other rule than the offset's can refuse an event.
    private static void Append(PartitionTester product, List<ChannelEvent?> records)
    {
        var eventId = 1_000UL;
        foreach (var record in records)
        {
            eventId++;
            if (record is null)
            {
                product.Append(0, "1"u8.ToArray(), [0xff, 0xff, 0xff]);
                continue;
            }
            record.EventId = eventId;
            product.Append(record);
        }
    }

    /// <summary>Two records that cannot be folded, then a channel with many messages; null: one that cannot be folded.</summary>
    private static List<ChannelEvent?> Before()
    {
        var created = new ChannelCreated { ChannelId = Channel, Kind = Schemas.V1.ChannelKind.Guild };
        created.MemberIds.Add([Amy, Bob, Cat]);
        List<ChannelEvent?> records = [null, null, new ChannelEvent { ChannelCreated = created }, Blocked(999)];
        for (var id = 1UL; id <= 200; id++) records.Add(Sent(id));
        records.Add(Read(3));
        return records;
    }

    private static ChannelEvent Sent(ulong id) => new() { MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = Bob } };

    private static ChannelEvent Deleted(ulong id) => new() { MessageDeleted = new MessageDeleted { ChannelId = Channel, MessageId = id } };

    private static ChannelEvent Read(ulong upTo) => new() { MessagesRead = new MessagesRead { ChannelId = Channel, UserId = Amy, UpToId = upTo } };

    private static ChannelEvent Blocked(ulong who) => new() { UserBlocked = new UserBlocked { UserId = Amy, BlockedUserId = who, On = true } };

    private static ChannelEvent Resolved(ulong offset) => new() { DeadLetterResolved = new DeadLetterResolved { Offset = offset } };

    private static string Describe(PartitionTester product)
    {
        var states = product.States(
            [.. new[] { Amy, Bob }.Select(user => new GetStatesRequest.Types.Key { UserId = user, ChannelId = Channel, Threads = true })]);
        var blocked = product.Ask(0, partition => partition.GetBlockedUsersAsync(Amy, 0, default)).BlockedUserIds;
        return $"{string.Join('\n', states)}\nblocked {string.Join(',', blocked.Order())}, {product.Partitions[0].DeadLetters} dead letters";
    }
}
