using System.Buffers.Text;

namespace ReadStateStream.Schemas;

/// <summary>
/// Which partition a key belongs to: murmur2 as in Kafka's Java client
/// (org.apache.kafka.common.utils.Utils.murmur2; librdkafka's murmur2_random for keyed records),
/// (hash &amp; 0x7fffffff) mod partition count.
/// </summary>
public static class Partitioner
{
    /// <summary>Partition of a channel's or user's id, whose key is its decimal text.</summary>
    public static int PartitionOf(ulong id, int partitionCount)
    {
        Span<byte> key = stackalloc byte[20];
        Utf8Formatter.TryFormat(id, key, out var length);
        return PartitionOf(key[..length], partitionCount);
    }

    /// <summary>Partition of a key.</summary>
    public static int PartitionOf(ReadOnlySpan<byte> key, int partitionCount)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(partitionCount);
        return (int)((Murmur2(key) & 0x7fffffff) % (uint)partitionCount);
    }

    /// <summary>murmur2, seed 0x9747b28c, 32 bits.</summary>
    public static uint Murmur2(ReadOnlySpan<byte> data)
    {
        const uint m = 0x5bd1e995;
        const int r = 24;
        var h = 0x9747b28c ^ (uint)data.Length;
        while (data.Length >= 4)
        {
            var k = System.Buffers.Binary.BinaryPrimitives.ReadUInt32LittleEndian(data);
            k *= m;
            k ^= k >> r;
            k *= m;
            h *= m;
            h ^= k;
            data = data[4..];
        }
        if (data.Length >= 3) h ^= (uint)data[2] << 16;
        if (data.Length >= 2) h ^= (uint)data[1] << 8;
        if (data.Length >= 1)
        {
            h ^= data[0];
            h *= m;
        }
        h ^= h >> 13;
        h *= m;
        h ^= h >> 15;
        return h;
    }
}
