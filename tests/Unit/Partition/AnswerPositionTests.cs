using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.V1;
using Xunit;
using static ReadStateStream.Unit.Partition.Chat;

namespace ReadStateStream.Unit.Partition;

/// <summary>Every part of an answer is of one position, and says which.</summary>
public class AnswerPositionTests
{
    private const ulong Cold = 8;

    [Fact]
    public async Task An_answer_that_waits_for_records_on_disk_is_of_one_position()
    {
        using var chat = new Chat(store: PartitionTester.Tiny()).Created(members: [Amy, Bob]);
        var product = chat.Product;
        chat.Add(In(Cold, new ChannelCreated { MemberIds = { Amy } }));
        chat.Add(new ChannelEvent { MessageSent = new MessageSent { ChannelId = Cold, MessageId = 1, AuthorId = Bob } });
        for (var other = 1_000UL; other < 4_000; other++) chat.Add(In(other, new ChannelCreated { MemberIds = { Bob } }));
        var sent = 1UL;
        chat.Sent(sent);
        product.Run();

        var (diskReads, before) = (product.Figures.DiskReads, product.Partitions[0].Position);
        var keys = new[] { Channel, Cold }.Select(channel => new GetStatesRequest.Types.Key { UserId = Amy, ChannelId = channel }).ToList();
        var answer = product.Partitions[0].GetStatesAsync(keys, new BlockedLookup(), 0, TestContext.Current.CancellationToken);
        while (!answer.IsCompleted)
        {
            chat.Sent(++sent);
            product.Partitions[0].Step();
        }

        var (states, freshness) = await answer;
        Assert.True(product.Figures.DiskReads > diskReads, "everything lay in memory");
        // Each record since is one more message: the figures tell the position that they are of.
        var folded = 1 + freshness.Position - (ulong)before;
        Assert.InRange(folded, 3UL, sent);
        Assert.Equal((folded, folded), (states[0].Counts.Unread, states[0].LastMessageId));
        Assert.Equal(1UL, states[1].Counts.Unread);
    }

    [Fact]
    public async Task A_question_waits_for_the_position_that_it_names()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]).Sent(1);
        var partition = chat.Product.Partitions[0];
        chat.Product.Run();
        var key = new GetStatesRequest.Types.Key { UserId = Amy, ChannelId = Channel };
        var answer = partition.GetStatesAsync([key], new BlockedLookup(), partition.Position + 1, TestContext.Current.CancellationToken);
        while (partition.Step()) Assert.False(answer.IsCompleted);
        Assert.False(answer.IsCompleted);
        chat.Sent(2);
        while (!answer.IsCompleted) partition.Step();
        Assert.Equal(2UL, (await answer).States[0].Counts.Unread);
    }

    [Fact]
    public void A_record_that_cannot_be_folded_counts_until_it_is_resolved_or_waived_once()
    {
        using var chat = new Chat().Created(members: [Amy, Bob]);
        chat.Product.Append(0, "7"u8.ToArray(), [0xff]);
        chat.Product.Append(0, "7"u8.ToArray(), [0xff, 1]);
        Assert.Equal(2U, Incomplete());
        chat.Add(Resolved(1));
        Assert.Equal(1U, Incomplete());
        chat.Add(Resolved(1)).Add(Resolved(0));
        Assert.Equal(1U, Incomplete());
        chat.Add(new ChannelEvent { DeadLetterWaived = new DeadLetterWaived { Partition = 0, Offset = 2 } });
        Assert.Equal(0U, Incomplete());

        uint Incomplete()
        {
            chat.Product.Run();
            return chat.Product.Ask(0, p => p.GetStatesAsync([], new BlockedLookup(), 0, default)).Freshness.Incomplete;
        }

        static ChannelEvent Resolved(ulong offset) => new() { DeadLetterResolved = new DeadLetterResolved { Partition = 0, Offset = offset } };
    }

    [Fact]
    public void A_block_is_that_of_the_greatest_event_id()
    {
        using var chat = new Chat();
        chat.Add(Block(Bob, on: true), 50).Add(Block(Bob, on: false), 40).Add(Block(Cat, on: true), 60).Add(Block(Cat, on: false), 70);
        chat.Product.Run();
        Assert.Equal([Bob], chat.Product.Blocked([Amy]).Of(Amy).ToArray());

        static ChannelEvent Block(ulong whom, bool on) =>
            new() { UserBlocked = new UserBlocked { UserId = Amy, BlockedUserId = whom, On = on } };
    }

    private static ChannelEvent In(ulong channel, ChannelCreated created)
    {
        created.ChannelId = channel;
        return new ChannelEvent { ChannelCreated = created };
    }
}
