using System.Globalization;
using System.Text;
using Google.Protobuf;
using ReadStateStream.Oracle;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>What a fold must survive: limits, facts about what is not known, records that cannot be folded.</summary>
public sealed class BadInputTests : IDisposable
{
    private const ulong Amy = 1, Bob = 2, Channel = 500;
    private static readonly OraclePolicy Policy = new();

    private readonly PartitionTester product = new(Policy.ToOptions(), 2, PartitionTester.Large());
    private readonly ReadStateOracle oracle = new(Policy, 2);
    private readonly int home = Partitioner.PartitionOf(Channel, 2);
    private ulong lastEventId;

    public void Dispose() => product.Dispose();

    [Theory]
    [InlineData(4 << 10)]
    [InlineData(256 << 10)]
    public void Sixteen_messages_of_ten_thousand_mentions_each_in_one_channel(int pageBytes)
    {
        var store = new ReadStateStream.Partition.Store.StoreOptions
        {
            LogMemoryBytes = 32 << 20, PageBytes = pageBytes, IndexBytes = 64 << 10, SegmentBytes = 64 << 20,
        };
        using var crowded = new PartitionTester(Policy.ToOptions(), 2, store);
        Create(crowded);
        for (ulong id = 1; id <= 16; id++)
        {
            var sent = Sent(id);
            sent.MessageSent.MentionedUserIds.Add(Enumerable.Range(1, 10_000).Select(user => (ulong)user));
            Tell(crowded, sent);
        }
        RequireSame(crowded);
        Assert.Equal(16UL, oracle.State(Amy, Channel).Counts.Named);

        Tell(crowded, Deleted(3));
        Tell(crowded, Fact(e => e.MessageEdited = new MessageEdited { ChannelId = Channel, MessageId = 4, MentionedUserIds = { Bob } }));
        Tell(crowded, Fact(e => e.MessagesPurged = new MessagesPurged { ChannelId = Channel, BeforeId = 3 }));
        RequireSame(crowded);
        Assert.Equal(12UL, oracle.State(Amy, Channel).Counts.Named);
        Assert.Null(new ChannelInspection(crowded.Stores[home], Channel).Broken);
    }

    [Fact]
    public void A_thousand_and_one_deletes_of_messages_never_sent_say_incomplete_until_a_purge_above_them()
    {
        Create(product);
        for (ulong id = 1; id <= 1_000; id++) Tell(product, Deleted(id * 3));
        RequireSame(product);
        Assert.Equal((false, 0U), IncompleteOf(Amy));

        Tell(product, Deleted(3_003));
        RequireSame(product);
        Assert.Equal((true, 1U), IncompleteOf(Amy));

        // The lowest was lost, the others hold.
        Tell(product, Sent(3));
        Tell(product, Sent(6));
        RequireSame(product);
        Assert.Equal(1UL, oracle.State(Amy, Channel).Counts.Unread);

        Tell(product, Fact(e => e.MessagesPurged = new MessagesPurged { ChannelId = Channel, BeforeId = 4 }));
        RequireSame(product);
        Assert.Equal((false, 0U), IncompleteOf(Amy));
    }

    [Fact]
    public void A_read_beyond_the_head_covers_what_is_not_yet_sent()
    {
        Create(product);
        Tell(product, Sent(10));
        Tell(product, Fact(e => e.MessagesRead = new MessagesRead { ChannelId = Channel, UserId = Amy, UpToId = 20 }));
        foreach (var id in new ulong[] { 15, 20, 21 }) Tell(product, Sent(id));
        RequireSame(product);
        Assert.Equal((1UL, 20UL), (oracle.State(Amy, Channel).Counts.Unread, oracle.State(Amy, Channel).LastReadId));
    }

    [Fact]
    public void An_edit_or_delete_of_an_unknown_message_waits_for_it()
    {
        Create(product);
        Tell(product, Deleted(5));
        Tell(product, Fact(e => e.MessageEdited = new MessageEdited { ChannelId = Channel, MessageId = 6, MentionedUserIds = { Amy } }));
        RequireSame(product);
        Assert.Equal(0UL, oracle.State(Amy, Channel).LastMessageId);
        Tell(product, Sent(5));
        Tell(product, Sent(6));
        RequireSame(product);
        Assert.Equal((1UL, 1UL), (oracle.State(Amy, Channel).Counts.Unread, oracle.State(Amy, Channel).Counts.Named));
    }

    [Fact]
    public void A_join_of_one_who_is_present_leaves_the_baseline()
    {
        Create(product);
        Tell(product, Sent(1));
        Tell(product, Joined(Amy));
        RequireSame(product);
        Assert.Equal(1UL, oracle.State(Amy, Channel).Counts.Unread);
    }

    [Fact]
    public void A_channel_never_created_exists_from_its_first_event_on()
    {
        Tell(product, Joined(Amy));
        Tell(product, Sent(1));
        RequireSame(product);
        Assert.Equal((1UL, ChannelKind.Guild), (oracle.State(Amy, Channel).Counts.Unread, oracle.State(Amy, Channel).Kind));
    }

    [Fact]
    public void What_members_do_in_a_deleted_channel_has_no_effect()
    {
        Create(product);
        Tell(product, Sent(1));
        Tell(product, Fact(e => e.ChannelDeleted = new ChannelDeleted { ChannelId = Channel }));
        Tell(product, Joined(3));
        Tell(product, Sent(2));
        Tell(product, Fact(e => e.ChannelMuted = new ChannelMuted { ChannelId = Channel, UserId = Amy, On = true }));
        Tell(product, Fact(e => e.MessagesRead = new MessagesRead { ChannelId = Channel, UserId = Amy, UpToId = 2 }));
        Create(product);
        RequireSame(product);
        Assert.False(oracle.State(Amy, Channel).Member);
        Assert.Empty(oracle.ChannelsOf(Amy));
    }

