// A list of entries in chunks: the channels of a user, whom a user blocked, dead letters of the partition.
// One aggregate: chunk 0 carries the applied offset of the whole. Layout after the common prefix:
// chunks u16 (in chunk 0; else 0) | entries u16 | entries: id u64 each, with a value u64 where the list has values.
//
// Invariants: an id occurs once; all chunks but the last are full or were; a chunk beyond the count is void.
using System.Runtime.InteropServices;

namespace ReadStateStream.Snapshot.Records;

/// <summary>A chunk of a list, read where it lies.</summary>
public static class IdListRecord
{
    /// <summary>Bytes before the first entry.</summary>
    public const int FixedLength = RecordHeader.Length + 4;

    /// <summary>Chunks that a root record names; 0 where it is empty.</summary>
    public static int ChunksOf(ReadOnlySpan<byte> rootValue) =>
        RecordHeader.Used(rootValue) == 0 ? 0 : MemoryMarshal.Read<ushort>(rootValue[RecordHeader.Length..]);

    /// <summary>Entries of a chunk; 0 where it is empty.</summary>
    public static int EntriesOf(ReadOnlySpan<byte> value) =>
        RecordHeader.Used(value) == 0 ? 0 : MemoryMarshal.Read<ushort>(value[(RecordHeader.Length + 2)..]);

    /// <summary>Id of an entry of a chunk.</summary>
    public static ulong IdOf(ReadOnlySpan<byte> value, int entry, bool hasValues) =>
        MemoryMarshal.Read<ulong>(value[(FixedLength + (entry * (hasValues ? 16 : 8)))..]);

    /// <summary>Value of an entry of a chunk of a list with values.</summary>
    public static ulong ValueOf(ReadOnlySpan<byte> value, int entry) => ValueAt(value, FixedLength + (entry * 16));

    /// <summary>Value of the entry that begins at a byte.</summary>
    public static ulong ValueAt(ReadOnlySpan<byte> value, int at) => MemoryMarshal.Read<ulong>(value[(at + 8)..]);

    /// <summary>A block's event id and whether it is on, as kept in the list.</summary>
    public static bool IsBlockOn(ulong packed) => (packed & 1) != 0;

    /// <summary>A block as a value of the list.</summary>
    public static ulong PackBlock(ulong eventId, bool on) => (eventId << 1) | (on ? 1UL : 0);
}
