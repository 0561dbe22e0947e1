using System.Runtime.InteropServices;

namespace ReadStateStream.Snapshot.Records;

/// <summary>Ids of a run, read where they lie.</summary>
internal readonly ref struct NameTable(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> bytes = bytes;

    public ulong this[int index] => MemoryMarshal.Read<ulong>(bytes[(index * 8)..]);
}

/// <summary>Reads a run's fields in order; a record is trusted (its checksum was verified on the way in).</summary>
internal ref struct RunReader(ReadOnlySpan<byte> source)
{
    private readonly ReadOnlySpan<byte> source = source;

    public int At { get; private set; }

    public byte Byte() => source[At++];

    public ushort U16()
    {
        var value = MemoryMarshal.Read<ushort>(source[At..]);
        At += 2;
        return value;
    }

    public uint U32()
    {
        var value = MemoryMarshal.Read<uint>(source[At..]);
        At += 4;
        return value;
    }

    public ulong U64()
    {
        var value = MemoryMarshal.Read<ulong>(source[At..]);
        At += 8;
        return value;
    }

    public long Int48()
    {
        var value = RecordHeader.ReadInt48(source[At..]);
        At += 6;
        return value;
    }

    public NameTable Names()
    {
        var count = U16();
        var table = new NameTable(source.Slice(At, count * 8));
        At += count * 8;
        return table;
    }

    public ulong Varint()
    {
        ulong value = source[At++];
        if (value < 0x80) return value;
        value &= 0x7f;
        for (var shift = 7; ; shift += 7)
        {
            ulong next = source[At++];
            value |= (next & 0x7f) << shift;
            if (next < 0x80) return value;
        }
    }

    public long ZigZag()
    {
        var value = Varint();
        return (long)(value >> 1) ^ -(long)(value & 1);
    }
}

/// <summary>Writes a run's fields in order; past the end it only notes that the target is too small.</summary>
internal ref struct RunWriter(Span<byte> target)
{
    private readonly Span<byte> target = target;

    public int Length { get; private set; }

    /// <summary>The target was too small; what was written is worthless.</summary>
    public bool Overflown { get; private set; }

    public void Byte(byte value)
    {
        if (!Room(1)) return;
        target[Length++] = value;
    }

    public void U16(ushort value)
    {
        if (!Room(2)) return;
        MemoryMarshal.Write(target[Length..], value);
        Length += 2;
    }

    public void U32(uint value)
    {
        if (!Room(4)) return;
        MemoryMarshal.Write(target[Length..], value);
        Length += 4;
    }

    public void U64(ulong value)
    {
        if (!Room(8)) return;
        MemoryMarshal.Write(target[Length..], value);
        Length += 8;
    }

    public void U64s(ReadOnlySpan<ulong> values)
    {
        if (!Room(values.Length * 8)) return;
        MemoryMarshal.AsBytes(values).CopyTo(target[Length..]);
        Length += values.Length * 8;
    }

    public void Int48(long value)
    {
        if (!Room(6)) return;
        RecordHeader.WriteInt48(target[Length..], value);
        Length += 6;
    }

    public void Varint(ulong value)
    {
        if (Length + 10 > target.Length && !Room(VarintLength(value))) return;
        while (value >= 0x80)
        {
            target[Length++] = (byte)(value | 0x80);
            value >>= 7;
        }
        target[Length++] = (byte)value;
    }

    public void ZigZag(long value) => Varint((ulong)((value << 1) ^ (value >> 63)));

    private static int VarintLength(ulong value) => (System.Numerics.BitOperations.Log2(value | 1) / 7) + 1;

    private bool Room(int bytes)
    {
        if (Length + bytes <= target.Length) return true;
        Overflown = true;
        return false;
    }
}
