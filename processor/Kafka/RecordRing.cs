// Records of one partition between the thread that polls and the one that writes.
//
// Invariants:
// - One thread writes, one reads; neither waits, neither allocates, but for a record that is longer than a quarter
//   of the ring: it lies beside the ring, one at a time.
// - A frame is contiguous: what does not fit before the end begins at the start.
// - What was read stays until the next is asked for.
using System.Buffers.Binary;
using System.Numerics;

using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>A bounded queue of records, in bytes.</summary>
/// <param name="bytes">Its size, rounded up to a power of two.</param>
internal sealed class RecordRing(int bytes)
{
    private const int HeadBytes = 40;
    private const int Wrap = -1;
    private const int Gap = -2;
    private const int Beside = -3;

    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(bytes, 4 << 10)));
    private byte[]? beside;
    private byte[]? besideRead;
    private long written;
    private long read;
    private long released;

    /// <summary>Half of it is free again.</summary>
    public bool IsHalfEmpty => Volatile.Read(ref written) - Volatile.Read(ref read) <= buffer.Length / 2;

    /// <summary>Writes a record; false where there is no room now.</summary>
    public bool TryWrite(long offset, long appendedUnixMs, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, ReadOnlySpan<byte> headers)
    {
        var length = key.Length + value.Length + headers.Length;
        var isBeside = length + HeadBytes > buffer.Length / 4;
        if (isBeside && Volatile.Read(ref beside) is not null) return false;
        if (!TryReserve(isBeside ? HeadBytes : HeadBytes + length, out var at)) return false;
        var head = buffer.AsSpan(at, HeadBytes);
        BinaryPrimitives.WriteInt32LittleEndian(head, isBeside ? Beside : HeadBytes + length);
        BinaryPrimitives.WriteInt64LittleEndian(head[8..], offset);
        BinaryPrimitives.WriteInt64LittleEndian(head[16..], appendedUnixMs);
        BinaryPrimitives.WriteInt32LittleEndian(head[24..], key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[28..], value.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[32..], headers.Length);
        var large = isBeside ? new byte[length] : null;
        var body = large ?? buffer.AsSpan(at + HeadBytes, length);
        key.CopyTo(body);
        value.CopyTo(body[key.Length..]);
        headers.CopyTo(body[(key.Length + value.Length)..]);
        if (large is not null) Volatile.Write(ref beside, large);
        Publish(isBeside ? HeadBytes : HeadBytes + length);
        return true;
    }

    /// <summary>Says that nothing is there below an offset: what a transaction leaves in a partition is no record.</summary>
    public bool TryWriteGap(long nextOffset)
    {
        if (!TryReserve(HeadBytes, out var at)) return false;
        BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(at), Gap);
        BinaryPrimitives.WriteInt64LittleEndian(buffer.AsSpan(at + 8), nextOffset);
        Publish(HeadBytes);
        return true;
    }

    /// <summary>The next record, valid until the next call; false where there is none. Moves the offset past gaps.</summary>
    public bool TryRead(scoped ref long nextOffset, out LogRecord record)
    {
        besideRead = null;
        Volatile.Write(ref read, released);
        record = default;
        while (released != Volatile.Read(ref written))
        {
            var at = (int)(released & (buffer.Length - 1));
            var length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(at));
            if (length == Wrap)
            {
                released += buffer.Length - at;
                continue;
            }
            var head = buffer.AsSpan(at, HeadBytes);
            var offset = BinaryPrimitives.ReadInt64LittleEndian(head[8..]);
            released += Aligned(length < 0 ? HeadBytes : length);
            if (length == Gap)
            {
                nextOffset = Math.Max(nextOffset, offset);
                continue;
            }
            record = Take(head, length == Beside ? TakeBeside() : buffer.AsSpan(at + HeadBytes, length - HeadBytes));
            nextOffset = offset + 1;
            return true;
        }
        Volatile.Write(ref read, released);
        return false;
    }

    private byte[] TakeBeside()
    {
        besideRead = Volatile.Read(ref beside)!;
        Volatile.Write(ref beside, null);
        return besideRead;
    }

    private static LogRecord Take(ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        var key = BinaryPrimitives.ReadInt32LittleEndian(head[24..]);
        var value = BinaryPrimitives.ReadInt32LittleEndian(head[28..]);
        return new LogRecord
        {
            Offset = BinaryPrimitives.ReadInt64LittleEndian(head[8..]), AppendedUnixMs = BinaryPrimitives.ReadInt64LittleEndian(head[16..]),
            Key = body[..key], Value = body.Slice(key, value), Headers = body[(key + value)..],
        };
    }

    private bool TryReserve(int length, out int at)
    {
        var needed = Aligned(length);
        at = (int)(written & (buffer.Length - 1));
        var before = at + needed > buffer.Length ? buffer.Length - at : 0;
        if (written + before + needed - Volatile.Read(ref read) > buffer.Length) return false;
        if (before == 0) return true;
        BinaryPrimitives.WriteInt32LittleEndian(buffer.AsSpan(at), Wrap);
        Volatile.Write(ref written, written + before);
        at = 0;
        return true;
    }

    private void Publish(int length) => Volatile.Write(ref written, written + Aligned(length));

    private static int Aligned(int length) => (length + 7) & -8;
}
