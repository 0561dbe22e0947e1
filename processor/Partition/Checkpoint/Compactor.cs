// Keeps the record log small: page by page from its begin, live records are copied to the tail, then the begin
// moves. Keys are read beside the writer, a few pages ahead, without those of records that were replaced, as far as that
// can be told there; the writer looks the others up between two batches.
//
// Invariants:
// - Only what is durable in a checkpoint and acknowledged by the snapshot store is compacted.
// - The begin moves only after every key of the page was looked at that may have its record there.
// - The more garbage there is beyond what is accepted, the more of the log is compacted for each byte that is
//   written: ingest at full speed is slowed rather than the disk filled.
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>Compacts one partition's record log. The writer calls <see cref="CopySome"/>; another thread steps.</summary>
public sealed class Compactor(
    CheckpointOptions options, StateStore store, StateDevice device, Func<CheckpointManifest?> newest, Func<ShippedMark> shipped,
    IFaultPoints faults)
{
    /// <summary>Keys looked up together, their records brought into the processor's cache first.</summary>
    private const int KeysATime = 32;

    /// <summary>Keys looked up between two batches at most: some hundred microseconds where records are in memory.</summary>
    private const int MostKeysATime = 1024;

    /// <summary>Keys read ahead: what the writer may look up while the other thread sleeps.</summary>
    private const int KeysAhead = 16 << 10;

    /// <summary>Bytes compacted for each byte written, where the garbage is twice what is accepted.</summary>
    private const double Pace = 4;

    private readonly RecordLogScan scan = new(device, 1 << store.Geometry.PageBits);
    private readonly List<(Key16 Key, long Address)> found = [];
    private readonly ConcurrentQueue<Page> ahead = new();
    private readonly ConcurrentQueue<Page> used = new();
    private readonly double pageBytes = 1 << store.Geometry.PageBits;
    private long scanned;
    private int keysAhead;
    private volatile Page? current;
    private int looked;
    private long tailBefore;
    private double owed;

    /// <summary>A page of the log whose keys were read.</summary>
    private sealed class Page
    {
        public List<Key16> Keys { get; } = [];

        /// <summary>Address above it.</summary>
        public long Until { get; set; }
    }

    /// <summary>Pages compacted.</summary>
    public long Pages { get; private set; }

    /// <summary>There is something to copy: the writer, or whoever wakes it.</summary>
    public bool IsReady => current is not null || !ahead.IsEmpty;

    /// <summary>Bytes of the record log that are not current; from any thread.</summary>
    public long GarbageBytes
    {
        get
        {
            var figures = store.Figures;
            return Math.Max(0, figures.LogBytes - figures.LiveBytes);
        }
    }

    /// <summary>There is more garbage than is accepted; from any thread.</summary>
    public bool IsWanted => GarbageBytes > AcceptedBytes;

    private double AcceptedBytes => Math.Max(options.GarbageBytes, store.Figures.LiveBytes * options.GarbageRatio);

    /// <summary>Reads the keys of the next page's records that may be current, where the garbage asks for it; false where there is nothing to do now.</summary>
    /// <exception cref="DamageException">The page does not read back as it was written.</exception>
    public bool Step()
    {
        if (Volatile.Read(ref keysAhead) >= KeysAhead || !IsWanted) return false;
        var begin = Math.Max(scanned, store.BeginAddress);
        var size = (long)pageBytes;
        var end = (begin / size * size) + size;
        if (newest() is not { } manifest || end > Math.Min(manifest.Fold.Tail, shipped().Tail)) return false;
        if (!used.TryDequeue(out var page)) page = new Page();
        found.Clear();
        for (scan.Begin(begin, end); scan.Next();)
            if (!scan.IsTombstone)
                found.Add((scan.Key, scan.Address));
        store.DropReplaced(found);
        page.Keys.Clear();
        foreach (var (key, _) in found) page.Keys.Add(key);
        page.Until = scanned = end;
        faults.Reach("compact-after-scan");
        Interlocked.Add(ref keysAhead, page.Keys.Count);
        ahead.Enqueue(page);
        return true;
    }

    /// <summary>
    /// Copies the live ones of the next keys, as many as the garbage asks for; the writer, between two batches, in the
    /// store's epoch. False where there is nothing to do.
    /// </summary>
    public bool CopySome()
    {
        if (current is null)
        {
            if (!ahead.TryDequeue(out var next)) return false;
            current = next;
            looked = 0;
        }
        for (var left = KeysNow(); left > 0 && current is { } page; left -= KeysATime) LookUp(page);
        tailBefore = store.TailAddress;
        return true;
    }

    /// <summary>Keys to look up now, so that what is compacted keeps its proportion to what was written since the last time.</summary>
    private int KeysNow()
    {
        var excess = Math.Max(0, (GarbageBytes / AcceptedBytes) - 1);
        var written = tailBefore == 0 ? 0 : store.TailAddress - tailBefore;
        owed = Math.Min(owed + (written * excess * Pace), pageBytes);
        var keys = (int)(owed / pageBytes * current!.Keys.Count);
        if (keys <= KeysATime)
        {
            owed = 0;
            return KeysATime;
        }
        keys = Math.Min(keys, MostKeysATime);
        owed -= keys * pageBytes / current.Keys.Count;
        return keys;
    }

    private void LookUp(Page page)
    {
        var some = CollectionsMarshal.AsSpan(page.Keys).Slice(looked, Math.Min(KeysATime, page.Keys.Count - looked));
        store.Warm(some);
        store.Rescue(some, page.Until);
        looked += some.Length;
        if (looked < page.Keys.Count)
        {
            faults.Reach("compact-in-copies");
            return;
        }
        faults.Reach("compact-before-begin");
        store.MoveBegin(page.Until);
        faults.Reach("compact-after-begin");
        Pages++;
        Interlocked.Add(ref keysAhead, -page.Keys.Count);
        current = null;
        used.Enqueue(page);
    }
}
