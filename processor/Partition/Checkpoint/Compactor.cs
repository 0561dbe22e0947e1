// Keeps the record log small: page by page from its begin, live records are copied to the tail, then the begin
// moves. Keys are read beside the writer; the writer copies a few at a time between two batches.
//
// Invariants:
// - Only what is durable in a checkpoint and acknowledged by the snapshot store is compacted.
// - The begin moves only after every key of the page was looked at.
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>Compacts one partition's record log. The writer calls <see cref="CopySome"/>; another thread steps.</summary>
public sealed class Compactor(
    CheckpointOptions options, StateStore store, StateDevice device, Func<CheckpointManifest?> newest, Func<ShippedMark> shipped,
    IFaultPoints faults)
{
    /// <summary>Keys looked at between two batches: what must be read from disk for them keeps the writer for microseconds each.</summary>
    private const int KeysATime = 32;

    private readonly RecordLogScan scan = new(device, 1 << store.Geometry.PageBits);
    private readonly List<Key16> keys = [];
    private volatile bool ready;
    private int copied;
    private long until;

    /// <summary>Pages compacted.</summary>
    public long Pages { get; private set; }

    /// <summary>There is something to copy: the writer, or whoever wakes it.</summary>
    public bool IsReady => ready;

    /// <summary>Bytes of the record log that are not current; from any thread.</summary>
    public long GarbageBytes
    {
        get
        {
            var figures = store.Figures;
            return Math.Max(0, figures.LogBytes - figures.LiveBytes);
        }
    }

    /// <summary>Reads the keys of the next page where the garbage asks for it; false where there is nothing to do now.</summary>
    /// <exception cref="DamageException">The page does not read back as it was written.</exception>
    public bool Step()
    {
        if (ready || GarbageBytes <= Math.Max(options.GarbageBytes, store.Figures.LiveBytes * options.GarbageRatio)) return false;
        var begin = store.BeginAddress;
        var page = 1L << store.Geometry.PageBits;
        var end = (begin / page * page) + page;
        if (newest() is not { } manifest || end > Math.Min(manifest.Fold.Tail, shipped().Tail)) return false;
        keys.Clear();
        for (scan.Begin(begin, end); scan.Next();)
            if (!scan.IsTombstone)
                keys.Add(scan.Key);
        copied = 0;
        until = end;
        faults.Reach("compact-after-scan");
        ready = true;
        return true;
    }

    /// <summary>Copies the live ones of the next few keys; the writer, between two batches, in the store's epoch. False where there is nothing to do.</summary>
    public bool CopySome()
    {
        if (!ready) return false;
        var some = Math.Min(KeysATime, keys.Count - copied);
        store.Rescue(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(keys).Slice(copied, some), until);
        copied += some;
        if (copied < keys.Count)
        {
            faults.Reach("compact-in-copies");
            return true;
        }
        faults.Reach("compact-before-begin");
        store.MoveBegin(until);
        faults.Reach("compact-after-begin");
        Pages++;
        ready = false;
        return true;
    }
}
