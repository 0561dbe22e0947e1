// A thread pointer beyond the first few. Layout after the common prefix: user u64 | channel u64 | root u64 |
// pointer u64 | clear count u32. It belongs to the read state's aggregate, and is void where the counts differ.
using System.Runtime.InteropServices;

namespace ReadStateStream.Snapshot.Records;

/// <summary>Thread pointers in records of their own.</summary>
public static class ThreadRecord
{
    /// <summary>Bytes used: just the smallest class.</summary>
    public const int Length = RecordHeader.Length + (4 * 8) + 4;

    /// <summary>The pointer; 0 where the record is of another thread or void.</summary>
    public static ulong Pointer(ReadOnlySpan<byte> value, ulong user, ulong channel, ulong root, uint clearCount)
    {
        if (RecordHeader.Used(value) != Length) return 0;
        var ids = MemoryMarshal.Cast<byte, ulong>(value.Slice(RecordHeader.Length, 32));
        if (ids[0] != user || ids[1] != channel || ids[2] != root) return 0;
        return MemoryMarshal.Read<uint>(value[40..]) == clearCount ? ids[3] : 0;
    }

    /// <summary>Key of the read state that the pointer belongs to.</summary>
    /// <exception cref="InvalidDataException">The record is no thread pointer.</exception>
    public static Key16 StateOf(ReadOnlySpan<byte> value)
    {
        if (RecordHeader.Used(value) != Length) throw new InvalidDataException($"a thread pointer of {RecordHeader.Used(value)} bytes");
        var ids = MemoryMarshal.Cast<byte, ulong>(value.Slice(RecordHeader.Length, 32));
        return Key16.ReadState(ids[0], ids[1]);
    }

    public static void Encode(Span<byte> value, ulong user, ulong channel, ulong root, ulong pointer, uint clearCount, long applied)
    {
        var ids = MemoryMarshal.Cast<byte, ulong>(value.Slice(RecordHeader.Length, 32));
        ids[0] = user;
        ids[1] = channel;
        ids[2] = root;
        ids[3] = pointer;
        MemoryMarshal.Write(value[40..], clearCount);
        RecordHeader.Write(value, applied, Length);
    }
}