    public static TheoryData<string> Unfoldable => ["no protobuf", "unknown case", "another key", "no number as key", "no key", "another partition", "another's control record"];

    [Theory]
    [MemberData(nameof(Unfoldable))]
    public void What_cannot_be_folded_is_outstanding_until_resolved_or_waived_and_the_partition_goes_on(string what)
    {
        Create(product);
        Tell(product, Sent(1));
        product.Run();
        var partition = what == "another partition" ? 1 - home : home;
        var offset = product.Partitions[partition].Position;
        var (key, value) = Record(what);
        product.Append(partition, key, value);
        product.Append(partition, key, value);
        Tell(product, Sent(2));
        RequireSame(product);
        Assert.Equal(2, product.Partitions[partition].DeadLetters);
        Assert.Equal(2U, FreshnessOf(partition).Incomplete);
        Assert.NotEmpty(product.DeadLetterReasons[(partition, offset)]);

        Tell(product, Fact(e => e.DeadLetterResolved = new DeadLetterResolved { Partition = (uint)partition, Offset = (ulong)offset }));
        product.Run();
        Assert.Equal(1U, FreshnessOf(partition).Incomplete);
        Tell(product, Fact(e => e.DeadLetterWaived = new DeadLetterWaived { Partition = (uint)partition, Offset = (ulong)offset + 1, Reason = "test" }));
        Tell(product, Fact(e => e.DeadLetterWaived = new DeadLetterWaived { Partition = (uint)partition, Offset = (ulong)offset + 1, Reason = "again" }));
        RequireSame(product);
        Assert.Equal(0, product.Partitions[partition].DeadLetters);
        Assert.Equal(0U, FreshnessOf(partition).Incomplete);
    }

    [Fact]
    public void More_dead_letters_than_a_record_holds_are_each_counted_and_each_resolved()
    {
        var (key, value) = Record("no protobuf");
        var first = product.Partitions[home].Position;
        for (var i = 0; i < 3_000; i++) product.Append(home, key, value);
        product.Run();
        Assert.Equal(3_000, product.Partitions[home].DeadLetters);
        for (var i = 2_999; i >= 0; i--)
            Tell(product, Fact(e => e.DeadLetterResolved = new DeadLetterResolved { Partition = (uint)home, Offset = (ulong)(first + i) }));
        product.Run();
        Assert.Equal(0, product.Partitions[home].DeadLetters);
    }

    private (byte[] Key, byte[] Value) Record(string what)
    {
        var sent = Sent(7).ToByteArray();
        return what switch
        {
            "no protobuf" => (Key(Channel), [0xff, 0xff, 0xff, 0xff]),
            // event_id, then field 99 with an empty message.
            "unknown case" => (Key(Channel), [0x08, 0x05, 0x9a, 0x06, 0x00]),
            "another key" => (Key(SameHomeAs(Channel)), sent),
            "no number as key" => (Encoding.UTF8.GetBytes("500x"), sent),
            "no key" => ([], sent),
            "another partition" => (Key(Channel), sent),
            "another's control record" => (Encoding.UTF8.GetBytes($"#{1 - home}"),
                Fact(e => e.DeadLetterWaived = new DeadLetterWaived { Partition = (uint)(1 - home), Offset = 0 }).ToByteArray()),
            _ => throw new ArgumentException(what),
        };
    }

    private static byte[] Key(ulong id) => Encoding.UTF8.GetBytes(id.ToString(CultureInfo.InvariantCulture));

    private static ulong SameHomeAs(ulong channel)
    {
        var other = channel + 1;
        while (Partitioner.PartitionOf(other, 2) != Partitioner.PartitionOf(channel, 2)) other++;
        return other;
    }

    private (bool State, uint Partition) IncompleteOf(ulong user)
    {
        var key = new GetStatesRequest.Types.Key { UserId = user, ChannelId = Channel };
        var (states, freshness) = product.Ask(
            home, p => p.GetStatesAsync([key], new BlockedLookup(), 0, default));
        return (states[0].Incomplete, freshness.Incomplete);
    }

    private PartitionFreshness FreshnessOf(int partition) => product.Ask(
        partition, p => p.GetStatesAsync([], new BlockedLookup(), 0, default)).Freshness;

    private void RequireSame(PartitionTester tester)
    {
        tester.Run();
        Assert.Null(OracleComparison.FirstDifference(tester, oracle, null, 1, 3, 5));
    }

    private void Tell(PartitionTester tester, ChannelEvent fact)
    {
        tester.Append(fact);
        oracle.Append(fact);
    }

    private void Create(PartitionTester tester) => Tell(tester, Fact(e => e.ChannelCreated = new ChannelCreated
    {
        ChannelId = Channel, Kind = ChannelKind.Guild, MemberIds = { Amy, Bob },
    }));

    private ChannelEvent Fact(Action<ChannelEvent> set)
    {
        var fact = new ChannelEvent { EventId = ++lastEventId };
        set(fact);
        return fact;
    }

    private ChannelEvent Joined(ulong user) => Fact(e => e.MemberJoined = new MemberJoined { ChannelId = Channel, UserId = user });

    private ChannelEvent Sent(ulong id) => Fact(e => e.MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = Bob });

    private ChannelEvent Deleted(ulong id) => Fact(e => e.MessageDeleted = new MessageDeleted { ChannelId = Channel, MessageId = id });
}
