using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>Steady traffic over a constant live set: what lies on the disk does not grow.</summary>
public class SteadyStateTests(ITestOutputHelper output)
{
    private const int Intervals = 600, Settled = 100, EventsAnInterval = 200, Channels = 40, Users = 50;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Six_hundred_intervals_do_not_grow_the_disk(bool withSnapshot)
    {
        var policy = new PolicyOptions { Window = 20 };
        var options = new CheckpointOptions { GarbageBytes = 64 << 10, GarbageRatio = 1 };
        using var product = withSnapshot
            ? DurablePartition.WithFiles(policy, PartitionTester.Tiny(segmentBytes: 64 << 10), options)
            : DurablePartition.WithoutSnapshots(policy, PartitionTester.Tiny(segmentBytes: 64 << 10), options);
        var random = new Random(1);
        for (ulong channel = 1; channel <= Channels; channel++) Create(product, channel);
        long settled = 0, most = 0, events = Channels;
        for (var interval = 1; interval <= Intervals; interval++)
        {
            for (var i = 0; i < EventsAnInterval; i++) product.Append(Next(random, (ulong)++events));
            product.Checkpoint();
            var bytes = BytesOnDisk(product.Folder);
            if (interval <= Settled) settled = Math.Max(settled, bytes);
            else most = Math.Max(most, bytes);
        }
        var written = product.Partition.Persistence!.Device.Counters.BytesWritten;
        output.WriteLine(
            $"snapshot {withSnapshot}: at most {settled >> 10} KiB on the disk in the first {Settled} intervals, {most >> 10} KiB in the next {Intervals - Settled}; "
            + $"{written / (double)events:0} bytes of record log written an event, {product.Partition.Persistence.Compactor.Pages} pages compacted, "
            + $"{product.Partition.StoreFigures.LiveBytes >> 10} KiB live");
        // A segment, or a file of the snapshot more or less is a matter of when one looks.
        Assert.InRange(most, 1, settled + (settled / 4));
    }

    private static void Create(DurablePartition product, ulong channel)
    {
        var created = new ChannelCreated { ChannelId = channel, Kind = Schemas.V1.ChannelKind.Guild };
        for (ulong user = 1; user <= Users; user++) created.MemberIds.Add(user);
        product.Append(new ChannelEvent { EventId = channel, ChannelCreated = created });
    }

    private static ChannelEvent Next(Random random, ulong id)
    {
        var channel = 1 + (ulong)random.Next(Channels);
        var user = 1 + (ulong)random.Next(Users);
        return random.Next(3) == 0
            ? new ChannelEvent { EventId = id, MessagesRead = new MessagesRead { ChannelId = channel, UserId = user, UpToId = id } }
            : new ChannelEvent { EventId = id, MessageSent = new MessageSent { ChannelId = channel, MessageId = id, AuthorId = user, MentionedUserIds = { 1 + (ulong)random.Next(Users) } } };
    }

    private static long BytesOnDisk(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
}
