using System.Globalization;
using System.Text;
using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>
/// Aggregates restored at different offsets, each at or after p, become exact by a replay from p. Records that
/// cannot be folded lie in between, so that the partition's own aggregate is among them.
/// </summary>
public class MixedOffsetRestoreTests(ITestOutputHelper output)
{
    private const int CutsMax = 7;
    private static readonly byte[] Key = Encoding.UTF8.GetBytes("1");
    private static readonly byte[] Undecodable = [0xff, 0xff, 0xff];

    private int mixes;
    private int spread;
    private int outstanding;

    [Fact]
    public void Every_aggregate_at_an_offset_of_its_own_and_a_replay_from_p_equal_the_oracle()
    {
        RelationCheck.ForLogs(900_000, 300, Difference, sizeMax: 400);
        output.WriteLine($"{mixes} restores, {spread / Math.Max(1, mixes)} offsets between first and last cut, {outstanding} dead letters outstanding");
        Assert.True(mixes >= 300 && spread > mixes * 20 && outstanding > 0);
    }

    private string? Difference(GeneratedLog log)
    {
        var random = new Random(log.Seed);
        var records = WithDeadLetters(log, random, out var letters);
        // One record at least is left to replay: it tells the partition its position.
        var from = random.Next(records.Count);
        var cuts = Enumerable.Range(0, CutsMax).Select(_ => random.Next(from, records.Count + 1)).Append(from).Distinct().Order().ToList();
        var universe = KeyUniverse.Of(log.Facts);
        var oracle = new ReadStateOracle(log.Policy);
        var images = new List<StoreImage>();
        using (var source = new PartitionTester(log.Policy.ToOptions()))
        {
            for (var at = 0; at <= records.Count; at++)
            {
                if (cuts.Contains(at))
                {
                    source.Run();
                    images.Add(StoreImage.Of(source.Stores[0], universe));
                }
                if (at < records.Count) Append(source, records[at]);
            }
        }
        foreach (var fact in records.OfType<ChannelEvent>()) oracle.Append(fact);
        mixes++;
        spread += cuts[^1] - cuts[0];
        outstanding += letters;

        using var restored = new PartitionTester(log.Policy.ToOptions(), replayFrom: from);
        StoreImage.Mixed(images, random).CopyTo(restored.Stores[0]);
        foreach (var record in records) Append(restored, record);
        restored.Run();
        var probes = log.Facts.Where(fact => fact.MessageSent is not null).Select(fact => fact.MessageSent.MessageId).Distinct().Take(3).ToArray();
        var where = string.Create(CultureInfo.InvariantCulture, $"restored at {string.Join(',', cuts)}, replayed from {from}");
        if (restored.Partitions[0].DeadLetters != letters) return $"{where}: {restored.Partitions[0].DeadLetters} dead letters, expected {letters}";
        return OracleComparison.FirstDifference(restored, oracle, null, probes) is { } difference ? $"{where}: {difference}" : null;
    }

    private static void Append(PartitionTester product, ChannelEvent? record)
    {
        if (record is null) product.Append(0, Key, Undecodable);
        else product.Append(record);
    }

    /// <summary>The log with null for what cannot be decoded, some of it resolved later; counts what stays outstanding.</summary>
    private static List<ChannelEvent?> WithDeadLetters(GeneratedLog log, Random random, out int outstanding)
    {
        var records = new List<ChannelEvent?>();
        var letters = new SortedSet<ulong>();
        foreach (var fact in log.Facts)
        {
            if (random.Chance(0.05))
            {
                letters.Add((ulong)records.Count);
                records.Add(null);
            }
            if (letters.Count > 0 && random.Chance(0.03))
                Add(new ChannelEvent { EventId = 1, DeadLetterResolved = new DeadLetterResolved { Offset = random.Pick([.. letters]) } });
            Add(fact);
        }
        outstanding = letters.Count;
        return records;

        void Add(ChannelEvent record)
        {
            records.Add(record);
            letters.Remove(record.DeadLetterResolved?.Offset ?? record.DeadLetterWaived?.Offset ?? ulong.MaxValue);
        }
    }
}
