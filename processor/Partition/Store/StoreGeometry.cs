using System.Numerics;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// How a record log is laid out: what cannot change while it is used. A checkpoint keeps it and is opened with it,
/// whatever the settings say meanwhile: pages and segments are where they are, and the chains of the hash index
/// that lie in the records are those of its number of lines.
/// </summary>
/// <param name="PageBits">Binary logarithm of a page's bytes.</param>
/// <param name="SegmentBits">Binary logarithm of a segment's bytes.</param>
/// <param name="IndexLines">Lines of 64 bytes of the hash index, a power of two.</param>
public readonly record struct StoreGeometry(int PageBits, int SegmentBits, long IndexLines)
{
    private const int FewestLines = 64;
    private const int LineBytes = 64;
    private const double BroughtOfLive = 2.5;

    /// <summary>The layout that the settings ask for; sizes are rounded down to powers of two.</summary>
    public static StoreGeometry From(StoreOptions options) => new(
        BitOperations.Log2((uint)options.PageBytes), BitOperations.Log2((ulong)options.SegmentBytes),
        Math.Max(FewestLines, 1L << BitOperations.Log2((ulong)(options.IndexBytes / LineBytes) + 1)));

    /// <summary>
    /// Address of the first page that a recovery by an index image brings into memory; below the log's begin where all are.
    /// Where memory has room for it, two and a half times the live bytes from the log's end: the whole of a log whose
    /// garbage is kept to its default share, and of a longer one the part in which most of what is current lies. The rest
    /// is read when it is asked for. And all that is gone through: a page that FASTER 2.6.5 goes through and does not keep
    /// stays in its frame, and what a later page of that frame leaves free would be read as records.
    /// </summary>
    /// <param name="mark">The fold-over.</param>
    /// <param name="start">Address from which on the log is gone through.</param>
    /// <param name="memoryBytes">Bytes of record pages in memory.</param>
    public long FirstPageAtRecovery(FoldMark mark, long start, long memoryBytes)
    {
        var room = (((mark.Tail >> PageBits) + 1) << PageBits) - (1L << BitOperations.Log2((ulong)memoryBytes));
        var kept = Math.Min(start, mark.Tail - (long)(BroughtOfLive * mark.LiveBytes));
        return Math.Max(room, kept >> PageBits << PageBits);
    }
}
