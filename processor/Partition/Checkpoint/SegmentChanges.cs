// What changed in a stretch of the record log: the newest version of each record there, by aggregate.
//
// Invariants:
// - Memory is bounded. A first pass notes hashes: of keys that occur again, and of aggregates with other records than
//   their root. A second one hands out all others, nearly all, as it meets them; what was noted is gathered, in several
//   rounds where it is much, each taking the aggregates of one remainder of a hash, so that they stay together.
// - Aggregates that are handed out at once come in the order in which they lie in the log; then the others, by their roots.
// - A record whose newest version was applied below the shipped position is left out: it was copied, not changed.
// - After an error what comes next is not whole: it is begun anew.
using ReadStateStream.Partition.Store;
using System.Runtime.InteropServices;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>Newest records of a stretch; used again, one thread at a time.</summary>
/// <param name="device">Device of the record log.</param>
/// <param name="pageBytes">Bytes of a page of the log.</param>
/// <param name="recordsARound">Records gathered in one round, about.</param>
public sealed class SegmentChanges(StateDevice device, int pageBytes, int recordsARound = 1 << 20) : IDisposable
{
    /// <summary>Bytes of the stretch for each bit of a set of hashes: about ten bits a record, so that few share one.</summary>
    private const int StretchBytesABit = 8;

    private const int RecordsACall = 4_096;
    private const int FewestSlots = 1 << 10;
    private const int ReadWindow = 2 * StateDevice.SectorBytes;

    private readonly List<Entry> entries = [];
    private int[] slots = new int[FewestSlots];
    private readonly RecordLogScan scan = new(device, pageBytes);
    private readonly RecordLogReader reader = new(device, ReadWindow);
    private byte[] values = new byte[ReadWindow];
    private HashBits seen;
    private HashBits noted;
    private long from;
    private long until;
    private long shippedPosition;
    private long changed;
    private long repeats;
    private long parts;
    private int round;
    private bool isGathered;
    private int cursor;

    private struct Entry
    {
        public Key16 Root;
        public Key16 Key;
        public long Address;
        public long Applied;
        public bool Tombstone;
        public bool Superseded;
    }

    /// <summary>Records that will be handed out, about.</summary>
    public long Count => Math.Max(0, changed - repeats);

    /// <summary>Passes that hand records out; known once all of the stretch was seen.</summary>
    public int Rounds { get; private set; }

    /// <summary>Begins with a stretch.</summary>
    /// <param name="first">Address of its first record.</param>
    /// <param name="to">Address just above its last one.</param>
    /// <param name="shipped">Records applied below this position are not changes.</param>
    public void Begin(long first, long to, long shipped)
    {
        (from, until, shippedPosition) = (first, to, shipped);
        seen.Begin((to - first) / StretchBytesABit);
        noted.Begin((to - first) / StretchBytesABit);
        (changed, repeats, parts) = (0, 0, 0);
        reader.Begin(to);
        scan.Begin(from, until);
    }

    /// <summary>Goes through a bounded part of the stretch for the first time; false where all of it was seen.</summary>
    public bool Scan(int records)
    {
        while (records-- > 0)
        {
            if (!scan.Next())
            {
                seen.Dispose();
                // Of those that occur again the first occurrence was not counted, and some have others' bits.
                Rounds = checked((int)(((repeats * 2) + (parts * 2)) / recordsARound) + 1);
                BeginRound(0);
                return false;
            }
            Note();
        }
        return true;
    }

    private void Note()
    {
        var hash = scan.Key.Hash64();
        if (IsChange()) changed++;
        if (!seen.Add(hash))
        {
            repeats++;
            noted.Add(hash);
        }
        var root = Root();
        if (root == scan.Key) return;
        parts++;
        noted.Add(root.Hash64());
    }

    // A tombstone keeps no value: which state a thread pointer belonged to is gone, and none is ever deleted.
    private Key16 Root() => AggregateRoot.Of(scan.Key, scan.Value);

    private bool IsChange() => scan.IsTombstone || IsChange(RecordHeader.Applied(scan.Value));

    private bool IsChange(long applied) => applied >= 0 && applied >= shippedPosition;

    private void BeginRound(int number)
    {
        round = number;
        entries.Clear();
        Array.Fill(slots, -1);
        isGathered = false;
        cursor = 0;
        scan.Begin(from, until);
    }

    /// <summary>
    /// The changed records of the next aggregate, valid until the next call: none where a bounded part of the stretch had
    /// none. False after the last one. A tombstone has the offset just below <paramref name="position"/>.
    /// </summary>
    public bool TryNext(long position, List<SnapshotRow> rows)
    {
        rows.Clear();
        for (var left = RecordsACall; left > 0; left--)
        {
            if (isGathered)
            {
                if (HandOut(position, rows)) return true;
                if (round == Rounds - 1) return false;
                BeginRound(round + 1);
            }
            if (!scan.Next()) Arrange();
            else if (IsAlone(out var root) && round == 0 && IsChange())
            {
                rows.Add(new SnapshotRow(root, scan.Key, scan.IsTombstone ? position - 1 : RecordHeader.Applied(scan.Value),
                    scan.IsTombstone ? default : scan.UsedValue));
                return true;
            }
        }
        return true;
    }

    /// <summary>Whether the record is the only one of its key and of its aggregate in the stretch; else it is gathered in its round.</summary>
    private bool IsAlone(out Key16 root)
    {
        root = Root();
        var hash = root.Hash64();
        if (root == scan.Key && !noted.MayHave(hash)) return true;
        if (hash % (uint)Rounds == (uint)round) Gather(root);
        return false;
    }

    private void Gather(Key16 root)
    {
        var entry = new Entry
        {
            Root = root, Key = scan.Key, Address = scan.Address, Tombstone = scan.IsTombstone,
            Applied = scan.IsTombstone ? -1 : RecordHeader.Applied(scan.Value),
        };
        // Later in the log is newer.
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
        isGathered = true;
        entries.RemoveAll(entry => entry.Superseded || !(entry.Tombstone || IsChange(entry.Applied)));
        entries.Sort(static (x, y) => Compare(x.Root, y.Root) is not 0 and var order ? order : Compare(x.Key, y.Key));
    }

    private static int Compare(Key16 x, Key16 y) => x.A != y.A ? x.A.CompareTo(y.A) : x.B.CompareTo(y.B);

    /// <summary>The next gathered aggregate, its values read from the device.</summary>
    private bool HandOut(long position, List<SnapshotRow> rows)
    {
        if (cursor == entries.Count) return false;
        var root = entries[cursor].Root;
        var used = 0;
        for (; cursor < entries.Count && entries[cursor].Root == root; cursor++)
        {
            var entry = entries[cursor];
            var value = entry.Tombstone ? default : Keep(reader.ReadUsed(entry.Address), ref used);
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

    /// <summary>Gives the memory of a stretch back; another may begin.</summary>
    public void Dispose()
    {
        seen.Dispose();
        noted.Dispose();
        entries.Clear();
    }
}
