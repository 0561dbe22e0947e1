using Microsoft.Win32.SafeHandles;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>
/// An open run: its index in memory, its blocks read and proved on demand. Thread-safe. Counted: whoever opens it or
/// takes it has to release it, the last one closes it.
/// </summary>
internal sealed class RunFile
{
    private readonly DiskOperations _disk;
    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly BlockEntry[] _blocks;
    private readonly Action<string>? _damaged;
    private int _users = 1;

    private RunFile(DiskOperations disk, string path, RunEntry entry, SafeFileHandle file, BlockEntry[] blocks, Action<string>? damaged)
    {
        (_disk, _path, _file, _blocks, _damaged) = (disk, path, file, blocks, damaged);
        Entry = entry;
    }

    public RunEntry Entry { get; }

    public int Blocks => _blocks.Length;

    /// <summary>Opens a run and proves footer and index.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="folder">Folder of the run.</param>
    /// <param name="entry">As the catalog names it.</param>
    /// <param name="damaged">Told of a run one of whose blocks fails its checksum.</param>
    /// <exception cref="SnapshotDamagedException">It is not there, or not the run that the catalog names.</exception>
    public static RunFile Open(DiskOperations disk, string folder, RunEntry entry, Action<string>? damaged)
    {
        var path = Path.Combine(folder, entry.Name);
        var file = disk.OpenRead(path) ?? throw new SnapshotDamagedException($"'{path}' is missing.");
        try
        {
            return new RunFile(disk, path, entry, file, ReadIndex(disk, path, file, entry), damaged);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static BlockEntry[] ReadIndex(DiskOperations disk, string path, SafeFileHandle file, RunEntry entry)
    {
        var length = disk.LengthOf(path, file);
        if (length != entry.Length || length < RunFooter.Bytes)
            throw new SnapshotDamagedException($"'{path}' has {length} bytes, not {entry.Length}.");
        Span<byte> end = stackalloc byte[RunFooter.Bytes];
        if (disk.Read(path, file, end, length - RunFooter.Bytes) != end.Length || !RunFooter.TryRead(end, out var footer, out var checksum)
            || (((ulong)footer.IndexChecksum << 32) | checksum) != entry.Hash)
            throw new SnapshotDamagedException($"The footer of '{path}' fails its checksum, or is of another run.");
        var index = new byte[footer.Blocks * BlockEntry.Bytes];
        if (disk.Read(path, file, index, footer.IndexPosition) != index.Length || Crc32C.Of(index) != footer.IndexChecksum)
            throw new SnapshotDamagedException($"The index of '{path}' fails its checksum.");
        var blocks = new BlockEntry[footer.Blocks];
        for (var i = 0; i < blocks.Length; i++) blocks[i] = BlockEntry.Read(index.AsSpan(i * BlockEntry.Bytes));
        return blocks;
    }

    /// <summary>A block's bytes, in an array of their own.</summary>
    /// <exception cref="SnapshotDamagedException">It fails its checksum.</exception>
    public byte[] ReadBlock(int number)
    {
        byte[] block = [];
        ReadBlock(number, ref block);
        return block;
    }

    /// <summary>Reads a block's bytes into an array, another one where it is too short; their number.</summary>
    /// <exception cref="SnapshotDamagedException">It fails its checksum.</exception>
    public int ReadBlock(int number, ref byte[] buffer)
    {
        var block = _blocks[number];
        if (buffer.Length < block.Length) buffer = new byte[block.Length];
        var bytes = buffer.AsSpan(0, block.Length);
        // Once more: what was wrong may have been the memory or the way there, not the disk.
        for (var attempt = 0; attempt < 2; attempt++)
            if (_disk.Read(_path, _file, bytes, block.Position) == bytes.Length && Crc32C.Of(bytes) == block.Checksum) return bytes.Length;
        _damaged?.Invoke(Entry.Name);
        throw new SnapshotDamagedException($"Block {number} of '{_path}' fails its checksum.");
    }

    /// <summary>The block in which the first row at or above this root lies, if not in the next one.</summary>
    public int BlockFor(Key16 root)
    {
        var (low, high) = (0, _blocks.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (RowOrder.Compare(_blocks[middle].Root, root) < 0) low = middle + 1;
            else high = middle;
        }
        return Math.Max(0, low - 1);
    }

    /// <summary>One more user.</summary>
    public RunFile Take()
    {
        Interlocked.Increment(ref _users);
        return this;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0) _file.Dispose();
    }
}
