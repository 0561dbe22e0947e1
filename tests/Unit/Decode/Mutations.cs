namespace ReadStateStream.Unit.Decode;

/// <summary>Damage to records: what a bad producer, a bad disk or a bad day makes of them.</summary>
internal static class Mutations
{
    private static readonly byte[] Telling = [0x00, 0x01, 0x07, 0x08, 0x0a, 0x0b, 0x0c, 0x12, 0x13, 0x14, 0x22, 0x7f, 0x80, 0xff];

    /// <summary>One to three changes; other is a second valid record to splice from.</summary>
    public static byte[] Mutate(byte[] record, byte[] other, Random random)
    {
        var bytes = new List<byte>(record);
        for (var changes = random.Next(4) == 0 ? 3 : 1; changes > 0; changes--)
        {
            switch (random.Next(8))
            {
                case 0 or 1: Flip(bytes, random); break;
                case 2: Truncate(bytes, random); break;
                case 3: Insert(bytes, random); break;
                case 4: Splice(bytes, other, random); break;
                case 5: bytes.AddRange(other); break;
                case 6: AppendField(bytes, random); break;
                default: Lengthen(bytes, random); break;
            }
        }
        return [.. bytes];
    }

    private static void Flip(List<byte> bytes, Random random)
    {
        if (bytes.Count == 0) return;
        var at = random.Next(bytes.Count);
        bytes[at] = random.Next(2) == 0 ? (byte)(bytes[at] ^ (1 << random.Next(8))) : Telling[random.Next(Telling.Length)];
    }

    private static void Truncate(List<byte> bytes, Random random)
    {
        var kept = random.Next(bytes.Count + 1);
        bytes.RemoveRange(kept, bytes.Count - kept);
    }

    private static void Insert(List<byte> bytes, Random random)
    {
        for (var count = random.Next(1, 5); count > 0; count--)
            bytes.Insert(random.Next(bytes.Count + 1), random.Next(2) == 0 ? (byte)random.Next(256) : Telling[random.Next(Telling.Length)]);
    }

    private static void Splice(List<byte> bytes, byte[] other, Random random)
    {
        var from = random.Next(other.Length + 1);
        bytes.InsertRange(random.Next(bytes.Count + 1), other.AsSpan(from, random.Next(other.Length - from + 1)).ToArray());
    }

    /// <summary>A whole field of any number and wire type, groups and nested groups with them.</summary>
    private static void AppendField(List<byte> bytes, Random random)
    {
        var number = random.Next(4) == 0 ? random.Next(1, 200_000) : random.Next(1, 27);
        switch (random.Next(6))
        {
            case 0: Varint(bytes, (ulong)number << 3); Varint(bytes, (ulong)random.NextInt64()); break;
            case 1: Varint(bytes, (ulong)number << 3 | 1); Random(bytes, 8, random); break;
            case 2: Varint(bytes, (ulong)number << 3 | 5); Random(bytes, 4, random); break;
            case 3:
                var length = random.Next(12);
                Varint(bytes, (ulong)number << 3 | 2);
                Varint(bytes, (ulong)length);
                Random(bytes, length, random);
                break;
            default:
                var depth = random.Next(10) == 0 ? random.Next(98, 103) : random.Next(1, 4);
                for (var i = 0; i < depth; i++) Varint(bytes, (ulong)number << 3 | 3);
                if (random.Next(2) == 0) AppendField(bytes, random);
                for (var i = 0; i < depth; i++) Varint(bytes, (ulong)number << 3 | 4);
                break;
        }
    }

    /// <summary>Over-long varints: a last byte gets a continuation and padding, up to and beyond 10 bytes.</summary>
    private static void Lengthen(List<byte> bytes, Random random)
    {
        if (bytes.Count == 0) return;
        var at = random.Next(bytes.Count);
        var padding = random.Next(1, 11);
        bytes[at] |= 0x80;
        bytes.InsertRange(at + 1, Enumerable.Repeat((byte)0x80, padding - 1).Append((byte)random.Next(2)));
    }

    private static void Varint(List<byte> bytes, ulong value)
    {
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
    }

    private static void Random(List<byte> bytes, int count, Random random)
    {
        for (; count > 0; count--) bytes.Add((byte)random.Next(256));
    }
}
