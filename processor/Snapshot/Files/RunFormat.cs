// A run: an immutable file of rows, sorted by root, then key, one row a key. Little-endian.
//   blocks   rows of {flags u8 (1: the key is the root) · offset 6 bytes · length u32 · root 16 · [key 16] · value}
//   index    per block {root 16 · key 16 of its first row · position u64 · length u32 · CRC32C u32}
//   footer   64 bytes, below
//
// Invariants:
// - Every byte is covered: the catalog names the length and the footer's checksum, the footer that of the index, the
//   index that of each block. Nothing of a run is used before its checksum held.
// - A run is never changed; a row without value is a tombstone.
using System.Buffers.Binary;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>A run as a catalog names it.</summary>
/// <param name="Name">File name.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Hash">Checksums of index (high half) and footer (low half).</param>
/// <param name="Rows">Rows, tombstones included.</param>
internal sealed record RunEntry(string Name, long Length, ulong Hash, long Rows);

/// <summary>Where a block lies and what it begins with.</summary>
internal readonly record struct BlockEntry(Key16 Root, Key16 Key, long Position, int Length, uint Checksum)
{
    public const int Bytes = 48;

    public void Write(Span<byte> target)
    {
        RunFormat.WriteKey(target, Root);
        RunFormat.WriteKey(target[16..], Key);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], Position);
        BinaryPrimitives.WriteInt32LittleEndian(target[40..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(target[44..], Checksum);
    }

    public static BlockEntry Read(ReadOnlySpan<byte> source) => new(
        RunFormat.ReadKey(source), RunFormat.ReadKey(source[16..]), BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
        BinaryPrimitives.ReadInt32LittleEndian(source[40..]), BinaryPrimitives.ReadUInt32LittleEndian(source[44..]));
}

/// <summary>The end of a run: magic u64 · index position u64 · blocks u32 · index CRC u32 · rows u64 · zero · CRC u32.</summary>
internal readonly record struct RunFooter(long IndexPosition, int Blocks, uint IndexChecksum, long Rows)
{
    public const int Bytes = 64;
    private const ulong Magic = 0x31_4e_55_52_53_53_52_00; // ".RSSRUN1"
    private const int ChecksumAt = Bytes - 4;

    /// <summary>Writes the footer; its checksum.</summary>
    public uint Write(Span<byte> target)
    {
        target.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(target, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], IndexPosition);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], Blocks);
        BinaryPrimitives.WriteUInt32LittleEndian(target[20..], IndexChecksum);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], Rows);
        var checksum = Crc32C.Of(target[..ChecksumAt]);
        BinaryPrimitives.WriteUInt32LittleEndian(target[ChecksumAt..], checksum);
        return checksum;
    }

    /// <summary>Reads a footer whose checksum holds; false otherwise.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, out RunFooter footer, out uint checksum)
    {
        checksum = BinaryPrimitives.ReadUInt32LittleEndian(source[ChecksumAt..]);
        footer = new RunFooter(
            BinaryPrimitives.ReadInt64LittleEndian(source[8..]), BinaryPrimitives.ReadInt32LittleEndian(source[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(source[20..]), BinaryPrimitives.ReadInt64LittleEndian(source[24..]));
        return BinaryPrimitives.ReadUInt64LittleEndian(source) == Magic && checksum == Crc32C.Of(source[..ChecksumAt]);
    }
}

/// <summary>Rows and keys as bytes.</summary>
internal static class RunFormat
{
    private const byte KeyIsRoot = 1;
    private const int HeadBytes = 1 + 6 + 4 + 16;

    public static void WriteKey(Span<byte> target, Key16 key)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(target, key.A);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], key.B);
    }

    public static Key16 ReadKey(ReadOnlySpan<byte> source) =>
        Key16.FromParts(BinaryPrimitives.ReadUInt64LittleEndian(source), BinaryPrimitives.ReadUInt64LittleEndian(source[8..]));

    /// <summary>Bytes of a row in a block.</summary>
    public static int BytesOf(in SnapshotRow row) => HeadBytes + (row.Key == row.Root ? 0 : 16) + row.Value.Length;

    public static void WriteRow(Span<byte> target, in SnapshotRow row)
    {
        var isRoot = row.Key == row.Root;
        target[0] = isRoot ? KeyIsRoot : (byte)0;
        RecordHeader.WriteInt48(target[1..], row.Offset);
        BinaryPrimitives.WriteInt32LittleEndian(target[7..], row.Value.Length);
        WriteKey(target[11..], row.Root);
        if (!isRoot) WriteKey(target[HeadBytes..], row.Key);
        row.Value.Span.CopyTo(target[(isRoot ? HeadBytes : HeadBytes + 16)..]);
    }

    /// <summary>Reads a row of a block whose checksum held; its bytes.</summary>
    public static int ReadRow(ReadOnlyMemory<byte> block, int at, out SnapshotRow row)
    {
        var source = block.Span[at..];
        var isRoot = source[0] == KeyIsRoot;
        var length = BinaryPrimitives.ReadInt32LittleEndian(source[7..]);
        var root = ReadKey(source[11..]);
        var head = isRoot ? HeadBytes : HeadBytes + 16;
        row = new SnapshotRow(root, isRoot ? root : ReadKey(source[HeadBytes..]), RecordHeader.ReadInt48(source[1..]), block.Slice(at + head, length));
        return head + length;
    }
}
