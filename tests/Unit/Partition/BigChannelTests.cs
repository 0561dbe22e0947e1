using System.Globalization;
using ReadStateStream.Oracle;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>Channels of thousands of messages equal the oracle at every cut, and their records agree with each other.</summary>
public class BigChannelTests(ITestOutputHelper output)
{
    private const int EventsMin = 3_000, EventsMax = 12_000;

    private static readonly int Seeds =
        int.Parse(Environment.GetEnvironmentVariable("READSTATE_BIG_CHANNELS") ?? "24", CultureInfo.InvariantCulture);

    private readonly PathCounts paths = new();

    [Fact]
    public void Big_channels_equal_the_oracle_at_every_cut_and_every_path_is_met()
    {
        long events = 0;
        for (var seed = 1; seed <= Seeds; seed++) events += Check(seed);
        output.WriteLine($"{Seeds} logs, {events} events, 0 differences\n{paths}");
        Assert.Empty(paths.Missed);
    }

    /// <summary>In turn: everything in memory with small records, with large ones, and a tenth in memory.</summary>
    private static StoreOptions OptionsOf(int seed) => (seed / 6 % 3) switch
    {
        0 => new StoreOptions { LogMemoryBytes = 16 << 20, PageBytes = 4 << 10, IndexBytes = 64 << 10, SegmentBytes = 64 << 20 },
        1 => PartitionTester.Large(),
        _ => PartitionTester.Tiny(),
    };

    private int Check(int seed)
    {
        var generator = new BigChannelGenerator(seed);
        var random = new Random(seed ^ 0x717);
        var events = random.Next(EventsMin, seed % 4 == 0 ? EventsMax + 1 : EventsMin * 2);
        var oracle = new ReadStateOracle(generator.Policy);
        using var product = new PartitionTester(generator.Policy.ToOptions(), store: OptionsOf(seed));
        var looks = generator.Channels.ToDictionary(channel => channel, channel => new ChannelInspection(product.Stores[0], channel));
        var cuts = Enumerable.Range(0, 3).Select(_ => random.Next(events)).Append(events - 1).ToHashSet();
        foreach (var fact in generator.Beginning()) Tell(fact);
        for (var (at, next) = (0, 0); at < events; at++)
        {
            Tell(generator.Next());
            if (at < next && !cuts.Contains(at)) continue;
            next = at + random.Next(20, 160);
            product.Run();
            foreach (var channel in generator.Channels) Look(channel, $"seed {seed} at event {at}", random.Chance(0.08));
            if (cuts.Contains(at)) Compare(at);
        }
        paths.Add("records read from disk", product.Figures.DiskReads);
        return events;

        void Tell(ChannelEvent fact)
        {
            product.Append(fact);
            oracle.Append(fact);
        }

        void Look(ulong channel, string where, bool purge)
        {
            var look = new ChannelInspection(product.Stores[0], channel);
            Assert.True(look.Broken is null, $"{where}, channel {channel}: {look.Broken}");
            paths.AddChange(looks[channel], look, purged: false);
            if (purge && PurgeNearBlock(look, random) is { } before)
            {
                Tell(generator.Purge(channel, before));
                product.Run();
                var after = new ChannelInspection(product.Stores[0], channel);
                Assert.True(after.Broken is null, $"{where}, channel {channel}, purged before {before}: {after.Broken}");
                paths.AddChange(look, after, purged: true);
                look = after;
            }
            looks[channel] = look;
        }

        void Compare(int at)
        {
            foreach (var channel in generator.Channels)
                paths.AddStates(product.Stores[0], channel, looks[channel], oracle, generator.Policy.Window);
            var ids = looks[generator.Channels[0]].Messages.Select(message => message.Id).ToList();
            var probes = ids.Count == 0 ? [1UL] : new[] { ids[0], random.Pick(ids), ids[^1] + 1 };
            var difference = OracleComparison.FirstDifference(product, oracle, null, probes);
            if (difference is not null) Assert.Fail($"seed {seed} at event {at}, {generator.Policy}: {difference}");
        }
    }

    /// <summary>A floor at the border of a low block, one before or one after it, or somewhere inside.</summary>
    private static ulong? PurgeNearBlock(ChannelInspection look, Random random)
    {
        if (look.Blocks.Count == 0) return look.Messages.Select(message => (ulong?)message.Id).FirstOrDefault();
        var block = look.Blocks[random.Next((look.Blocks.Count + 1) / 2)];
        return random.Next(5) switch
        {
            0 => block.Entry.LastId - 1,
            1 => block.Entry.LastId,
            2 => block.Entry.LastId + 1,
            3 => block.Messages[0].Id,
            _ => block.Messages[block.Messages.Length / 2].Id,
        };
    }
}
