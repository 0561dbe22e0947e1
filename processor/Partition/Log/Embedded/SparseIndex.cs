namespace ReadStateStream.Partition.Log;

/// <summary>
/// Where some frames begin: offset to log address, in memory, ascending. Written by the appender after a
/// commit, read by whoever opens a reader.
/// </summary>
internal sealed class SparseIndex(int intervalBytes)
{
    private readonly Lock _lock = new();
    private readonly List<(long Offset, long Address)> _entries = [];

    /// <summary>Notes a durable frame; kept only where the last one kept lies an interval back.</summary>
    public void Add(long offset, long address)
    {
        lock (_lock)
            if (_entries.Count == 0 || address - _entries[^1].Address >= intervalBytes)
                _entries.Add((offset, address));
    }

    /// <summary>The last frame kept that begins at or below an offset; the log's start where there is none.</summary>
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
            return low == 0 ? (0, LogFrame.FirstAddress) : _entries[low - 1];
        }
    }
}
