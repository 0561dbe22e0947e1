// What changed in a stretch of the record log: the newest version of each record there, by aggregate.
//
// Invariants:
// - Memory is bounded: a long stretch is gone through in several rounds, each taking the aggregates of one
//   remainder of a hash, so that the records of an aggregate stay together.
// - Aggregates of one record, nearly all, come in the order in which they lie in the log, so that many are one read;
//   then the others, by their roots.
// - A record whose newest version was applied below the shipped position is left out: it was copied, not changed.
using ReadStateStream.Partition.Store;
using System.Runtime.InteropServices;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>Newest records of a stretch, one round of it at a time; used again, one thread at a time.</summary>
public sealed class SegmentChanges(StateDevice device, int pageBytes)
{
    /// <summary>Records gathered in one round, about.</summary>
    public const int RecordsARound = 1 << 20;

    private const int SmallestRecord = RecordHeader.Overhead + RecordHeader.SmallestCapacity;
    private const int FewestSlots = 1 << 10;

    /// <summary>Read at once where records come in order, and where they lie scattered.</summary>
    private const int OrderedWindow = 128 << 10;
    private const int ScatteredWindow = 2 * StateDevice.SectorBytes;

    private readonly List<Entry> entries = [];
    private readonly List<Entry> others = [];
    private int[] slots = new int[FewestSlots];
    private readonly RecordLogScan scan = new(device, pageBytes);
    private readonly RecordLogReader ordered = new(device, OrderedWindow);
    private readonly RecordLogReader scattered = new(device, ScatteredWindow);
    private readonly HashSet<Key16> manifold = [];
    private byte[] values = new byte[ScatteredWindow];
    private bool scanning;
    private long from;
    private long until;
    private long shippedPosition;
    private int round;
    private int cursor;

    private struct Entry
    {
        public Key16 Root;
        public Key16 Key;
        public long Address;
        public long Applied;
        public bool Tombstone;
        public bool Superseded;
        public bool Alone;
    }

    /// <summary>Rounds that the stretch takes.</summary>
    public int Rounds { get; private set; }

    /// <summary>Records of this round that changed.</summary>
    public int Count => entries.Count;

    /// <summary>The last round was begun.</summary>
    public bool IsLastRound => round == Rounds - 1;

    /// <summary>Begins with the first round of a stretch.</summary>
    /// <param name="first">Address of its first record.</param>
    /// <param name="to">Address just above its last one.</param>
    /// <param name="shipped">Records applied below this position are not changes.</param>
    public void Begin(long first, long to, long shipped)
    {
        Rounds = checked((int)(((to - first) / ((long)SmallestRecord * RecordsARound)) + 1));
        from = first;
        until = to;
        shippedPosition = shipped;
        ordered.Begin(to);
        scattered.Begin(to);
        round = -1;
        NextRound();
    }

    /// <summary>Begins the next round of the same stretch.</summary>
    public void NextRound()
    {
        round++;
        entries.Clear();
        Array.Fill(slots, -1);
        scan.Begin(from, until);
        scanning = true;
        cursor = 0;
    }

    /// <summary>Goes through a bounded part of the stretch; false where all of it was seen and the changes are in order.</summary>
    public bool Scan(int records)
    {
        if (!scanning) return false;
        while (records-- > 0)
        {
            if (!scan.Next())
            {
                Arrange();
                return false;
            }
            Note();
        }
        return true;
    }

    /// <summary>
    /// The changed records of the next aggregate, their values read from the device and valid until the next call; false
    /// after the last one. A tombstone has the offset just below <paramref name="position"/>.
    /// </summary>
    public bool TryNext(long position, List<SnapshotRow> rows)
    {
        rows.Clear();
        if (cursor == entries.Count) return false;
        var root = entries[cursor].Root;
        var used = 0;
        for (; cursor < entries.Count && entries[cursor].Root == root; cursor++)
        {
            var entry = entries[cursor];
            var value = entry.Tombstone ? default
                : entry.Alone ? ordered.ReadUsed(entry.Address)
                : Keep(scattered.ReadUsed(entry.Address), ref used);
            rows.Add(new SnapshotRow(root, entry.Key, entry.Tombstone ? position - 1 : entry.Applied, value));
        }
        return true;
    }

    /// <summary>A copy that outlives the next read. Values kept before stay where they are when the buffer grows.</summary>
    private ReadOnlyMemory<byte> Keep(ReadOnlyMemory<byte> value, ref int used)
    {
        if (values.Length - used < value.Length) (values, used) = (new byte[Math.Max(values.Length * 2, value.Length)], 0);
        var kept = values.AsMemory(used, value.Length);
        value.CopyTo(kept);
        used += value.Length;
        return kept;
    }

    private void Note()
    {
        // A tombstone keeps no value: which state a thread pointer belonged to is gone, and none is ever deleted.
        var root = AggregateRoot.Of(scan.Key, scan.Value);
        if (Rounds > 1 && root.Hash64() % (uint)Rounds != (uint)round) return;
        var entry = new Entry
        {
            Root = root, Key = scan.Key, Address = scan.Address, Tombstone = scan.IsTombstone,
            Applied = scan.IsTombstone ? -1 : RecordHeader.Applied(scan.Value),
        };
        // Later in the log is newer; what is newer goes to the end, so that what stays is in the log's order.
        ref var slot = ref SlotOf(scan.Key);
        if (slot >= 0) CollectionsMarshal.AsSpan(entries)[slot].Superseded = true;
        slot = entries.Count;
        entries.Add(entry);
        if (entries.Count * 2 > slots.Length) Grow();
    }

    private ref int SlotOf(Key16 key)
    {
        var mask = slots.Length - 1;
        var at = (int)(key.Hash64() >> 20) & mask;
        while (slots[at] >= 0 && entries[slots[at]].Key != key) at = (at + 1) & mask;
        return ref slots[at];
    }

    private void Grow()
    {
        slots = new int[slots.Length * 2];
        Array.Fill(slots, -1);
        for (var i = 0; i < entries.Count; i++)
            if (!entries[i].Superseded)
                SlotOf(entries[i].Key) = i;
    }

    private void Arrange()
    {
        scanning = false;
        entries.RemoveAll(entry => entry.Superseded || (!entry.Tombstone && (entry.Applied < 0 || entry.Applied < shippedPosition)));
        manifold.Clear();
        foreach (ref readonly var entry in CollectionsMarshal.AsSpan(entries))
            if (entry.Key != entry.Root)
                manifold.Add(entry.Root);
        foreach (ref var entry in CollectionsMarshal.AsSpan(entries)) entry.Alone = !manifold.Contains(entry.Root);
        others.Clear();
        others.AddRange(entries.Where(static entry => !entry.Alone));
        others.Sort(static (x, y) => Compare(x.Root, y.Root) is not 0 and var order ? order : Compare(x.Key, y.Key));
        entries.RemoveAll(static entry => !entry.Alone);
        entries.AddRange(others);
    }

    private static int Compare(Key16 x, Key16 y) => x.A != y.A ? x.A.CompareTo(y.A) : x.B.CompareTo(y.B);
}
