// The first 8 bytes of every record's value: applied offset + 1 (6 bytes), bytes used (2 bytes).
//
// Invariants:
// - A value's length in FASTER is a capacity class and never changes in place; the used length lies inside.
// - Zero bytes are a record that no event was applied to: the default of every aggregate.
using System.Buffers.Binary;

namespace ReadStateStream.Snapshot.Records;

/// <summary>Prefix common to all records, and the capacity classes.</summary>
public static class RecordHeader
{
    /// <summary>Bytes of the prefix.</summary>
    public const int Length = 8;

    /// <summary>FASTER's own bytes a record: header 8, key 16, value length 4.</summary>
    public const int Overhead = 28;

    /// <summary>Bytes that a record takes in the store's log, given its value's length.</summary>
    public static int BytesOf(int valueLength) => (Overhead + valueLength + 7) & ~7;

    /// <summary>Smallest capacity: with the overhead 72 bytes.</summary>
    public const int SmallestCapacity = 44;

    private const int ClassStep = 24;
    private const int LargeStep = 128;
    private const int LargeFrom = SmallestCapacity + (ClassStep * 6);

    /// <summary>Offset of the last event applied; -1: none.</summary>
    public static long Applied(ReadOnlySpan<byte> value) => value.Length < Length ? -1 : ReadInt48(value) - 1;

    /// <summary>Bytes in use, prefix included; 0: an empty record.</summary>
    public static int Used(ReadOnlySpan<byte> value) =>
        value.Length < Length ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(value[6..]);

    public static void Write(Span<byte> value, long applied, int used)
    {
        WriteInt48(value, applied + 1);
        BinaryPrimitives.WriteUInt16LittleEndian(value[6..], checked((ushort)used));
    }

    /// <summary>The class that holds so many bytes: steps of 24 up to 188, of 128 beyond; a whole number of 8 with the overhead.</summary>
    public static int CapacityFor(int used)
    {
        if (used <= SmallestCapacity) return SmallestCapacity;
        if (used <= LargeFrom) return SmallestCapacity + ((used - SmallestCapacity + ClassStep - 1) / ClassStep * ClassStep);
        return LargeFrom + ((used - LargeFrom + LargeStep - 1) / LargeStep * LargeStep);
    }

    /// <summary>The least capacity that holds so many bytes, for records that will not grow.</summary>
    public static int TrimmedCapacity(int used) => Math.Max(SmallestCapacity, ((used + Overhead + 7) & ~7) - Overhead);

    public static long ReadInt48(ReadOnlySpan<byte> source) =>
        BinaryPrimitives.ReadUInt32LittleEndian(source) | ((long)BinaryPrimitives.ReadUInt16LittleEndian(source[4..]) << 32);

    public static void WriteInt48(Span<byte> target, long value)
    {
        if ((ulong)value >= 1UL << 48) throw new ArgumentOutOfRangeException(nameof(value), value, "beyond 48 bits");
        BinaryPrimitives.WriteUInt32LittleEndian(target, (uint)value);
        BinaryPrimitives.WriteUInt16LittleEndian(target[4..], (ushort)(value >> 32));
    }
}
