using System.Runtime.CompilerServices;

namespace ReadStateStream.Partition.Decode;

/// <summary>
/// Reads protobuf's wire format from a span; allocates and throws nothing. Accepts and refuses exactly
/// what Google's C# parser does: a varint has at most 10 bytes and excess high bits are dropped, tags and
/// lengths are the low 32 bits of a varint, and an end-group tag without its start is an error.
/// </summary>
internal ref struct WireReader(ReadOnlySpan<byte> data)
{
    /// <summary>Nested messages and groups together, as Google's parsers limit them.</summary>
    private const int DepthMax = 100;

    private readonly ReadOnlySpan<byte> data = data;
    private int position;

    /// <summary>What stopped the reader; None while it is intact.</summary>
    public DecodeError Error { get; private set; }

    /// <summary>Nothing is left.</summary>
    public readonly bool AtEnd => position == data.Length;

    /// <summary>The next field's tag; false at the end and on an error.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadTag(out uint tag)
    {
        tag = 0;
        if (position == data.Length) return false;
        if (!TryReadVarint(out var value)) return false;
        tag = (uint)value;
        return tag >> 3 != 0 || Fail(DecodeError.InvalidTag);
    }

    /// <summary>A varint of 1 .. 10 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReadVarint(out ulong value)
    {
        if ((uint)position < (uint)data.Length && data[position] < 0x80)
        {
            value = data[position++];
            return true;
        }
        return TryReadLongVarint(out value);
    }

    /// <summary>The bytes of a length-delimited field.</summary>
    public bool TryReadBytes(out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        if (!TryReadLength(out var length)) return false;
        if (length < 0) return Fail(DecodeError.NegativeLength);
        if (length > data.Length - position) return Fail(DecodeError.Truncated);
        bytes = data.Slice(position, length);
        position += length;
        return true;
    }

    /// <summary>
    /// The bytes of a packed list. Google's C# parser takes a negative length for an empty list here, and
    /// here alone; so do we, since what it accepts must not become a dead letter.
    /// </summary>
    public bool TryReadPacked(out ReadOnlySpan<byte> bytes)
    {
        var start = position;
        bytes = default;
        if (!TryReadLength(out var length)) return false;
        if (length < 0) return true;
        position = start;
        return TryReadBytes(out bytes);
    }

    /// <summary>Passes over the value of a field of any wire type; depth: nesting of the message it stands in.</summary>
    public bool TrySkip(uint tag, int depth) => (tag & 7) switch
    {
        0 => TryReadVarint(out _),
        1 => TrySkipFixed(8),
        2 => TryReadBytes(out _),
        3 => TrySkipGroup(tag >> 3, depth + 1),
        4 => Fail(DecodeError.UnmatchedGroup),
        5 => TrySkipFixed(4),
        _ => Fail(DecodeError.InvalidWireType),
    };

    private bool TrySkipGroup(uint number, int depth)
    {
        if (depth > DepthMax) return Fail(DecodeError.TooDeep);
        while (TryReadTag(out var tag))
        {
            if ((tag & 7) == 4) return tag >> 3 == number || Fail(DecodeError.UnmatchedGroup);
            if (!TrySkip(tag, depth)) return false;
        }
        return Fail(DecodeError.UnmatchedGroup);
    }

    private bool TrySkipFixed(int length)
    {
        if (length > data.Length - position) return Fail(DecodeError.Truncated);
        position += length;
        return true;
    }

    private bool TryReadLength(out int length)
    {
        var read = TryReadVarint(out var value);
        length = (int)(uint)value;
        return read;
    }

    private bool TryReadLongVarint(out ulong value)
    {
        value = 0;
        var at = position;
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (at == data.Length) return Fail(DecodeError.Truncated);
            var next = data[at++];
            value |= (ulong)(next & 0x7f) << shift;
            if (next >= 0x80) continue;
            position = at;
            return true;
        }
        return Fail(DecodeError.MalformedVarint);
    }

    private bool Fail(DecodeError error)
    {
        // The first reason is the true one: an unended group is reported by every group around it.
        if (Error == DecodeError.None) Error = error;
        return false;
    }
}
