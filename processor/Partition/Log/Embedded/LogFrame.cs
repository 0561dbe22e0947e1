using System.Buffers.Binary;

namespace ReadStateStream.Partition.Log;

/// <summary>Head of a frame: what one group of records has in common.</summary>
/// <param name="FirstOffset">Offset of its first record.</param>
/// <param name="Count">Records in it; 0 in a mark, which only says how far the log was durable.</param>
/// <param name="AppendedUnixMs">Append time of its records; never below that of the frame before.</param>
/// <param name="GreatestStampedEventId">Greatest event id stamped at ingest in this partition so far, these records included.</param>
/// <param name="DurableAddress">Log address below which everything was on the disk before this frame was written.</param>
/// <param name="Term">How often the log had been opened when it was written; never below the frame before.</param>
internal readonly record struct FrameHead(
    long FirstOffset, int Count, long AppendedUnixMs, ulong GreatestStampedEventId, long DurableAddress, int Term);

/// <summary>
/// Our frame inside a FasterLog entry, little-endian:
/// 0 CRC32C of all that follows (seeded with topic and partition) · 4 magic with the version · 8 first offset ·
/// 16 count · 20 length of the frame · 24 append time · 32 greatest stamped id · 40 durable address · 48 term ·
/// 52 zero · 56 records of {key length u16, value length i32, key, value}.
/// </summary>
/// <remarks>
/// FasterLog's own checksum is an XOR and its iterator takes zeros for the end of a page, so the frame proves
/// itself. The seed keeps frames of another topic or partition from verifying. The term keeps what a failed
/// append left behind from being taken for a continuation. The durable address tells a torn tail from damage:
/// a frame is written only after everything below that address was synced, so what is bad below it was good once.
/// </remarks>
internal static class LogFrame
{
    public const int HeadBytes = 56;
    public const int RecordHeadBytes = 6;
    public const uint Magic = 0x31_46_53_52; // "RSF1"
    public const int MagicAt = 4;

    /// <summary>FasterLog puts an 8-byte XOR checksum and a 4-byte length before each entry.</summary>
    public const int EntryHeadBytes = 12;

    /// <summary>FasterLog's first address: it leaves out the first 64 bytes of the first page.</summary>
    public const long FirstAddress = 64;

    /// <summary>
    /// Bytes that a frame of so many records takes beside keys and values, in FasterLog's first and
    /// smallest page, alignment included.
    /// </summary>
    public static int FramingBytes(int records) =>
        (int)FirstAddress + EntryHeadBytes + HeadBytes + 3 + records * RecordHeadBytes;

    /// <summary>Bytes that FasterLog takes for an entry of this length: its head, and alignment to 4.</summary>
    public static int EntryBytes(int length) => EntryHeadBytes + ((length + 3) & ~3);

    /// <summary>CRC seed of a partition.</summary>
    public static uint Seed(Guid topic, int partition)
    {
        Span<byte> bytes = stackalloc byte[20];
        topic.TryWriteBytes(bytes);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[16..], partition);
        return Crc32C.Append(Crc32C.Seed, bytes);
    }

    /// <summary>Fills in the head of a frame whose records are already in place.</summary>
    public static void Seal(Span<byte> frame, in FrameHead head, uint seed)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame[MagicAt..], Magic);
        BinaryPrimitives.WriteInt64LittleEndian(frame[8..], head.FirstOffset);
        BinaryPrimitives.WriteInt32LittleEndian(frame[16..], head.Count);
        BinaryPrimitives.WriteInt32LittleEndian(frame[20..], frame.Length);
        BinaryPrimitives.WriteInt64LittleEndian(frame[24..], head.AppendedUnixMs);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[32..], head.GreatestStampedEventId);
        BinaryPrimitives.WriteInt64LittleEndian(frame[40..], head.DurableAddress);
        BinaryPrimitives.WriteInt32LittleEndian(frame[48..], head.Term);
        BinaryPrimitives.WriteInt32LittleEndian(frame[52..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(frame, Crc32C.Append(seed, frame[4..]));
    }

    /// <summary>Reads and verifies a frame; false where it is not one of this partition, whole and unchanged.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> frame, uint seed, out FrameHead head)
    {
        head = default;
        if (frame.Length < HeadBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(frame[MagicAt..]) != Magic
            || BinaryPrimitives.ReadInt32LittleEndian(frame[20..]) != frame.Length
            || BinaryPrimitives.ReadUInt32LittleEndian(frame) != Crc32C.Append(seed, frame[4..]))
            return false;
        head = new FrameHead(
            BinaryPrimitives.ReadInt64LittleEndian(frame[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(frame[16..]),
            BinaryPrimitives.ReadInt64LittleEndian(frame[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(frame[32..]),
            BinaryPrimitives.ReadInt64LittleEndian(frame[40..]),
            BinaryPrimitives.ReadInt32LittleEndian(frame[48..]));
        return head.FirstOffset >= 0 && head.Count >= 0;
    }

    /// <summary>Length of a frame that seems to begin here, from its own head; not verified.</summary>
    public static int ClaimedLength(ReadOnlySpan<byte> head) => BinaryPrimitives.ReadInt32LittleEndian(head[20..]);

    /// <summary>Writes one record and returns the bytes taken.</summary>
    public static int WriteRecord(Span<byte> destination, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(destination, checked((ushort)key.Length));
        BinaryPrimitives.WriteInt32LittleEndian(destination[2..], value.Length);
        key.CopyTo(destination[RecordHeadBytes..]);
        value.CopyTo(destination[(RecordHeadBytes + key.Length)..]);
        return RecordHeadBytes + key.Length + value.Length;
    }

    /// <summary>Splits the record at the start of a verified frame's rest; returns the bytes it takes.</summary>
    public static int ReadRecord(ReadOnlySpan<byte> source, out ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        int keyLength = BinaryPrimitives.ReadUInt16LittleEndian(source);
        var valueLength = BinaryPrimitives.ReadInt32LittleEndian(source[2..]);
        key = source.Slice(RecordHeadBytes, keyLength);
        value = source.Slice(RecordHeadBytes + keyLength, valueLength);
        return RecordHeadBytes + keyLength + valueLength;
    }
}
