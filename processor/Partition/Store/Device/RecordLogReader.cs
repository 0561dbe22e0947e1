using System.Buffers.Binary;

namespace ReadStateStream.Partition.Store;

/// <summary>Single records of the record log, read from the files by address, without FASTER. One thread at a time.</summary>
public sealed class RecordLogReader(StateDevice device)
{
    private const int SectorBytes = StateDevice.SectorBytes;
    private const int FirstRead = 2 * SectorBytes;

    private byte[] buffer = new byte[FirstRead];

    /// <summary>The used bytes of the value of the record at an address, in memory of their own.</summary>
    /// <exception cref="DamageException">The files do not hold what was written.</exception>
    public byte[] ReadUsed(long address)
    {
        var start = address & -SectorBytes;
        device.Read(start, buffer.AsSpan(0, FirstRead));
        var valueAt = (int)(address - start) + RecordHeader.Overhead;
        // The prefix with the used length may lie beyond the first sector, never beyond the second.
        var length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(valueAt - sizeof(int)));
        var used = RecordHeader.Used(buffer.AsSpan(valueAt, RecordHeader.Length));
        if (used > length || used < RecordHeader.Length)
            throw new DamageException((int)(address / device.SegmentSize), address, "no record can lie there");
        var end = (valueAt + used + SectorBytes - 1) & -SectorBytes;
        if (end > FirstRead)
        {
            if (buffer.Length < end) buffer = new byte[end];
            device.Read(start, buffer.AsSpan(0, end));
        }
        return buffer.AsSpan(valueAt, used).ToArray();
    }
}
