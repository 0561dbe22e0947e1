using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>Blocks whose messages differ much in length.</summary>
public class BlockSplitTests
{
    private const ulong Channel = 500;

    /// <summary>The long messages lie all in one half of the block: halves of equal count are not halves of equal length.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_block_with_its_long_messages_on_one_side_takes_another_long_one(bool longFirst)
    {
        var policy = new OraclePolicy();
        using var product = new PartitionTester(policy.ToOptions(), store: PartitionTester.Tiny());
        var oracle = new ReadStateOracle(policy);
        var events = 0UL;
        Tell(new ChannelEvent { ChannelCreated = new ChannelCreated { ChannelId = Channel, MemberIds = { 1 } } });
        for (ulong id = 2; id <= 80; id += 2) Tell(Sent(id, IsLong(id) ? 30 : 0, id));
        Tell(Sent(longFirst ? 5UL : 39, 64, 9_000));
        product.Run();
        var look = new ChannelInspection(product.Stores[0], Channel);
        Assert.Null(look.Broken);
        Assert.True(look.Blocks.Count > 1, "nothing was split");
        Assert.Null(OracleComparison.FirstDifference(product, oracle, null, 5, 39));

        bool IsLong(ulong id) => longFirst ? id is 4 or 6 : id is 38 or 40;

        void Tell(ChannelEvent fact)
        {
            fact.EventId = ++events;
            product.Append(fact);
            oracle.Append(fact);
        }
    }

    private static ChannelEvent Sent(ulong id, int mentions, ulong firstMentioned)
    {
        var sent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = 2 };
        for (var i = 0; i < mentions; i++) sent.MentionedUserIds.Add((firstMentioned * 100) + (ulong)i);
        return new ChannelEvent { MessageSent = sent };
    }
}
