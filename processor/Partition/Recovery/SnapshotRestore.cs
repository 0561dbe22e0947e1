using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Recovery;

/// <summary>Writes a partition's rows into an empty store.</summary>
internal sealed class SnapshotRestore(StateStore store, StateDevice device, IFaultPoints faults)
{
    private const int RowsATime = 256;

    private readonly List<SnapshotRow> some = [];

    /// <summary>Greatest offset applied to any row; -1 where there is none.</summary>
    public long GreatestOffset { get; private set; } = -1;

    /// <exception cref="SnapshotDamagedException">A row is not what was written.</exception>
    public async Task RunAsync(ISnapshotStore snapshots, SnapshotPartition partition, long position, CancellationToken cancellation)
    {
        await foreach (var row in snapshots.ReadPartitionAsync(partition, position, cancellation).ConfigureAwait(false))
        {
            some.Add(row);
            if (some.Count == RowsATime) WriteSome();
        }
        WriteSome();
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
        GreatestOffset = Math.Max(GreatestOffset, row.Offset);
        value.CopyTo(store.Scratch);
        store.WriteExactly(row.Key, value.Length, Math.Min(store.MaxValueBytes, RecordHeader.CapacityFor(value.Length)));
    }
}
