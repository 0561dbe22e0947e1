using System.Text;
using ReadStateStream.Kafka;
using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.KafkaTests;

/// <summary>What one thread writes, another reads: the same records, in their order.</summary>
public class RecordRingTests
{
    private const int Small = 4 << 10;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Two_threads_pass_every_record_on(int seed)
    {
        const int records = 20_000;
        var ring = new RecordRing(Small);
        var writer = new Thread(() =>
        {
            var random = new Random(seed);
            for (var i = 0; i < records; i++)
            {
                var (key, value, headers) = Record(random);
                while (!ring.TryWrite(i * 2, i, key, value, headers)) Thread.Yield();
            }
        });
        writer.Start();
        var expected = new Random(seed);
        var next = 0L;
        for (var i = 0; i < records; i++)
        {
            LogRecord record;
            while (!ring.TryRead(ref next, out record)) Thread.Yield();
            var (key, value, headers) = Record(expected);
            Assert.Equal((i * 2L, (long)i, (i * 2L) + 1), (record.Offset, record.AppendedUnixMs, next));
            Assert.True(record.Key.SequenceEqual(key) && record.Value.SequenceEqual(value) && record.Headers.SequenceEqual(headers), $"record {i}");
        }
        Assert.False(ring.TryRead(ref next, out _));
        writer.Join();
    }

    [Fact]
    public void A_full_ring_takes_nothing_until_something_was_read()
    {
        var ring = new RecordRing(Small);
        var value = new byte[500];
        var written = 0;
        while (ring.TryWrite(written, 0, default, value, default)) written++;
        Assert.InRange(written, 6, 8);
        Assert.False(ring.IsHalfEmpty);
        var next = 0L;
        Assert.True(ring.TryRead(ref next, out _));
        // The record is still in hand.
        Assert.False(ring.TryWrite(written, 0, default, value, default));
        Assert.True(ring.TryRead(ref next, out _));
        Assert.True(ring.TryWrite(written, 0, default, value, default));
        for (var read = 2; read <= written; read++) Assert.True(ring.TryRead(ref next, out _));
        Assert.False(ring.TryRead(ref next, out _));
        Assert.True(ring.IsHalfEmpty);
        Assert.Equal(written + 1, next);
    }

    [Fact]
    public void A_record_longer_than_the_ring_goes_beside_it_one_at_a_time()
    {
        var ring = new RecordRing(Small);
        var large = Encoding.UTF8.GetBytes(new string('x', 100_000));
        Assert.True(ring.TryWrite(5, 0, "1"u8, large, default));
        Assert.False(ring.TryWrite(6, 0, "1"u8, large, default));
        Assert.True(ring.TryWrite(6, 0, "1"u8, "small"u8, default));
        var next = 5L;
        Assert.True(ring.TryRead(ref next, out var record));
        Assert.True(record.Value.SequenceEqual(large));
        Assert.True(ring.TryWrite(7, 0, "1"u8, large, default));
        Assert.True(ring.TryRead(ref next, out record));
        Assert.True(record.Value.SequenceEqual("small"u8));
        Assert.True(ring.TryRead(ref next, out record));
        Assert.Equal(large.Length, record.Value.Length);
        Assert.Equal(8, next);
    }

    [Fact]
    public void A_gap_moves_the_offset_and_is_no_record()
    {
        var ring = new RecordRing(Small);
        Assert.True(ring.TryWrite(3, 0, default, "a"u8, default));
        Assert.True(ring.TryWriteGap(9));
        var next = 3L;
        Assert.True(ring.TryRead(ref next, out _));
        Assert.Equal(4, next);
        Assert.False(ring.TryRead(ref next, out _));
        Assert.Equal(9, next);
    }

    private static (byte[] Key, byte[] Value, byte[] Headers) Record(Random random)
    {
        var length = random.Next(20) == 0 ? random.Next(1_000, 9_000) : random.Next(0, 200);
        byte[] key = new byte[random.Next(0, 20)], value = new byte[length], headers = new byte[random.Next(3) == 0 ? random.Next(40) : 0];
        random.NextBytes(key);
        random.NextBytes(value);
        random.NextBytes(headers);
        return (key, value, headers);
    }
}
