namespace ReadStateStream.Partition.Log;

/// <summary>
/// Where some frames begin: offset to log address, in memory, ascending. Written by the appender after a
/// commit, read by whoever opens a reader.
/// </summary>
internal sealed class SparseIndex(int intervalBytes)
{
    private readonly Lock _lock = new();
    private readonly List<(long Offset, long Address)> _entries = [];
    private (long Offset, long Address) _begin = (0, LogFrame.FirstAddress);

    /// <summary>Notes a durable frame; kept only where the last one kept lies an interval back.</summary>
    public void Add(long offset, long address)
    {
        lock (_lock)
            if (_entries.Count == 0 || address - _entries[^1].Address >= intervalBytes)
                _entries.Add((offset, address));
    }

    /// <summary>The last frame kept that begins at or below an offset; the log's begin where there is none.</summary>
    public (long Offset, long Address) Floor(long offset)
    {
        lock (_lock)
        {
            int low = 0, high = _entries.Count;
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (_entries[middle].Offset <= offset) low = middle + 1;
                else high = middle;
            }
            return low == 0 ? _begin : _entries[low - 1];
        }
    }

    /// <summary>Forgets every frame.</summary>
    public void Clear()
    {
        lock (_lock) _entries.Clear();
    }

    /// <summary>The log begins here now: frames below are forgotten.</summary>
    public void CutBelow(long offset, long address)
    {
        lock (_lock)
        {
            _begin = (offset, address);
            var kept = _entries.FindIndex(entry => entry.Address >= address);
            _entries.RemoveRange(0, kept < 0 ? _entries.Count : kept);
        }
    }
}
