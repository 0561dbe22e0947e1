using ReadStateStream.Oracle;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.OracleChecks;

/// <summary>What the vectors leave open, counted by hand.</summary>
public class OracleAnswerTests
{
    private const ulong Amy = 1, Bob = 2, Channel = 100;
    private const long EpochUnixMs = 1_420_070_400_000;

    private ulong lastEventId;

    [Fact]
    public void Capped_where_the_greatest_id_that_left_arrived_after_the_join_and_is_not_read()
    {
        var oracle = Created(new OraclePolicy { Window = 2 });
        foreach (var id in new ulong[] { 10, 20, 30, 40 }) oracle.Append(Sent(id));
        Assert.Equal(new OracleCounts(2, 0, 0, 0, null, true), oracle.State(Amy, Channel).Counts);
        Assert.True(oracle.Totals(Amy).Capped);

        // L is 20; whoever joins now has it behind, and so has whoever read up to it.
        oracle.Append(new ChannelEvent { EventId = Next(), MemberJoined = new MemberJoined { ChannelId = Channel, UserId = 3 } });
        Assert.Equal(OracleCounts.None, oracle.State(3, Channel).Counts);
        oracle.Append(Read(Amy, 20));
        Assert.Equal(new OracleCounts(2, 0, 0, 0, 30, false), oracle.State(Amy, Channel).Counts);
    }

    [Fact]
    public void Not_capped_once_what_left_lies_below_the_floor()
    {
        var oracle = Created(new OraclePolicy { Window = 1 }).AppendAll([Sent(10), Sent(20)]);
        Assert.True(oracle.State(Amy, Channel).Counts.Capped);
        oracle.Append(Purged(before: 11));
        Assert.Equal(new OracleCounts(1, 0, 0, 0, 20, false), oracle.State(Amy, Channel).Counts);
    }

    [Fact]
    public void A_late_id_under_a_full_window_leaves_at_once_and_still_raises_nothing_but_what_left()
    {
        var oracle = Created(new OraclePolicy { Window = 2 }).AppendAll([Sent(20), Sent(30), Sent(10)]);
        Assert.Equal(new OracleCounts(2, 0, 0, 0, null, true), oracle.State(Amy, Channel).Counts);
        Assert.False(oracle.Probe(Amy, Channel, 10).Exists);
    }

    [Fact]
    public void Incomplete_while_the_message_of_a_lost_edit_or_delete_may_still_come()
    {
        var oracle = Created(new OraclePolicy { WaitingLimit = 2 });
        oracle.AppendAll([Deleted(5), Deleted(7)]);
        Assert.False(oracle.State(Amy, Channel).Incomplete);
        oracle.Append(Deleted(9));
        Assert.True(oracle.State(Amy, Channel).Incomplete);

        // The lost deletion of 5 does not hold, the others do.
        oracle.AppendAll([Sent(5), Sent(7), Sent(9)]);
        Assert.Equal(1UL, oracle.State(Amy, Channel).Counts.Unread);
        oracle.Append(Purged(before: 5));
        Assert.True(oracle.State(Amy, Channel).Incomplete);
        oracle.Append(Purged(before: 6));
        Assert.False(oracle.State(Amy, Channel).Incomplete);
    }

    [Fact]
    public void A_message_that_names_and_mentions_everyone_is_named()
    {
        var oracle = Created(new OraclePolicy(), ChannelKind.Group);
        var both = Sent(1);
        both.MessageSent.MentionedUserIds.Add([Amy, Amy]);
        both.MessageSent.MentionsEveryone = true;
        var everyone = Sent(2);
        everyone.MessageSent.MentionsEveryone = true;
        oracle.AppendAll([both, everyone, Sent(3)]);
        Assert.Equal(new OracleCounts(3, 3, Named: 1, Everyone: 1, 1, false), oracle.State(Amy, Channel).Counts);

        oracle.Append(new ChannelEvent { EventId = Next(), ChannelMuted = new ChannelMuted { ChannelId = Channel, UserId = Amy, On = true } });
        Assert.Equal((0UL, 2UL), (oracle.State(Amy, Channel).BadgeUnread, oracle.State(Amy, Channel).BadgeMentions));
    }

