using ReadStateStream.Snapshot.Reading;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot;

/// <summary>Rows read from a snapshot, by key: answers are computed from them as from the live store.</summary>
public sealed class RowSet : IRecordSource
{
    private readonly Dictionary<Key16, ReadOnlyMemory<byte>> rows = [];

    /// <summary>Greatest offset applied to any of the rows; -1 where there is none.</summary>
    public long GreatestOffset { get; private set; } = -1;

    /// <summary>Number of rows.</summary>
    public int Count => rows.Count;

    /// <summary>All that can be read is here.</summary>
    public bool Missed => false;

    /// <summary>Adds a row, or replaces the one of its key.</summary>
    public void Add(in SnapshotRow row)
    {
        rows[row.Key] = row.Value;
        GreatestOffset = Math.Max(GreatestOffset, row.Offset);
    }

    /// <summary>Adds all rows of another set.</summary>
    public void Add(RowSet other)
    {
        foreach (var (key, value) in other.rows) rows[key] = value;
        GreatestOffset = Math.Max(GreatestOffset, other.GreatestOffset);
    }

    public ReadOnlySpan<byte> Read(Key16 key) => rows.TryGetValue(key, out var value) ? value.Span : default;
}
