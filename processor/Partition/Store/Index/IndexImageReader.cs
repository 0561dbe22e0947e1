using Microsoft.Win32.SafeHandles;

namespace ReadStateStream.Partition.Store;

/// <summary>Reads an index image from its file, block by block, each held against its checksums. One thread at a time.</summary>
public sealed class IndexImageReader : IDisposable
{
    private readonly DiskOperations disk;
    private readonly string path;
    private readonly SafeFileHandle file;
    private readonly IndexImageMark mark;
    private readonly IndexImageHeader header;
    private readonly byte[] buffer = GC.AllocateUninitializedArray<byte>(IndexImageBlock.BytesMax);
    private long at = IndexImageHeader.Length;
    private long next;
    private uint checksum;

    /// <summary>Opens the file that a mark names.</summary>
    /// <param name="disk">Where it lies.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="mark">From the manifest.</param>
    /// <param name="lineage">Lineage of the state.</param>
    /// <param name="partition">Number of the partition.</param>
    /// <exception cref="IndexImageException">It is missing, cut, damaged, of something else, or cannot be read.</exception>
    public IndexImageReader(DiskOperations disk, string folder, IndexImageMark mark, long lineage, int partition)
    {
        (this.disk, this.mark) = (disk, mark);
        path = Path.Combine(folder, IndexImageName.Of(mark.Number));
        file = Try(() => disk.OpenRead(path)) ?? throw new IndexImageException($"{path} is missing");
        try
        {
            header = ReadHeader();
            if ((header.Lineage, header.Partition) != (lineage, partition) || (header.Start, header.Entries) != (mark.Start, mark.Entries))
                throw Damaged("it is not the one that the manifest names");
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>See <see cref="IndexImageMark.Start"/>.</summary>
    public long Start => mark.Start;

    /// <summary>Chains of the index.</summary>
    public long Lines => header.Lines;

    /// <summary>Entries in all.</summary>
    public long Entries => header.Entries;

    /// <summary>Lines that the chains need beside their first ones.</summary>
    public long FurtherLines => header.FurtherLines;

    /// <summary>The next chains, as <see cref="IndexCapture.Copy"/> writes them, valid until the next call; none at the end.</summary>
    /// <param name="lines">How many.</param>
    /// <exception cref="IndexImageException">It is not what was written, or cannot be read.</exception>
    public ReadOnlyMemory<byte> Next(out int lines)
    {
        lines = 0;
        if (next == Lines)
        {
            if (at != mark.Bytes || checksum != header.LastChecksum) throw Damaged("its end is not where it was");
            return default;
        }
        Read(buffer.AsSpan(0, IndexImageBlock.HeaderLength), at);
        var length = IndexImageBlock.LengthOf(buffer);
        lines = IndexImageBlock.LinesOf(buffer);
        if (length <= 0 || length > buffer.Length - IndexImageBlock.HeaderLength || lines <= 0 || lines > Lines - next)
            throw Damaged($"its block at {at} does not hold");
        Read(buffer.AsSpan(IndexImageBlock.HeaderLength, length), at + IndexImageBlock.HeaderLength);
        var block = buffer.AsSpan(0, IndexImageBlock.HeaderLength + length);
        if (!IndexImageBlock.IsWhole(block, checksum, next, out checksum)) throw Damaged($"its block at {at} does not hold");
        at += block.Length;
        next += lines;
        return buffer.AsMemory(IndexImageBlock.HeaderLength, length);
    }

    /// <summary>Has the next reads come from the disk itself, as far as the system does it.</summary>
    public void ForgetCached() => disk.Forget(file, 0, mark.Bytes);

    public void Dispose() => file.Dispose();

    internal IndexImageException Damaged(string why) => new($"{path} cannot be used: {why}");

    private IndexImageHeader ReadHeader()
    {
        if (Try(() => disk.LengthOf(path, file)) != mark.Bytes) throw Damaged($"it does not have {mark.Bytes} bytes");
        Span<byte> bytes = stackalloc byte[IndexImageHeader.Length];
        Read(bytes, 0);
        return IndexImageHeader.TryDecode(bytes, mark.Checksum, out var decoded) ? decoded : throw Damaged("its header does not hold");
    }

    private void Read(Span<byte> destination, long offset)
    {
        try
        {
            if (disk.Read(path, file, destination, offset) == destination.Length) return;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IndexImageException($"{path} cannot be read: {error.Message}", error);
        }
        throw Damaged("it is too short");
    }

    private T Try<T>(Func<T> operation)
    {
        try
        {
            return operation();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new IndexImageException($"{path} cannot be read: {error.Message}", error);
        }
    }
}
