using Microsoft.Win32.SafeHandles;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Writes one run, rows in ascending order. Not thread-safe.</summary>
internal sealed class RunWriter : IDisposable
{
    private const int WriteBytes = 256 << 10;

    private readonly DiskOperations _disk;
    private readonly string _path;
    private readonly int _blockBytes;
    private readonly SafeFileHandle _file;
    private readonly List<BlockEntry> _blocks = [];
    private byte[] _buffer;
    private int _used;
    private int _blockStart;
    private long _written;
    private (Key16 Root, Key16 Key) _first;
    private (Key16 Root, Key16 Key) _last;

    public RunWriter(DiskOperations disk, string path, int blockBytes)
    {
        (_disk, _path, _blockBytes) = (disk, path, blockBytes);
        _buffer = new byte[blockBytes * 2];
        _file = disk.Create(path);
    }

    public string Name => Path.GetFileName(_path);

    public long Rows { get; private set; }

    public void Add(in SnapshotRow row)
    {
        if (Rows > 0 && RowOrder.Compare(_last.Root, _last.Key, row.Root, row.Key) >= 0)
            throw new InvalidOperationException("Rows of a run have to ascend.");
        var bytes = RunFormat.BytesOf(row);
        if (_used > _blockStart && _used - _blockStart + bytes > _blockBytes) EndBlock();
        if (_used == _blockStart) _first = (row.Root, row.Key);
        Reserve(bytes);
        RunFormat.WriteRow(_buffer.AsSpan(_used), row);
        _used += bytes;
        _last = (row.Root, row.Key);
        Rows++;
    }

    private void Reserve(int bytes)
    {
        if (_buffer.Length - _used < bytes) Array.Resize(ref _buffer, Math.Max(_used + bytes, _buffer.Length * 2));
    }

    private void EndBlock()
    {
        if (_used == _blockStart) return;
        var block = _buffer.AsSpan(_blockStart, _used - _blockStart);
        _blocks.Add(new BlockEntry(_first.Root, _first.Key, _written + _blockStart, block.Length, Crc32C.Of(block)));
        if (_used >= WriteBytes) Flush();
        _blockStart = _used;
    }

    private void Flush()
    {
        if (_used > 0) _disk.Write(_path, _file, _buffer.AsSpan(0, _used), _written);
        _written += _used;
        (_used, _blockStart) = (0, 0);
    }

    /// <summary>Writes index and footer and syncs the file (not its folder).</summary>
    public RunEntry Finish(bool sync = true)
    {
        EndBlock();
        var indexPosition = _written + _used;
        var indexBytes = checked(_blocks.Count * BlockEntry.Bytes);
        Reserve(indexBytes + RunFooter.Bytes);
        for (var i = 0; i < _blocks.Count; i++) _blocks[i].Write(_buffer.AsSpan(_used + (i * BlockEntry.Bytes)));
        var indexChecksum = Crc32C.Of(_buffer.AsSpan(_used, indexBytes));
        _used += indexBytes;
        var checksum = new RunFooter(indexPosition, _blocks.Count, indexChecksum, Rows).Write(_buffer.AsSpan(_used, RunFooter.Bytes));
        _used += RunFooter.Bytes;
        Flush();
        if (sync) _disk.Sync(_path, _file);
        return new RunEntry(Name, _written, ((ulong)indexChecksum << 32) | checksum, Rows);
    }

    public void Dispose() => _file.Dispose();
}
