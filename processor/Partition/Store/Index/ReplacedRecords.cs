using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using FASTER.core;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// Tells of records that a newer one in memory has replaced, from any thread, beside the writer. What was replaced once
/// is never current again; what is not known to be replaced may be.
/// </summary>
/// <remarks>
/// The index and the pages are read as they are being written. A record is written before the index names it, and a page
/// is used again only after the head of the log in memory has moved above it: what was read while the head lay below
/// it is a record.
/// </remarks>
internal sealed unsafe class ReplacedRecords
{
    /// <summary>Records of other keys that are passed in a chain; beyond, nothing is known.</summary>
    private const int MostHops = 8;

    private const int AtATime = 32;

    private readonly FasterKV<Key16, SpanByte> faster;
    private readonly IndexTable index;
    private readonly LogPages pages;

    private ReplacedRecords(FasterKV<Key16, SpanByte> faster, IndexTable index, LogPages pages)
    {
        this.faster = faster;
        this.index = index;
        this.pages = pages;
    }

    /// <summary>Of this store; null where FASTER's fields are not found.</summary>
    public static ReplacedRecords? Of(FasterKV<Key16, SpanByte> faster, IndexTable? index, LogPages? pages) =>
        index is null || pages is null ? null : new ReplacedRecords(faster, index, pages);

    /// <summary>Takes out those records of which a newer one is known to lie above their address.</summary>
    public void Drop(List<(Key16 Key, long Address)> records)
    {
        var all = CollectionsMarshal.AsSpan(records);
        var left = 0;
        for (var first = 0; first < all.Length; first += AtATime)
        {
            var some = all.Slice(first, Math.Min(AtATime, all.Length - first));
            Warm(some);
            foreach (var record in some)
                if (!IsInChain(record.Key, index.NewestOf(record.Key.Hash64()), record.Address))
                    all[left++] = record;
        }
        CollectionsMarshal.SetCount(records, left);
    }

    // A look-up waits for memory twice, one look-up after the other; asked for in groups, the waits overlap.
    private void Warm(Span<(Key16 Key, long Address)> records)
    {
        if (!Sse.IsSupported) return;
        foreach (ref readonly var record in records) Sse.Prefetch0(index.LineOf(record.Key.Hash64()));
        foreach (ref readonly var record in records)
            if (index.NewestOf(record.Key.Hash64()) is var newest && newest > record.Address)
                Sse.Prefetch0(pages.At((ulong)newest));
    }

    private bool IsInChain(in Key16 key, long at, long above)
    {
        for (var hops = 0; hops < MostHops && at > above && at >= faster.Log.HeadAddress; hops++)
        {
            var record = pages.At((ulong)at);
            var info = Unsafe.ReadUnaligned<RecordInfo>(record);
            var found = Unsafe.ReadUnaligned<Key16>(record + sizeof(long));
            // Between what was read and the head that says whether it was a record.
            Interlocked.MemoryBarrier();
            if (at < faster.Log.HeadAddress) return false;
            if (found == key) return !info.Invalid;
            at = info.PreviousAddress;
        }
        return false;
    }
}
