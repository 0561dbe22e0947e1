// Prefetch of a batch's hash buckets and records into the processor's cache. A look-up in a store of millions
// of records waits for memory twice, for the bucket and for the record it names, one look-up after the other;
// asked for in groups, the waits overlap (docs/decisions/0007).
//
// FASTER 2.6.5 has no call for it: where its table and pages lie is found by reflection. A prefetch neither
// faults nor changes anything, so a wrong address costs time only; where the fields are named otherwise, nothing is
// prefetched.
using System.Runtime.Intrinsics.X86;

namespace ReadStateStream.Partition.Store;

internal sealed unsafe class CacheWarmer
{
    /// <summary>A channel's record: its head, names and first entries.</summary>
    private const int ChannelLines = 6;
    private const int StateLines = 2;

    private readonly IndexTable index;
    private readonly LogPages pages;
    private ulong[] hashes = new ulong[64];

    private CacheWarmer(IndexTable index, LogPages pages)
    {
        this.index = index;
        this.pages = pages;
    }

    /// <summary>A warmer of this store, or null where FASTER's fields are not found or the processor has no prefetch.</summary>
    public static CacheWarmer? Of(IndexTable? index, LogPages? pages) =>
        Sse.IsSupported && index is not null && pages is not null ? new CacheWarmer(index, pages) : null;

    /// <summary>Asks for the buckets and records of these keys; a few dozen at a time stay in the cache until they are used.</summary>
    public void Warm(ReadOnlySpan<Key16> keys)
    {
        if (hashes.Length < keys.Length) hashes = new ulong[keys.Length * 2];
        for (var i = 0; i < keys.Length; i++)
        {
            hashes[i] = keys[i].Hash64();
            Sse.Prefetch0(index.LineOf(hashes[i]));
        }
        for (var i = 0; i < keys.Length; i++) WarmRecord(hashes[i], keys[i].Kind == RecordKind.Channel ? ChannelLines : StateLines);
    }

    private void WarmRecord(ulong hash, int lines)
    {
        var newest = index.NewestOf(hash);
        if (newest == 0) return;
        var record = pages.At((ulong)newest);
        for (var line = 0; line < lines; line++) Sse.Prefetch0(record + (line * IndexTable.LineBytes));
    }
}
