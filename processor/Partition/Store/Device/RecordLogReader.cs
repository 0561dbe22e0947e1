using System.Buffers.Binary;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// Single records of the record log, read from the files by address, without FASTER. What lies near a record comes
/// with it: asked for in ascending order, many are one read. One thread at a time.
/// </summary>
/// <param name="device">The device with the files.</param>
/// <param name="windowBytes">Bytes read at once: whole sectors, at least two.</param>
public sealed class RecordLogReader(StateDevice device, int windowBytes)
{
    private const int SectorBytes = StateDevice.SectorBytes;

    private byte[] buffer = new byte[windowBytes];
    private long windowAddress;
    private int windowLength;
    private long end;

    /// <summary>Begins with a stretch of the log: what was read before may have lain above its end then.</summary>
    /// <param name="to">Address of the stretch's end; it does not change any more below.</param>
    public void Begin(long to)
    {
        end = (to + SectorBytes - 1) & -SectorBytes;
        windowLength = 0;
    }

    /// <summary>The used bytes of the value of the record at an address; valid until the next is read.</summary>
    /// <exception cref="DamageException">The files do not hold what was written.</exception>
    public ReadOnlyMemory<byte> ReadUsed(long address)
    {
        var valueAt = Require(address, RecordHeader.Overhead + RecordHeader.Length) + RecordHeader.Overhead;
        var length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(valueAt - sizeof(int)));
        var used = RecordHeader.Used(buffer.AsSpan(valueAt, RecordHeader.Length));
        if (used > length || used < RecordHeader.Length)
            throw new DamageException((int)(address / device.SegmentSize), address, "no record can lie there");
        valueAt = Require(address, RecordHeader.Overhead + used) + RecordHeader.Overhead;
        return buffer.AsMemory(valueAt, used);
    }

    /// <summary>Has so many bytes from an address on in the buffer; where they begin there.</summary>
    private int Require(long address, int bytes)
    {
        if (address >= windowAddress && address + bytes <= windowAddress + windowLength) return (int)(address - windowAddress);
        var start = address & -SectorBytes;
        var needed = (int)(((address + bytes + SectorBytes - 1) & -SectorBytes) - start);
        var length = Math.Max(needed, (int)Math.Min(windowBytes, end - start));
        if (buffer.Length < length) buffer = new byte[length];
        windowLength = 0; // whatever a read that fails leaves behind
        device.Read(start, buffer.AsSpan(0, length));
        (windowAddress, windowLength) = (start, length);
        return (int)(address - start);
    }
}