    [Fact]
    public void The_last_read_time_is_that_of_the_newest_read_and_of_nothing_else()
    {
        var oracle = Created(new OraclePolicy());
        Assert.Equal(0, oracle.ReadState(Amy, Channel, EpochUnixMs).LastReadUnixMs);
        oracle.AppendAll([Sent(1), new ChannelEvent { EventId = 5_000UL << 22, MessagesRead = Read(Amy, 1).MessagesRead }]);
        Assert.Equal(EpochUnixMs + 5_000, oracle.ReadState(Amy, Channel, EpochUnixMs).LastReadUnixMs);

        oracle.AppendAll(
        [
            new ChannelEvent { EventId = 4_000UL << 22, MessagesRead = Read(Amy, 1).MessagesRead },
            new ChannelEvent { EventId = 6_000UL << 22, PointerSet = new PointerSet { ChannelId = Channel, UserId = Amy } },
            Sent(2, author: Amy),
        ]);
        Assert.Equal(EpochUnixMs + 5_000, oracle.ReadState(Amy, Channel, EpochUnixMs).LastReadUnixMs);
    }

    [Fact]
    public void The_last_message_id_is_the_greatest_ever_sent_even_where_the_message_is_ignored()
    {
        var oracle = Created(new OraclePolicy { Window = 1 });
        oracle.AppendAll([Purged(before: 50), Sent(40)]);
        Assert.Equal(40UL, oracle.State(Amy, Channel).LastMessageId);
        Assert.Equal(0UL, oracle.State(Amy, Channel).Counts.Unread);
    }

    [Fact]
    public void A_record_in_a_wrong_partition_is_a_dead_letter_until_it_is_resolved_or_waived()
    {
        var oracle = new ReadStateOracle(new OraclePolicy(), partitionCount: 8);
        var wrong = (Partitioner.PartitionOf(Channel, 8) + 1) % 8;
        var (first, second) = (oracle.Append(wrong, Sent(1)), oracle.Append(wrong, Sent(2)));
        Assert.Equal([first.Offset, second.Offset], oracle.DeadLetters(wrong));
        Assert.Equal(OracleProbe.Missing, oracle.Probe(Amy, Channel, 1));

        oracle.Append(new ChannelEvent
        {
            EventId = Next(), DeadLetterWaived = new DeadLetterWaived { Partition = (uint)wrong, Offset = (ulong)second.Offset },
        });
        Assert.Equal([first.Offset], oracle.DeadLetters(wrong));
    }

    [Fact]
    public void A_thread_with_a_pointer_of_its_own_is_read_apart()
    {
        var oracle = Created(new OraclePolicy { Threads = OracleThreads.Separate });
        oracle.AppendAll([Sent(1), Sent(2, thread: 1), Sent(3, thread: 1), Sent(4)]);
        var read = Read(Amy, 2);
        read.MessagesRead.ThreadRootId = 1;
        oracle.Append(read);
        Assert.Equal([0UL, 1UL], oracle.ThreadsOf(Amy, Channel));
        Assert.Equal(new OracleThread(0, new OracleCounts(2, 0, 0, 0, 1, false), 0, 4), oracle.Thread(Amy, Channel, 0));
        Assert.Equal(new OracleThread(1, new OracleCounts(1, 0, 0, 0, 3, false), 2, 3), oracle.Thread(Amy, Channel, 1));
        Assert.Equal(3UL, oracle.State(Amy, Channel).Counts.Unread);
    }

    private ReadStateOracle Created(OraclePolicy policy, ChannelKind kind = ChannelKind.Guild) =>
        new ReadStateOracle(policy).AppendAll([new ChannelEvent
        {
            EventId = Next(), ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = kind, MemberIds = { Amy, Bob } },
        }]);

    private ChannelEvent Sent(ulong id, ulong author = Bob, ulong thread = 0) => new()
    {
        EventId = Next(),
        MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = author, ThreadRootId = thread },
    };

    private ChannelEvent Deleted(ulong id) =>
        new() { EventId = Next(), MessageDeleted = new MessageDeleted { ChannelId = Channel, MessageId = id } };

    private ChannelEvent Purged(ulong before) =>
        new() { EventId = Next(), MessagesPurged = new MessagesPurged { ChannelId = Channel, BeforeId = before } };

    private ChannelEvent Read(ulong user, ulong upTo) =>
        new() { EventId = Next(), MessagesRead = new MessagesRead { ChannelId = Channel, UserId = user, UpToId = upTo } };

    private ulong Next() => ++lastEventId;
}
