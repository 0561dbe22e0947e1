using System.Globalization;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using Xunit;
using ReadState = ReadStateStream.Fold.ReadState;

namespace ReadStateStream.Unit.Partition;

/// <summary>Bytes of records, all-in: FASTER's header, key, value length and the value, in steps of 8.</summary>
public class RecordBudgetTests(ITestOutputHelper output)
{
    private const ulong Channel = 500;

    [Fact]
    public void A_plain_read_state_takes_72_bytes_and_with_any_two_optional_parts_96()
    {
        var plain = new ReadState { Member = true, MembershipEventId = 1, JoinOffset = 5, Pointer = 7, NewestReadEventId = 9 };
        Assert.InRange(BytesOf(plain), 1, 72);
        for (var one = 0; one < Parts.Length; one++)
        {
            for (var other = one + 1; other < Parts.Length; other++)
            {
                var state = Parts[other](Parts[one](plain));
                Assert.True(BytesOf(state) <= 96, $"parts {one} and {other}: {BytesOf(state)} bytes");
            }
        }
    }

    /// <summary>As the store keeps it: joined, read, and then muted and sent there.</summary>
    [Fact]
    public void The_store_keeps_a_state_within_its_budget()
    {
        using var product = new PartitionTester(new PolicyOptions());
        product.Append(new ChannelEvent { EventId = 1, MemberJoined = new MemberJoined { ChannelId = Channel, UserId = 1 } });
        product.Append(new ChannelEvent { EventId = 2, MessagesRead = new MessagesRead { ChannelId = Channel, UserId = 1, UpToId = 1UL << 62 } });
        product.Run();
        Assert.InRange(BytesOf(product, Key16.ReadState(1, Channel)), 1, 72);
        product.Append(new ChannelEvent { EventId = 3, ChannelMuted = new ChannelMuted { ChannelId = Channel, UserId = 1, On = true } });
        product.Append(Sent(1UL << 62, 1, []));
        product.Run();
        Assert.InRange(BytesOf(product, Key16.ReadState(1, Channel)), 73, 96);
    }

    [Fact]
    public void A_channel_with_seven_messages_of_four_people_takes_192_bytes()
    {
        using var product = new PartitionTester(new PolicyOptions());
        product.Append(new ChannelEvent { EventId = 1UL << 60, ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = Schemas.V1.ChannelKind.Guild } });
        var random = new Random(7);
        for (var i = 0; i < 7; i++)
        {
            product.Append(Sent(Snowflake(random, i), (ulong)random.Next(1, 5), i % 2 == 0 ? [(ulong)random.Next(1, 5)] : []));
            // Other channels' records lie in between: offsets in the log do not follow each other.
            for (var other = 0; other < 100; other++)
                product.Append(new ChannelEvent { EventId = 1, MemberLeft = new MemberLeft { ChannelId = Channel + 1, UserId = 9 } });
        }
        product.Run();
        var bytes = BytesOf(product, Key16.OfChannel(Channel, SubKind.ChannelRecord));
        output.WriteLine($"{bytes} bytes");
        Assert.InRange(bytes, 1, 192);
    }

    [Theory]
    [InlineData(true, 10_000)]
    [InlineData(false, 10_000)]
    [InlineData(true, 1_000)]
    [InlineData(false, 1_000)]
    public void A_message_of_a_busy_channel_takes_24_bytes(bool snowflakes, int window)
    {
        const int people = 50;
        using var product = new PartitionTester(new PolicyOptions { Window = window }, store: new StoreOptions
        {
            LogMemoryBytes = 32 << 20, PageBytes = 256 << 10, IndexBytes = 64 << 10, SegmentBytes = 64 << 20,
        });
        var random = new Random(11);
        for (var i = 0; i < window * 3 / 2; i++)
        {
            var id = snowflakes ? Snowflake(random, i) : (ulong)i + 1;
            product.Append(Sent(id, (ulong)random.Next(1, people + 1), random.Next(2) == 0 ? [] : [(ulong)random.Next(1, people + 1)]));
            // What members of the channel and of others do meanwhile.
            for (var other = random.Next(6); other > 0; other--)
                product.Append(new ChannelEvent { EventId = 1, MemberLeft = new MemberLeft { ChannelId = Channel + 1, UserId = 9 } });
        }
        product.Run();
        var look = new ChannelInspection(product.Stores[0], Channel);
        Assert.Null(look.Broken);
        long bytes = AllIn(look.RecordBytes) + look.Blocks.Sum(block => AllIn(block.ValueBytes)) + look.DirectoryBytes
            + (look.DirectoryRecords * RecordHeader.Overhead);
        var each = (double)bytes / look.Messages.Count();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{(snowflakes ? "snowflakes" : "sequence")}, window {window}: {each:F2} bytes a message ({look.Messages.Count()} messages, {look.Blocks.Count} blocks)"));
        Assert.InRange(look.Messages.Count(), window, window + 2 * BlockEntry.MaxMessages);
        Assert.InRange(each, 1, 24);
    }

    private static readonly Func<ReadState, ReadState>[] Parts =
    [
        state => state with { Bar = 1 },
        state => state with { GreatestOwn = 1 },
        state => state with { Mute = new Setting { EventId = 1 } },
        state => state with { Suppress = new Setting { EventId = 1 } },
        state => state with { MainPointer = 1 },
        state => state with { ClearCount = 1 },
        state =>
        {
            state.Threads[state.ThreadCount++] = new ThreadPointer { Root = 1, Pointer = 1 };
            return state;
        },
    ];

    /// <summary>An id of a message some seconds after the one before it, as an id service makes them.</summary>
    private static ulong Snowflake(Random random, int i) =>
        ((1_000_000_000_000UL + ((ulong)i * 7_000) + (ulong)random.Next(5_000)) << 22) | (random.Between(0, 31) << 12) | random.Between(0, 3);

    private static ChannelEvent Sent(ulong id, ulong author, ulong[] mentioned) => new()
    {
        EventId = 10, MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = author, MentionedUserIds = { mentioned } },
    };

    private static int BytesOf(in ReadState state) => AllIn(RecordHeader.CapacityFor(ReadStateCodec.EncodedLength(state)));

    private static int BytesOf(PartitionTester product, Key16 key)
    {
        var store = product.Stores[0];
        store.Enter();
        try
        {
            return AllIn(store.Read(key).Length);
        }
        finally
        {
            store.Exit();
        }
    }

    private static int AllIn(int valueBytes) => (RecordHeader.Overhead + valueBytes + 7) & ~7;
}
