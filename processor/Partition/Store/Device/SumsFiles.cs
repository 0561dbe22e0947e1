using System.Buffers;
using System.Buffers.Binary;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// The checksums on the disk: one file <c>sums.n</c> a segment, 4 bytes little-endian a sector, nothing else. What
/// proves them is the mark in the manifest. One thread at a time.
/// </summary>
internal sealed class SumsFiles : IDisposable
{
    private const int SectorBytes = SectorSums.SectorBytes;
    private const int SumBytes = sizeof(uint);
    private const int SliceSums = 4096;

    private readonly StateDeviceOptions _options;
    private readonly SectorSums _sums;
    private readonly SegmentFiles _records;
    private readonly SegmentFiles _files;
    private int _firstSegment;

    public SumsFiles(string folder, StateDeviceOptions options, SectorSums sums, SegmentFiles records)
    {
        (_options, _sums, _records) = (options, sums, records);
        _files = new SegmentFiles(Path.Combine(folder, "sums"), options.Files());
    }

    /// <summary>Address up to which the checksums of whole sectors are saved.</summary>
    public long SavedTail { get; private set; }

    /// <summary>Saves the checksums of the whole sectors below the tail, and describes all of them.</summary>
    public SumsMark Save(long tail, uint tailSum)
    {
        var floor = tail & -SectorBytes;
        for (var segment = (int)(SavedTail / _options.SegmentBytes); segment * _options.SegmentBytes < floor; segment++)
        {
            var from = SectorsBelow(SavedTail, segment);
            var to = SectorsBelow(floor, segment);
            if (from == to) continue;
            Write(segment, from, to);
            _files.Sync(segment);
        }
        _files.SyncFolderIfChanged();
        SavedTail = floor;
        List<SegmentSums> segments = [];
        for (var segment = _firstSegment; segment * _options.SegmentBytes < tail; segment++)
        {
            var sectors = SectorsBelow(floor, segment);
            segments.Add(new SegmentSums(segment, sectors, _sums.Of(segment).HashTo(sectors)));
        }
        return new SumsMark(tail, segments, tailSum);
    }

    private int SectorsBelow(long address, int segment) =>
        (int)(Math.Clamp(address - (segment * _options.SegmentBytes), 0, _options.SegmentBytes) / SectorBytes);

    private void Write(int segment, int from, int to)
    {
        var sums = _sums.Of(segment);
        var buffer = ArrayPool<byte>.Shared.Rent(SliceSums * SumBytes);
        for (; from < to; from += SliceSums)
        {
            var count = Math.Min(SliceSums, to - from);
            for (var i = 0; i < count; i++) BinaryPrimitives.WriteUInt32LittleEndian(buffer.AsSpan(i * SumBytes), sums[from + i]);
            _files.Write(segment, (long)from * SumBytes, buffer.AsSpan(0, count * SumBytes));
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Loads what a mark describes, from the segment of an address on.</summary>
    /// <exception cref="DamageException">It is not there, or not the same.</exception>
    public void Load(SumsMark mark, long beginAddress)
    {
        Clear();
        var first = (int)(beginAddress / _options.SegmentBytes);
        var next = first;
        foreach (var (segment, sectors, hash) in mark.Segments)
        {
            if (segment < first) continue;
            if (segment != next++ || sectors != SectorsBelow(mark.Tail, segment))
                throw Damaged(segment, "the mark names other segments or sectors than there must be");
            var needed = Math.Min(_options.SegmentBytes, mark.Tail - (segment * _options.SegmentBytes));
            if (LengthOf(_records, segment) < needed) throw Damaged(segment, "the segment's file is shorter than the log");
            var sums = Read(segment, sectors);
            if (sums.HashTo(sectors) != hash) throw Damaged(segment, "the file of checksums does not match the manifest");
            _sums.Set(segment, sums);
        }
        if (next * _options.SegmentBytes < mark.Tail) throw Damaged(next, "the mark does not name it");
        SavedTail = mark.Tail & -SectorBytes;
        _firstSegment = first;
    }

    private SegmentSectorSums Read(int segment, int sectors)
    {
        var sums = new SegmentSectorSums(segment, _options.SegmentBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(SliceSums * SumBytes);
        try
        {
            for (var from = 0; from < sectors; from += SliceSums)
            {
                var slice = buffer.AsSpan(0, Math.Min(SliceSums, sectors - from) * SumBytes);
                if (_files.Read(segment, (long)from * SumBytes, slice) < slice.Length)
                    throw Damaged(segment, "the file of checksums is short or missing");
                for (var i = 0; i * SumBytes < slice.Length; i++) sums[from + i] = BinaryPrimitives.ReadUInt32LittleEndian(slice[(i * SumBytes)..]);
            }
            return sums;
        }
        catch (IOException e)
        {
            throw Damaged(segment, "the file of checksums cannot be read: " + e.Message, e);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private long LengthOf(SegmentFiles files, int segment)
    {
        try
        {
            return files.LengthOf(segment);
        }
        catch (IOException e)
        {
            throw Damaged(segment, "its length cannot be told: " + e.Message, e);
        }
    }

    private DamageException Damaged(int segment, string reason, Exception? error = null) =>
        new(segment, segment * _options.SegmentBytes, reason, error);

    /// <summary>Knows nothing any more; the files stay.</summary>
    public void Clear()
    {
        _sums.Clear();
        SavedTail = 0;
        _firstSegment = 0;
    }

    /// <summary>Deletes the files of lower segments, of the records too, and syncs the folder.</summary>
    public void RemoveBelow(int segment)
    {
        // Oldest first, and the checksums last: what a crash leaves is an end of the log, or a file of checksums alone.
        foreach (var old in _records.List())
            if (old < segment)
                _records.Remove(old);
        foreach (var old in _files.List())
            if (old < segment)
                _files.Remove(old);
        for (; _firstSegment < segment; _firstSegment++) _sums.Remove(_firstSegment);
        _records.SyncFolderIfChanged();
        _files.SyncFolderIfChanged(); // of a former call that deleted the records and failed then
    }

    public void Dispose() => _files.Dispose();
}
