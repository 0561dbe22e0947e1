// Compaction: live records of the log's oldest pages are copied to the tail in small slices between batches, then
// the begin moves. Files are deleted by whoever knows that no checkpoint needs them.
using FASTER.core;

namespace ReadStateStream.Partition.Store;

public sealed partial class StateStore
{
    /// <summary>Address of the first record that may be current.</summary>
    public long BeginAddress => faster.Log.BeginAddress;

    /// <summary>Address just above the last record.</summary>
    public long TailAddress => faster.Log.TailAddress;

    /// <summary>
    /// Takes out those records of which a newer one is known to lie above their address: what lies there is garbage for
    /// good. From any thread, while the store is open; what it would take the writer to tell stays.
    /// </summary>
    public void DropReplaced(List<(Key16 Key, long Address)> records) => replaced?.Drop(records);

    /// <summary>
    /// Copies to the tail those of these keys' records whose newest version lies below an address. The writer, in a
    /// batch; all copies are at the tail when it returns.
    /// </summary>
    public void Rescue(ReadOnlySpan<Key16> keys, long below)
    {
        if (below > faster.Log.SafeReadOnlyAddress)
            throw new ArgumentOutOfRangeException(nameof(below), below, "records there may still change where they lie");
        BeforeUpdate();
        functions.RescueBelow = below;
        foreach (var wanted in keys)
        {
            // A key may occur several times in what is compacted; one operation on it is enough.
            if (asked.Contains(wanted)) continue;
            var key = wanted;
            var verb = StoreVerb.Rescue;
            var output = 0;
            if (context.RMW(ref key, ref verb, ref output).IsPending) asked.Add(key);
        }
        CompleteAsked(wait: true);
    }

    /// <summary>Moves the begin to an address below which nothing is current. No file is deleted.</summary>
    public void MoveBegin(long address) => faster.Log.ShiftBeginAddress(address, snapToPageStart: false, truncateLog: false);
}
