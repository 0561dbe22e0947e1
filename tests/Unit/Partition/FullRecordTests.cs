using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>A channel's record that is full makes room for whatever comes next: a message, a kind, a purge, its first block.</summary>
public class FullRecordTests
{
    private const ulong Channel = 7;

    [Fact]
    public void What_does_not_fit_moves_into_blocks()
    {
        for (var seed = 0; seed < 150; seed++)
        {
            var random = new Random(seed);
            using var product = new PartitionTester(new OraclePolicy().ToOptions(), store: PartitionTester.Tiny());
            var oracle = new ReadStateOracle(new OraclePolicy());
            var eventId = 0UL;
            var messageId = IdSpace.MaxId - 1_000;
            Tell(new ChannelEvent { MemberJoined = new MemberJoined { ChannelId = Channel, UserId = 1 } });
            for (var n = 0; n < 60; n++)
            {
                Tell(new ChannelEvent { MessageSent = Sent(messageId += random.Between(1, 3)) });
                if (random.Chance(0.3))
                    Tell(new ChannelEvent { ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = random.Pick([ChannelKind.Guild, ChannelKind.Group]) } });
                if (random.Chance(0.1))
                    Tell(new ChannelEvent { MessagesPurged = new MessagesPurged { ChannelId = Channel, BeforeId = messageId - random.Between(5, 40) } });
            }
            product.Run();
            Assert.Null(OracleComparison.FirstDifference(product, oracle));

            void Tell(ChannelEvent fact)
            {
                fact.EventId = ++eventId << 30;
                product.Append(fact);
                oracle.Append(fact);
            }

            MessageSent Sent(ulong id)
            {
                var sent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = 2, Kind = MessageKind.Text };
                for (var i = random.Next(0, 65); i > 0; i--) sent.MentionedUserIds.Add(random.Between(1, IdSpace.MaxId));
                return sent;
            }
        }
    }
}
