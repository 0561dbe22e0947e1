namespace ReadStateStream.Partition.Decode;

/// <summary>
/// Confluent's wire format around a protobuf: magic byte 0, schema id (4 bytes, big endian), then the path
/// to the message within its schema as zigzag varints: a count and that many indexes; a lone 0 means [0].
/// </summary>
public static class ConfluentHeader
{
    /// <summary>First byte of the format. A raw protobuf never begins with it: no field has the number 0.</summary>
    public const byte MagicByte = 0;

    private const int SchemaIdEnd = 5;

    /// <summary>
    /// Cuts the header off. The schema id is not looked up: the contract's fields are for ever. The path must
    /// be [0], since ChannelEvent is its schema's first message.
    /// </summary>
    public static DecodeError Strip(ref ReadOnlySpan<byte> value)
    {
        if (value.Length <= SchemaIdEnd) return DecodeError.ConfluentHeader;
        var rest = value[SchemaIdEnd..];
        if (!TryReadIndex(ref rest, out var count)) return DecodeError.ConfluentHeader;
        if (count == 1)
        {
            if (!TryReadIndex(ref rest, out var index)) return DecodeError.ConfluentHeader;
            if (index != 0) return DecodeError.ConfluentMessageIndex;
        }
        else if (count != 0)
        {
            return DecodeError.ConfluentMessageIndex;
        }
        value = rest;
        return DecodeError.None;
    }

    private static bool TryReadIndex(ref ReadOnlySpan<byte> rest, out long index)
    {
        ulong raw = 0;
        index = 0;
        for (var i = 0; i < rest.Length && i < 10; i++)
        {
            raw |= (ulong)(rest[i] & 0x7f) << (7 * i);
            if (rest[i] >= 0x80) continue;
            rest = rest[(i + 1)..];
            index = (long)(raw >> 1) ^ -(long)(raw & 1);
            return true;
        }
        return false;
    }
}
