using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using FASTER.core;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// The records of a stretch of the record log, read page by page from the files, without FASTER: what it holds in
/// memory, and what it does, does not matter. One thread at a time; no allocation a record.
/// </summary>
/// <remarks>
/// Layout (FASTER 2.6.5, VarLenBlittableAllocator): 8 bytes of <see cref="RecordInfo"/>, 16 of key, 4 of the value's
/// length, the value, padded to 8 bytes; no record crosses a page. Where the RecordInfo is 0 nothing was written: the
/// rest of a page, or an allocation given up in its middle; as in FASTER's own recovery the next 8 bytes are looked at.
/// </remarks>
/// <param name="device">The device with the files.</param>
/// <param name="pageBytes">Bytes of a page of the log: a power of two, the same that FASTER was given.</param>
public sealed class RecordLogScan(StateDevice device, int pageBytes)
{
    private const int InfoBytes = sizeof(long);
    private const int KeyBytes = 16;
    private const int SectorBytes = StateDevice.SectorBytes;

    private readonly byte[] _page = new byte[pageBytes];
    private long _pageAddress; // of the first byte in the buffer
    private int _next;
    private int _end;
    private long _to;
    private int _valueAt;
    private int _valueLength;

    /// <summary>Address of the record.</summary>
    public long Address { get; private set; }

    /// <summary>Its key.</summary>
    public Key16 Key { get; private set; }

    /// <summary>Address of the record before it in its chain of the hash index; 0: none.</summary>
    public long PreviousAddress { get; private set; }

    /// <summary>It says that the key has no record.</summary>
    public bool IsTombstone { get; private set; }

    /// <summary>When it left memory a newer record of its key lay above it, below the tail of that time.</summary>
    public bool IsSuperseded { get; private set; }

    /// <summary>Its value, of the full capacity; valid until <see cref="Next"/>.</summary>
    public ReadOnlySpan<byte> Value => _page.AsSpan(_valueAt, _valueLength);

    /// <summary>The used bytes of its value; valid until <see cref="Next"/>.</summary>
    /// <exception cref="DamageException">The value's head says what cannot be.</exception>
    public ReadOnlyMemory<byte> UsedValue
    {
        get
        {
            var used = RecordHeader.Used(Value);
            if (used > _valueLength || used < RecordHeader.Length)
                throw new DamageException((int)(Address / device.SegmentSize), Address, "no record can lie there");
            return _page.AsMemory(_valueAt, used);
        }
    }

    /// <summary>Begins anew.</summary>
    /// <param name="from">Address of a record, of a page, or 0.</param>
    /// <param name="to">Address of the end: where a record or a page begins. All below must be in the files.</param>
    public void Begin(long from, long to)
    {
        _to = to;
        _pageAddress = from;
        _next = _end = 0;
    }

    /// <summary>Goes to the next record that is valid; false at the end.</summary>
    /// <exception cref="DamageException">The files do not hold what was written.</exception>
    public bool Next()
    {
        while (_next < _end || LoadPage())
        {
            var at = _next;
            var info = Unsafe.ReadUnaligned<RecordInfo>(ref _page[at]);
            if (info.IsNull())
            {
                _next += InfoBytes;
                continue;
            }
            Measure(at);
            if (info.Invalid) continue;
            Address = _pageAddress + at;
            Key = Key16.FromParts(
                BinaryPrimitives.ReadUInt64LittleEndian(_page.AsSpan(at + InfoBytes)),
                BinaryPrimitives.ReadUInt64LittleEndian(_page.AsSpan(at + InfoBytes + sizeof(ulong))));
            PreviousAddress = info.PreviousAddress;
            IsTombstone = info.Tombstone;
            IsSuperseded = info.SkipOnScan;
            return true;
        }
        return false;
    }

    private void Measure(int at)
    {
        var valueAt = at + InfoBytes + KeyBytes + sizeof(int);
        var length = valueAt <= _end ? BinaryPrimitives.ReadInt32LittleEndian(_page.AsSpan(valueAt - sizeof(int))) : -1;
        if (length < 0 || length > _end - valueAt)
            throw new DamageException((int)((_pageAddress + at) / device.SegmentSize), _pageAddress + at, "no record can lie there");
        (_valueAt, _valueLength) = (valueAt, length);
        _next = (valueAt + length + 7) & -8;
    }

    private bool LoadPage()
    {
        var from = _pageAddress + _end;
        if (from >= _to) return false;
        var pageEnd = (from / pageBytes + 1) * pageBytes;
        var start = from & -SectorBytes;
        var end = Math.Min(pageEnd, _to);
        device.Read(start, _page.AsSpan(0, (int)(((end + SectorBytes - 1) & -SectorBytes) - start)));
        if (pageEnd < _to) device.Prefetch(pageEnd, pageBytes);
        _pageAddress = start;
        _next = (int)(from - start);
        _end = (int)(end - start);
        return true;
    }
}
