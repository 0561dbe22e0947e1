using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Walks through one run, a block in memory at a time.</summary>
/// <param name="run">The run, which its owner keeps open.</param>
/// <param name="floor">Rows with a lower offset are passed over.</param>
internal sealed class RunCursor(RunFile run, long floor)
{
    private int _nextBlock;
    private byte[] _block = [];
    private int _at;
    private SnapshotRow _current;

    public ref readonly SnapshotRow Current => ref _current;

    /// <summary>Bytes of rows read so far.</summary>
    public long BytesRead { get; private set; }

    public bool MoveNext()
    {
        while (true)
        {
            if (_at == _block.Length)
            {
                if (_nextBlock == run.Blocks) return false;
                _block = run.ReadBlock(_nextBlock++);
                _at = 0;
                BytesRead += _block.Length;
            }
            _at += RunFormat.ReadRow(_block, _at, out _current);
            if (_current.Offset >= floor) return true;
        }
    }

    /// <summary>Moves to the first row at or above this root; false where there is none.</summary>
    public bool MoveTo(Key16 root)
    {
        _nextBlock = run.BlockFor(root);
        (_block, _at) = ([], 0);
        while (MoveNext())
            if (RowOrder.Compare(_current.Root, root) >= 0) return true;
        return false;
    }
}

/// <summary>Merges cursors into one ascending row of rows, of each key the one that stands; tombstones included.</summary>
internal sealed class RowMerge
{
    private static readonly Comparer<RunCursor> ByKey = Comparer<RunCursor>.Create(static (left, right) =>
        RowOrder.Compare(left.Current.Root, left.Current.Key, right.Current.Root, right.Current.Key));

    private readonly PriorityQueue<RunCursor, RunCursor> _cursors = new(ByKey);
    private SnapshotRow _current;

    public ref readonly SnapshotRow Current => ref _current;

    /// <summary>Adds a cursor that stands on a row.</summary>
    public void Add(RunCursor cursor) => _cursors.Enqueue(cursor, cursor);

    public bool MoveNext()
    {
        if (!_cursors.TryPeek(out var first, out _)) return false;
        _current = first.Current;
        Advance(first);
        while (_cursors.TryPeek(out var next, out _) && next.Current.Key == _current.Key && next.Current.Root == _current.Root)
        {
            if (RowOrder.Stands(next.Current.Offset, next.Current.Value.Span, _current.Offset, _current.Value.Span)) _current = next.Current;
            Advance(next);
        }
        return true;
    }

    private void Advance(RunCursor cursor)
    {
        _cursors.Dequeue();
        if (cursor.MoveNext()) _cursors.Enqueue(cursor, cursor);
    }
}
