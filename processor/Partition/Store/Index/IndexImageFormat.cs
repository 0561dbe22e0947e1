// The file index.<n>: a header of 64 bytes, then blocks, each with a header of 24 and chains of the index as IndexCapture
// copies them. Little-endian. Each block has a checksum of its own, and holds the one of the block before: with the
// manifest's checksum of the header, which holds that of the last block, every byte is proven.
using System.Buffers.Binary;
using System.Globalization;

namespace ReadStateStream.Partition.Store;

/// <summary>The header of an index image.</summary>
/// <param name="Lineage">Lineage of the state.</param>
/// <param name="Partition">Number of the partition.</param>
/// <param name="Start">See <see cref="IndexImageMark.Start"/>.</param>
/// <param name="Lines">Chains of the index.</param>
/// <param name="Entries">Entries in all.</param>
/// <param name="FurtherLines">Lines that the chains need beside their first ones.</param>
/// <param name="LastChecksum">Checksum of the last block.</param>
internal readonly record struct IndexImageHeader(
    long Lineage, int Partition, long Start, long Lines, long Entries, long FurtherLines, uint LastChecksum)
{
    /// <summary>Bytes of a header.</summary>
    public const int Length = 64;

    private const ulong Magic = 0x0001_5844_4e49_5352; // "RSINDX", version 1
    private const int CoveredBytes = Length - sizeof(uint);

    /// <summary>The bytes, and their checksum.</summary>
    public uint Encode(Span<byte> header)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(header, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(header[8..], Lineage);
        BinaryPrimitives.WriteInt32LittleEndian(header[16..], Partition);
        BinaryPrimitives.WriteUInt32LittleEndian(header[20..], LastChecksum);
        BinaryPrimitives.WriteInt64LittleEndian(header[24..], Start);
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], Lines);
        BinaryPrimitives.WriteInt64LittleEndian(header[40..], Entries);
        BinaryPrimitives.WriteInt64LittleEndian(header[48..], FurtherLines);
        BinaryPrimitives.WriteUInt32LittleEndian(header[56..], 0);
        var checksum = Crc32C.Of(header[..CoveredBytes]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[CoveredBytes..], checksum);
        return checksum;
    }

    /// <summary>The header of some bytes; false where they are none of this checksum.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> header, uint checksum, out IndexImageHeader decoded)
    {
        decoded = new IndexImageHeader(
            BinaryPrimitives.ReadInt64LittleEndian(header[8..]), BinaryPrimitives.ReadInt32LittleEndian(header[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(header[24..]), BinaryPrimitives.ReadInt64LittleEndian(header[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(header[40..]), BinaryPrimitives.ReadInt64LittleEndian(header[48..]),
            BinaryPrimitives.ReadUInt32LittleEndian(header[20..]));
        return BinaryPrimitives.ReadUInt64LittleEndian(header) == Magic
               && BinaryPrimitives.ReadUInt32LittleEndian(header[CoveredBytes..]) == checksum && Crc32C.Of(header[..CoveredBytes]) == checksum;
    }
}

/// <summary>A block of an index image: some chains, in a buffer whose first bytes are the block's header.</summary>
internal static class IndexImageBlock
{
    /// <summary>Bytes of a block's header.</summary>
    public const int HeaderLength = 24;

    /// <summary>Bytes of a block at most, its header included.</summary>
    public const int BytesMax = 256 << 10;

    private const int ChecksumLength = sizeof(uint);

    /// <summary>Writes the header of a block.</summary>
    /// <param name="block">The block, header and chains.</param>
    /// <param name="first">Number of its first chain.</param>
    /// <param name="lines">Chains in it.</param>
    public static void Describe(Span<byte> block, long first, int lines)
    {
        BinaryPrimitives.WriteInt32LittleEndian(block[8..], block.Length - HeaderLength);
        BinaryPrimitives.WriteInt32LittleEndian(block[12..], lines);
        BinaryPrimitives.WriteInt64LittleEndian(block[16..], first);
    }

    /// <summary>Writes the checksums of a described block: of the block before, and its own, which is returned.</summary>
    public static uint Seal(Span<byte> block, uint before)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(block[4..], before);
        var checksum = Crc32C.Of(block[ChecksumLength..]);
        BinaryPrimitives.WriteUInt32LittleEndian(block, checksum);
        return checksum;
    }

    /// <summary>Bytes of the chains, by the header.</summary>
    public static int LengthOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadInt32LittleEndian(header[8..]);

    /// <summary>Number of chains, by the header.</summary>
    public static int LinesOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadInt32LittleEndian(header[12..]);

    /// <summary>Whether a block is whole, and stands behind that one and begins with this chain.</summary>
    public static bool IsWhole(ReadOnlySpan<byte> block, uint before, long first, out uint checksum)
    {
        checksum = BinaryPrimitives.ReadUInt32LittleEndian(block);
        return Crc32C.Of(block[ChecksumLength..]) == checksum && BinaryPrimitives.ReadUInt32LittleEndian(block[4..]) == before
               && BinaryPrimitives.ReadInt64LittleEndian(block[16..]) == first;
    }
}

/// <summary>Names of the files.</summary>
public static class IndexImageName
{
    private const string Prefix = "index.";

    /// <summary>Name of the file of a number.</summary>
    public static string Of(long number) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{number}");

    /// <summary>The number in a file's name; false where it is none of an index image.</summary>
    public static bool TryNumber(string name, out long number)
    {
        number = 0;
        return name.StartsWith(Prefix, StringComparison.Ordinal)
               && long.TryParse(name.AsSpan(Prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }
}
