using System.Globalization;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>The writer allocates next to nothing for an event, once everything has its size.</summary>
public class AllocationTests(ITestOutputHelper output)
{
    private const int Channels = 60, Members = 25, WarmUp = 300_000, Measured = 250_000;
    private const double BytesAnEventMax = 32;

    private readonly ulong[] heads = [.. Enumerable.Repeat(1_000UL, Channels + 1)];

    [Fact]
    public void An_event_allocates_at_most_32_managed_bytes_in_steady_state()
    {
        // Pages are allocated once each: the ring of pages has turned over before the measurement begins.
        var store = new StoreOptions { LogMemoryBytes = 4 << 20, PageBytes = 64 << 10, IndexBytes = 256 << 10, SegmentBytes = 64 << 20 };
        using var product = new PartitionTester(new PolicyOptions { Window = 300 }, store: store);
        var random = new Random(3);
        Begin(product);
        for (var i = 0; i < WarmUp; i++) product.Append(Next(i, random));
        product.Run();
        var warm = product.Figures;
        for (var i = 0; i < Measured; i++) product.Append(Next(WarmUp + i, random));

        var partition = product.Partitions[0];
        var before = GC.GetAllocatedBytesForCurrentThread();
        while (partition.LagEvents > 0) partition.Step();
        var bytes = (double)(GC.GetAllocatedBytesForCurrentThread() - before) / Measured;
        var figures = product.Figures;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{bytes:F1} managed bytes an event over {Measured} events; {(figures.LogBytes - warm.LogBytes) / (double)Measured:F0} bytes of log, "
            + $"{(figures.DiskReads - warm.DiskReads) / (double)Measured:F4} disk reads an event"));
        Assert.Null(partition.Failure);
        Assert.True(warm.LogBytes > store.LogMemoryBytes, $"the pages have not turned over: {warm.LogBytes} bytes of records");
        Assert.InRange(bytes, 0, BytesAnEventMax);
    }

    private static void Begin(PartitionTester product)
    {
        for (ulong channel = 1; channel <= Channels; channel++)
        {
            var created = new ChannelCreated { ChannelId = channel, Kind = Schemas.V1.ChannelKind.Guild };
            for (var i = 0; i < Members; i++) created.MemberIds.Add(MemberOf(channel, i));
            product.Append(new ChannelEvent { EventId = 1, ChannelCreated = created });
        }
    }

    /// <summary>Half messages, four in ten reads, now and then an edit, a deletion, a late id, a setting, a join or leave.</summary>
    private ChannelEvent Next(int i, Random random)
    {
        var channel = (ulong)random.Next(1, Channels + 1);
        var user = MemberOf(channel, random.Next(Members));
        ref var head = ref heads[channel];
        var fact = new ChannelEvent { EventId = 100 + (ulong)i };
        switch (random.Next(100))
        {
            case < 50:
                head += (ulong)random.Next(1, 4);
                fact.MessageSent = new MessageSent { ChannelId = channel, MessageId = head, AuthorId = user };
                if (random.Next(100) < 3) fact.MessageSent.MessageId -= (ulong)random.Next(500);
                for (var mentions = random.Next(4) == 0 ? 2 : 0; mentions > 0; mentions--)
                    fact.MessageSent.MentionedUserIds.Add(MemberOf(channel, random.Next(Members)));
                break;
            case < 90:
                fact.MessagesRead = new MessagesRead { ChannelId = channel, UserId = user, UpToId = head };
                break;
            case < 92:
                fact.MessageEdited = new MessageEdited { ChannelId = channel, MessageId = head - (ulong)random.Next(200), MentionedUserIds = { user } };
                break;
            case < 94:
                fact.MessageDeleted = new MessageDeleted { ChannelId = channel, MessageId = head - (ulong)random.Next(50) };
                break;
            case < 96:
                fact.ChannelMuted = new ChannelMuted { ChannelId = channel, UserId = user, On = i % 2 == 0 };
                break;
            case < 98:
                fact.MemberLeft = new MemberLeft { ChannelId = channel, UserId = user };
                break;
            default:
                fact.MemberJoined = new MemberJoined { ChannelId = channel, UserId = user };
                break;
        }
        return fact;
    }

    private static ulong MemberOf(ulong channel, int i) => (channel * 7) + (ulong)i;
}
