using System.Reflection;
using FASTER.core;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// Where the pages of a store's record log lie in memory. FASTER 2.6.5 tells nobody: found by reflection, as
/// <see cref="IndexTable"/>. It keeps a page's memory for as long as the store lives, and uses it again.
/// </summary>
internal sealed unsafe class LogPages
{
    private readonly long* pages;
    private readonly ulong pageMask;
    private readonly int pageBits;

    private LogPages(long* pages, int count, int bits)
    {
        this.pages = pages;
        pageMask = (ulong)count - 1;
        pageBits = bits;
    }

    /// <summary>The pages of this store; null where FASTER's fields are not found, or pages are given back.</summary>
    public static LogPages? Of(FasterKV<Key16, SpanByte> faster)
    {
        var log = IndexTable.Field(faster, "hlog");
        return faster.Log.EmptyPageCount == 0 && IndexTable.Field(log, "nativePointers") is Pointer pages
               && IndexTable.Field(log, "BufferSize") is int count && IndexTable.Field(log, "LogPageSizeBits") is int bits
            ? new LogPages((long*)Pointer.Unbox(pages), count, bits) : null;
    }

    /// <summary>The record at an address that is in memory; whatever lies in its place where it is not.</summary>
    public byte* At(ulong address) => (byte*)pages[(address >> pageBits) & pageMask] + (address & ((1UL << pageBits) - 1));
}
