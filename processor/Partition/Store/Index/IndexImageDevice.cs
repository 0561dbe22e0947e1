using System.Runtime.InteropServices;
using FASTER.core;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// An index image as FASTER reads an index checkpoint: the first lines of all chains, then the pages of further lines.
/// Read once, in that order, on the caller's thread. What cannot be used is thrown out of FASTER's recovery.
/// </summary>
internal sealed unsafe class IndexImageDevice : StorageDeviceBase
{
    private const int WordsOfLine = IndexTable.LineBytes / sizeof(ulong);
    private const int LinesOfPage = 1 << IndexTable.FurtherPageBits;

    /// <summary>Most further lines that FASTER reads: it counts their bytes in 31 bits.</summary>
    public const long FurtherLinesMax = (int.MaxValue / IndexTable.LineBytes) - IndexTable.FirstFurtherLine;

    private readonly IndexImageReader image;
    private readonly ulong tail;
    private readonly ulong firstLinesBytes;
    private readonly List<ulong[]> further = [];
    private ReadOnlyMemory<byte> chains;
    private int chainsAt;
    private int chainsLeft;
    private ulong read;
    private long entriesSeen;
    private long nextFurther = IndexTable.FirstFurtherLine;

    /// <param name="image">The image.</param>
    /// <param name="tail">Tail of the fold-over that it is used for: no entry lies above.</param>
    public IndexImageDevice(IndexImageReader image, long tail)
        : base("index image", StateDevice.SectorBytes, Devices.CAPACITY_UNSPECIFIED)
    {
        (this.image, this.tail) = (image, (ulong)tail);
        firstLinesBytes = (ulong)image.Lines * IndexTable.LineBytes;
        Initialize(-1);
    }

    /// <summary>All of it was read, and it held.</summary>
    public bool IsRead { get; private set; }

    /// <summary>Further lines that FASTER has to make for an image, with those that it keeps to itself; 0 where none is needed.</summary>
    public static long FurtherLinesOf(IndexImageReader image) =>
        image.FurtherLines == 0 ? 0 : IndexTable.FirstFurtherLine + image.FurtherLines;

    /// <inheritdoc/>
    public override void ReadAsync(int segmentId, ulong sourceAddress, IntPtr destinationAddress, uint readLength,
        DeviceIOCompletionCallback callback, object context)
    {
        if (sourceAddress < firstLinesBytes) ReadFirstLines(sourceAddress, (ulong*)destinationAddress, readLength);
        else ReadFurtherPage((int)((sourceAddress - firstLinesBytes) / (LinesOfPage * IndexTable.LineBytes)), new Span<ulong>((void*)destinationAddress, (int)(readLength / sizeof(ulong))));
        callback(0, readLength, context);
    }

    /// <inheritdoc/>
    public override void WriteAsync(IntPtr sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite,
        DeviceIOCompletionCallback callback, object context) => throw ReadOnly();

    /// <inheritdoc/>
    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result) => throw ReadOnly();

    /// <summary>Nothing: whoever opened the image closes it.</summary>
    public override void Dispose()
    {
    }

    private static NotSupportedException ReadOnly() => new("an index image is only read");

    private void ReadFirstLines(ulong from, ulong* line, uint length)
    {
        if (from != read || length > firstLinesBytes - from) throw new InvalidOperationException("FASTER reads its index in another order");
        var block = chains.Span;
        for (var end = line + (length / sizeof(ulong)); line < end; line += WordsOfLine)
        {
            if (chainsLeft == 0) block = NextBlock();
            chainsLeft--;
            Place(TakeChain(block), new Span<ulong>(line, WordsOfLine));
        }
        read += length;
        if (read < firstLinesBytes) return;
        if (chainsLeft != 0 || !image.Next(out _).IsEmpty || entriesSeen != image.Entries || nextFurther != IndexTable.FirstFurtherLine + image.FurtherLines)
            throw image.Damaged("it holds something else than its header says");
        IsRead = true;
    }

    private ReadOnlySpan<byte> NextBlock()
    {
        chains = image.Next(out chainsLeft);
        chainsAt = 0;
        return chainsLeft > 0 ? chains.Span : throw image.Damaged("it ends before its last chain");
    }

    private ReadOnlySpan<ulong> TakeChain(ReadOnlySpan<byte> block)
    {
        int count = block[chainsAt++];
        if (count == IndexCapture.LongCount)
        {
            count = MemoryMarshal.Read<ushort>(block[chainsAt..]);
            chainsAt += sizeof(ushort);
        }
        var entries = MemoryMarshal.Cast<byte, ulong>(block.Slice(chainsAt, count * sizeof(ulong)));
        chainsAt += count * sizeof(ulong);
        entriesSeen += count;
        foreach (var entry in entries)
            if ((entry & IndexTable.AddressMask) >= tail) throw image.Damaged("an entry lies above the tail");
        return entries;
    }

    /// <summary>Entries into the first line, and on into further ones.</summary>
    private void Place(ReadOnlySpan<ulong> entries, Span<ulong> line)
    {
        while (true)
        {
            var here = Math.Min(entries.Length, IndexTable.EntriesOfLine);
            entries[..here].CopyTo(line);
            line[here..].Clear();
            entries = entries[here..];
            if (entries.IsEmpty) return;
            line[IndexTable.EntriesOfLine] = (ulong)nextFurther;
            line = NewFurther();
        }
    }

    private Span<ulong> NewFurther()
    {
        var (page, place) = ((int)(nextFurther >> IndexTable.FurtherPageBits), (int)(nextFurther & (LinesOfPage - 1)));
        nextFurther++;
        if (page == further.Count) further.Add(new ulong[LinesOfPage * WordsOfLine]);
        return further[page].AsSpan(place * WordsOfLine, WordsOfLine);
    }

    private void ReadFurtherPage(int page, Span<ulong> destination)
    {
        if (!IsRead || page >= further.Count) throw new InvalidOperationException("FASTER reads its index in another order");
        further[page].AsSpan(0, destination.Length).CopyTo(destination);
        further[page] = [];
    }
}
