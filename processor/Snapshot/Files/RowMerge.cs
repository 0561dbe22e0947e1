using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Walks through one run, a block in memory at a time.</summary>
/// <param name="run">The run, which its owner keeps open.</param>
/// <param name="floor">Rows with a lower offset are passed over.</param>
/// <param name="reuses">
/// Blocks are read into memory that is used again: a row's value is valid until the second row after it. Else it is for good.
/// </param>
internal sealed class RunCursor(RunFile run, long floor, bool reuses = false)
{
    private int _nextBlock;
    private byte[] _block = [];
    private byte[] _blockOfCurrent = [];
    private byte[] _spare = [];
    private int _at;
    private int _end;
    private SnapshotRow _current;

    public ref readonly SnapshotRow Current => ref _current;

    /// <summary>Bytes of rows read so far.</summary>
    public long BytesRead { get; private set; }

    public bool MoveNext()
    {
        while (true)
        {
            if (_at == _end)
            {
                if (_nextBlock == run.Blocks) return false;
                Load();
            }
            _at += RunFormat.ReadRow(_block, _at, out _current);
            if (_current.Offset < floor) continue;
            _blockOfCurrent = _block;
            return true;
        }
    }

    private void Load()
    {
        // The row before the next one is still in use: its block stays, the other memory is taken.
        if (ReferenceEquals(_block, _blockOfCurrent)) (_block, _spare) = (_spare, _block);
        if (!reuses) _block = [];
        _end = run.ReadBlock(_nextBlock++, ref _block);
        _at = 0;
        BytesRead += _end;
    }

    /// <summary>Moves to the first row at or above this root; false where there is none.</summary>
    public bool MoveTo(Key16 root)
    {
        _nextBlock = run.BlockFor(root);
        (_at, _end) = (0, 0);
        while (MoveNext())
            if (RowOrder.Compare(_current.Root, root) >= 0) return true;
        return false;
    }
}

/// <summary>Merges cursors into one ascending row of rows, of each key the one that stands; tombstones included.</summary>
internal sealed class RowMerge
{
    // A binary heap by the rows that the cursors stand on.
    private RunCursor[] _heap = new RunCursor[8];
    private int _count;
    private SnapshotRow _current;

    public ref readonly SnapshotRow Current => ref _current;

    /// <summary>Adds a cursor that stands on a row.</summary>
    public void Add(RunCursor cursor)
    {
        if (_count == _heap.Length) Array.Resize(ref _heap, _count * 2);
        var at = _count++;
        for (; at > 0 && IsBefore(cursor, _heap[(at - 1) / 2]); at = (at - 1) / 2) _heap[at] = _heap[(at - 1) / 2];
        _heap[at] = cursor;
    }

    public bool MoveNext()
    {
        if (_count == 0) return false;
        _current = _heap[0].Current;
        Advance();
        while (_count > 0 && _heap[0] is var next && next.Current.Key == _current.Key && next.Current.Root == _current.Root)
        {
            if (RowOrder.Stands(next.Current.Offset, next.Current.Value.Span, _current.Offset, _current.Value.Span)) _current = next.Current;
            Advance();
        }
        return true;
    }

    /// <summary>Moves the first cursor on, and down to where it belongs then.</summary>
    private void Advance()
    {
        var cursor = _heap[0];
        if (!cursor.MoveNext())
        {
            cursor = _heap[--_count];
            _heap[_count] = null!;
            if (_count == 0) return;
        }
        var at = 0;
        while ((at * 2) + 1 is var child && child < _count)
        {
            if (child + 1 < _count && IsBefore(_heap[child + 1], _heap[child])) child++;
            if (!IsBefore(_heap[child], cursor)) break;
            _heap[at] = _heap[child];
            at = child;
        }
        _heap[at] = cursor;
    }

    private static bool IsBefore(RunCursor left, RunCursor right) =>
        RowOrder.Compare(left.Current.Root, left.Current.Key, right.Current.Root, right.Current.Key) < 0;
}
