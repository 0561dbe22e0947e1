using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace ReadStateStream.Snapshot.Disk;

/// <summary>CRC32C (Castagnoli), by the machine's own instruction where it has one. Not inverted at either end.</summary>
public static class Crc32C
{
    /// <summary>What a checksum begins with: not zero, so that zeros in front count.</summary>
    public const uint Seed = uint.MaxValue;

    /// <summary>Continues a former value.</summary>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(data);
        foreach (var word in words)
            crc = BitOperations.Crc32C(crc, BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
        foreach (var rest in data[(words.Length * sizeof(ulong))..])
            crc = BitOperations.Crc32C(crc, rest);
        return crc;
    }

    /// <summary>Of these bytes alone.</summary>
    public static uint Of(ReadOnlySpan<byte> data) => Append(Seed, data);
}
