// Prefetch of a batch's hash buckets and records into the processor's cache. A look-up in a store of millions
// of records waits for memory twice, for the bucket and for the record it names, one look-up after the other;
// asked for in groups, the waits overlap (docs/decisions/0007).
//
// FASTER 2.6.5 has no call for it: where its table lies is found by reflection (IndexTable). A prefetch neither
// faults nor changes anything, so a wrong address costs time only; where the fields are named otherwise, nothing is
// prefetched.
using System.Reflection;
using System.Runtime.Intrinsics.X86;
using FASTER.core;

namespace ReadStateStream.Partition.Store;

internal sealed unsafe class CacheWarmer
{
    private const ulong TagMask = (1UL << IndexTable.TagBits) - 1;
    private const int LineBytes = 64;

    /// <summary>A channel's record: its head, names and first entries.</summary>
    private const int ChannelLines = 6;
    private const int StateLines = 2;

    private readonly byte* table;
    private readonly ulong tableMask;
    private readonly long* pages;
    private readonly ulong pageMask;
    private readonly int pageBits;
    private ulong[] hashes = new ulong[64];

    private CacheWarmer(IndexTable index, long* pages, int pageCount, int pageBits)
    {
        table = index.Lines;
        tableMask = (ulong)index.Count - 1;
        this.pages = pages;
        pageMask = (ulong)pageCount - 1;
        this.pageBits = pageBits;
    }

    /// <summary>A warmer of this store, or null where FASTER's fields are not found or the processor has no prefetch.</summary>
    public static CacheWarmer? Of(FasterKV<Key16, SpanByte> faster, IndexTable? index)
    {
        var log = IndexTable.Field(faster, "hlog");
        return Sse.IsSupported && index is not null
               && IndexTable.Field(log, "nativePointers") is Pointer pages && IndexTable.Field(log, "BufferSize") is int pageCount
               && IndexTable.Field(log, "LogPageSizeBits") is int pageBits
            ? new CacheWarmer(index, (long*)Pointer.Unbox(pages), pageCount, pageBits)
            : null;
    }

    /// <summary>Asks for the buckets and records of these keys; a few dozen at a time stay in the cache until they are used.</summary>
    public void Warm(ReadOnlySpan<Key16> keys)
    {
        if (hashes.Length < keys.Length) hashes = new ulong[keys.Length * 2];
        for (var i = 0; i < keys.Length; i++)
        {
            hashes[i] = keys[i].Hash64();
            Sse.Prefetch0(table + ((hashes[i] & tableMask) * LineBytes));
        }
        for (var i = 0; i < keys.Length; i++) WarmRecord(hashes[i], keys[i].Kind == RecordKind.Channel ? ChannelLines : StateLines);
    }

    private void WarmRecord(ulong hash, int lines)
    {
        var bucket = (ulong*)(table + ((hash & tableMask) * LineBytes));
        var tag = hash >> (64 - IndexTable.TagBits);
        for (var entry = 0; entry < IndexTable.EntriesOfLine; entry++)
        {
            if (((bucket[entry] >> IndexTable.AddressBits) & TagMask) != tag || bucket[entry] == 0) continue;
            var address = bucket[entry] & IndexTable.AddressMask;
            var record = (byte*)pages[(address >> pageBits) & pageMask] + (address & ((1UL << pageBits) - 1));
            for (var line = 0; line < lines; line++) Sse.Prefetch0(record + (line * LineBytes));
            return;
        }
    }
}
