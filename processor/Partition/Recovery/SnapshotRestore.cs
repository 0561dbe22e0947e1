using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Recovery;

/// <summary>Writes a partition's rows into an empty store.</summary>
internal sealed class SnapshotRestore(StateStore store, StateDevice device, IFaultPoints faults)
{
    private const int RowsATime = 256;

    private readonly List<SnapshotRow> some = [];

    private long greatestOffset = -1;

    /// <summary>Writes rows as they come; the greatest offset applied to any of them, -1 where there is none.</summary>
    /// <exception cref="SnapshotDamagedException">A row is not what was written.</exception>
    public async Task<long> RunAsync(IAsyncEnumerable<SnapshotRow> rows)
    {
        await foreach (var row in rows.ConfigureAwait(false)) Add(row);
        WriteSome();
        return greatestOffset;
    }

    /// <summary>The same, all of it on the caller's thread.</summary>
    /// <exception cref="SnapshotDamagedException">A row is not what was written.</exception>
    public long Run(IEnumerable<SnapshotRow> rows)
    {
        foreach (var row in rows) Add(row);
        WriteSome();
        return greatestOffset;
    }

    private void Add(in SnapshotRow row)
    {
        some.Add(row);
        if (some.Count == RowsATime) WriteSome();
    }

    // The epoch is held by a thread: never while rows are waited for.
    private void WriteSome()
    {
        if (device.Stuck is { } stuck) throw new IOException($"the record log cannot be written: {stuck.Error.Message}", stuck.Error);
        store.Enter();
        try
        {
            foreach (var row in some) Write(row);
        }
        finally
        {
            store.Exit();
        }
        some.Clear();
        faults.Reach("recovery-in-rows");
        if (device.Damage is { } damage) throw damage;
    }

    private void Write(in SnapshotRow row)
    {
        var value = row.Value.Span;
        if (value.Length < RecordHeader.Length || RecordHeader.Used(value) != value.Length || value.Length > store.MaxValueBytes
            || RecordHeader.Applied(value) != row.Offset)
            throw new SnapshotDamagedException($"a row of {value.Length} bytes at offset {row.Offset} is no record of this store");
        greatestOffset = Math.Max(greatestOffset, row.Offset);
        value.CopyTo(store.Scratch);
        store.WriteExactly(row.Key, value.Length, Math.Min(store.MaxValueBytes, RecordHeader.CapacityFor(value.Length)));
    }
}
