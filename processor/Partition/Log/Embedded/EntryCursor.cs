using System.Buffers.Binary;

namespace ReadStateStream.Partition.Log;

internal enum EntryKind
{
    /// <summary>No entry up to the limit.</summary>
    End,
    /// <summary>A frame; not yet verified.</summary>
    Frame,
    /// <summary>FasterLog's record of a commit.</summary>
    CommitRecord,
    /// <summary>Bytes that cannot be an entry, or one that reaches beyond the limit.</summary>
    Bad,
}

/// <summary>
/// Walks the entries of a FasterLog on its device, page by page, through a buffer of its own. It reads the
/// files and not FasterLog's memory, so that a reader outlives a reopening of the log after an I/O error, and
/// what it reads has been written; the pages are in the operating system's cache, which also reads ahead.
/// Not thread-safe. Allocates only when an entry exceeds the buffer.
/// </summary>
internal sealed class EntryCursor(FileDevice device, int pageSize, int bufferBytes, long address)
{
    private const int PrefetchBytes = 4 << 20;

    private byte[] _buffer = new byte[bufferBytes];
    private long _prefetchedTo;
    private long _bufferedFrom;
    private int _buffered;

    /// <summary>Where the next entry is looked for.</summary>
    public long Address { get; private set; } = address;

    /// <summary>Where the entry last returned begins.</summary>
    public long EntryAddress { get; private set; }

    /// <summary>
    /// Moves to the next entry below a limit. Zeros where an entry's head should be are the rest of a page;
    /// whoever calls sees by the offsets whether anything was lost there.
    /// </summary>
    /// <param name="limit">Address up to which the log may be read.</param>
    /// <param name="frame">The frame, valid until the next call.</param>
    public EntryKind MoveNext(long limit, out ReadOnlySpan<byte> frame)
    {
        frame = default;
        while (true)
        {
            var leftInPage = pageSize - (int)(Address & (pageSize - 1));
            if (Address >= limit) return EntryKind.End;
            if (leftInPage < LogFrame.EntryHeadBytes)
            {
                Address += leftInPage;
                continue;
            }
            if (limit - Address < LogFrame.EntryHeadBytes) return EntryKind.Bad;
            var head = Take(Address, LogFrame.EntryHeadBytes, limit);
            var length = BinaryPrimitives.ReadInt32LittleEndian(head[8..]);
            if (length == 0 && BinaryPrimitives.ReadInt64LittleEndian(head) == 0)
            {
                Address += leftInPage;
                continue;
            }
            return MoveOver(length, leftInPage, limit, out frame);
        }
    }

    private EntryKind MoveOver(int length, int leftInPage, long limit, out ReadOnlySpan<byte> frame)
    {
        frame = default;
        var bytes = length == int.MinValue ? long.MaxValue : LogFrame.EntryHeadBytes + ((Math.Abs((long)length) + 3) & ~3);
        if (length == 0 || bytes > leftInPage || bytes > limit - Address) return EntryKind.Bad;
        var entry = Take(Address, (int)bytes, limit);
        if (length < 0 && !VerifiesAsCommitRecord(entry, -length)) return EntryKind.Bad;
        EntryAddress = Address;
        Address += bytes;
        if (length < 0) return EntryKind.CommitRecord;
        frame = entry.Slice(LogFrame.EntryHeadBytes, length);
        return EntryKind.Frame;
    }

    /// <summary>Goes back to an address, and reads what is there from the disk again.</summary>
    public void ReturnTo(long address)
    {
        Address = address;
        _buffered = 0;
    }

    /// <summary>The bytes at an address, from the buffer or the disk.</summary>
    public ReadOnlySpan<byte> Take(long address, int length, long limit)
    {
        if (address < _bufferedFrom || address + length > _bufferedFrom + _buffered)
        {
            if (length > _buffer.Length) _buffer = new byte[length];
            _buffered = 0;
            var wanted = (int)Math.Min(_buffer.Length, Math.Max(limit - address, length));
            PrefetchAhead(address, address + wanted, limit);
            device.Read(address, _buffer.AsSpan(0, wanted));
            _bufferedFrom = address;
            _buffered = wanted;
        }
        return _buffer.AsSpan((int)(address - _bufferedFrom), length);
    }

    // The system's own guess breaks down where several readers share a file; a reader of old data says what
    // it will read, half a window before it gets there. At the log's end there is nothing to say.
    private void PrefetchAhead(long from, long end, long limit)
    {
        if (from > _prefetchedTo || from + PrefetchBytes < _prefetchedTo) _prefetchedTo = end;
        while (_prefetchedTo - end < PrefetchBytes / 2 && limit - _prefetchedTo > bufferBytes)
            _prefetchedTo = device.Prefetch(_prefetchedTo, Math.Min(PrefetchBytes, limit - _prefetchedTo));
    }

    // FasterLog's own checksum: XOR of the 8-byte words of {length, body}, then of the bytes left over.
    private static bool VerifiesAsCommitRecord(ReadOnlySpan<byte> entry, int length)
    {
        var data = entry.Slice(8, length + 4);
        ulong xor = 0;
        while (data.Length >= sizeof(ulong))
        {
            xor ^= BinaryPrimitives.ReadUInt64LittleEndian(data);
            data = data[sizeof(ulong)..];
        }
        foreach (var rest in data) xor ^= rest;
        return xor == BinaryPrimitives.ReadUInt64LittleEndian(entry);
    }
}
