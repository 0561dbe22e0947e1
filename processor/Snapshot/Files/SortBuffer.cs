using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Rows of a ship, copied, to be sorted and written as one run. Not thread-safe.</summary>
internal sealed class SortBuffer
{
    private const int EntryBytes = 56;

    private readonly record struct Entry(Key16 Root, Key16 Key, long Offset, int Start, int Length);

    private readonly List<Entry> _entries = [];
    private byte[] _values = new byte[4096];
    private int _used;

    public bool IsEmpty => _entries.Count == 0;

    /// <summary>Bytes of memory taken.</summary>
    public long Bytes => _used + ((long)_entries.Count * EntryBytes);

    public void Add(in SnapshotRow row)
    {
        var length = row.Value.Length;
        if (_values.Length - _used < length) Array.Resize(ref _values, Math.Max(_used + length, checked(_values.Length * 2)));
        row.Value.Span.CopyTo(_values.AsSpan(_used));
        _entries.Add(new Entry(row.Root, row.Key, row.Offset, _used, length));
        _used += length;
    }

    private ReadOnlyMemory<byte> ValueOf(in Entry entry) => _values.AsMemory(entry.Start, entry.Length);

    /// <summary>Writes the rows in order, of each key the one that stands, and empties the buffer.</summary>
    public void WriteTo(RunWriter writer)
    {
        var order = Order();
        for (var i = 0; i < order.Length; i++)
        {
            var entry = _entries[order[i]];
            if (i > 0 && _entries[order[i - 1]] is var before && before.Key == entry.Key && before.Root == entry.Root) continue;
            writer.Add(new SnapshotRow(entry.Root, entry.Key, entry.Offset, ValueOf(entry)));
        }
        _entries.Clear();
        _used = 0;
    }

    /// <summary>Places of the rows in order: by their roots, nearly all of which have one row; then what shares a root.</summary>
    private int[] Order()
    {
        var roots = new UInt128[_entries.Count];
        var order = new int[_entries.Count];
        for (var i = 0; i < roots.Length; i++) (roots[i], order[i]) = (new UInt128(_entries[i].Root.A, _entries[i].Root.B), i);
        roots.AsSpan().Sort(order.AsSpan());
        for (int first = 0, next; first < roots.Length; first = next)
        {
            for (next = first + 1; next < roots.Length && roots[next] == roots[first]; next++)
            {
            }
            if (next - first > 1) order.AsSpan(first, next - first).Sort((left, right) => Compare(_entries[left], _entries[right]));
        }
        return order;
    }

    // Of one key the one that stands comes first.
    private int Compare(Entry left, Entry right)
    {
        var order = RowOrder.Compare(left.Key, right.Key);
        if (order != 0) return order;
        var leftValue = ValueOf(left).Span;
        var rightValue = ValueOf(right).Span;
        if (RowOrder.Stands(left.Offset, leftValue, right.Offset, rightValue)) return -1;
        return RowOrder.Stands(right.Offset, rightValue, left.Offset, leftValue) ? 1 : 0;
    }
}
