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
        _entries.Sort(Compare);
        for (var i = 0; i < _entries.Count; i++)
        {
            var entry = _entries[i];
            if (i > 0 && _entries[i - 1].Key == entry.Key && _entries[i - 1].Root == entry.Root) continue;
            writer.Add(new SnapshotRow(entry.Root, entry.Key, entry.Offset, ValueOf(entry)));
        }
        _entries.Clear();
        _used = 0;
    }

    // Of one key the one that stands comes first.
    private int Compare(Entry left, Entry right)
    {
        var order = RowOrder.Compare(left.Root, left.Key, right.Root, right.Key);
        if (order != 0) return order;
        var leftValue = ValueOf(left).Span;
        var rightValue = ValueOf(right).Span;
        if (RowOrder.Stands(left.Offset, leftValue, right.Offset, rightValue)) return -1;
        return RowOrder.Stands(right.Offset, rightValue, left.Offset, leftValue) ? 1 : 0;
    }
}
