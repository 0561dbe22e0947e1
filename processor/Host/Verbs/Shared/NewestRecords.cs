// The current records of a stretch of a record log: the newest version of each key, tombstones and empty ones left out.
//
// Invariants:
// - Memory is bounded: a long stretch is gone through in several rounds, each taking the aggregates of one remainder of
//   a hash, so that all records of an aggregate are in one round.
// - A record that no event was applied to is what there would be without it: none.
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>A current record.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Root">Key of its aggregate's first record.</param>
/// <param name="Address">Where it lies in the record log.</param>
/// <param name="Used">Bytes in use, prefix included.</param>
/// <param name="Capacity">Bytes of its value.</param>
/// <param name="Applied">Offset of the last event applied.</param>
internal readonly record struct CurrentRecord(Key16 Key, Key16 Root, long Address, int Used, int Capacity, long Applied)
{
    /// <summary>Bytes that it takes in the log.</summary>
    public int Bytes => RecordHeader.BytesOf(Capacity);
}

/// <summary>Current records of a record log, one round at a time. One thread at a time.</summary>
internal sealed class NewestRecords(StateDevice device, int pageBytes, long from, long to)
{
    private const int SmallestRecord = RecordHeader.Overhead + RecordHeader.SmallestCapacity;
    private const int RecordsARound = 1 << 20;

    private readonly Dictionary<Key16, CurrentRecord> current = [];
    private readonly RecordLogScan scan = new(device, pageBytes);
    // One at a time, wherever it lies: a record with its neighbours is little more than a sector.
    private readonly RecordLogReader reader = new(device, 4 * StateDevice.SectorBytes);

    /// <summary>Rounds that keep its memory bounded.</summary>
    public int Rounds { get; } = checked((int)((to - from) / ((long)SmallestRecord * RecordsARound)) + 1);

    /// <summary>Bytes of the log that one round reads.</summary>
    public long Bytes => to - from;

    /// <summary>Current records of the round.</summary>
    public IReadOnlyDictionary<Key16, CurrentRecord> Records => current;

    /// <summary>Reads the stretch for one of so many rounds.</summary>
    /// <exception cref="DamageException">The files do not hold what was written.</exception>
    public void Read(int round, int rounds)
    {
        current.Clear();
        reader.Begin(to);
        for (scan.Begin(from, to); scan.Next();)
        {
            if (scan.IsTombstone || RecordHeader.Used(scan.Value) == 0)
            {
                current.Remove(scan.Key);
                continue;
            }
            var root = AggregateRoot.Of(scan.Key, scan.Value);
            if (!IsIn(root, round, rounds)) continue;
            current[scan.Key] = new CurrentRecord(
                scan.Key, root, scan.Address, RecordHeader.Used(scan.Value), scan.Value.Length, RecordHeader.Applied(scan.Value));
        }
    }

    /// <summary>Whether the records of an aggregate are in a round.</summary>
    public static bool IsIn(Key16 root, int round, int rounds) => rounds == 1 || root.Hash64() % (uint)rounds == (uint)round;

    /// <summary>Its value's used bytes.</summary>
    /// <exception cref="DamageException">The files do not hold what was written.</exception>
    public byte[] ValueOf(in CurrentRecord record) => reader.ReadUsed(record.Address).ToArray();

    /// <summary>Value of a key of this round; null where it has no record.</summary>
    public byte[]? Find(Key16 key) => current.TryGetValue(key, out var record) ? ValueOf(record) : null;
}
