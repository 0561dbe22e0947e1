using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Contracts.Snapshot;

/// <summary>
/// A made-up log: at each offset one record of one aggregate changes or is deleted. Says what a ship has to hold, and
/// what a partition's rows may be.
/// </summary>
public sealed class SnapshotLog
{
    private readonly List<SnapshotRow> _changes = [];

    public SnapshotLog(Random random, int length, int keys)
    {
        for (var offset = 0L; offset < length; offset++)
        {
            var key = (uint)random.Next(keys);
            var row = (key % 4) switch
            {
                0 => SnapshotSamples.State(key, 7, offset),
                1 => SnapshotSamples.Part(key / 8, SubKind.Block, key, offset, 60),
                2 => SnapshotSamples.Thread(key, 7, key + 1, offset),
                _ => SnapshotSamples.OfUser(key / 8, SubKind.ChannelList, key, offset),
            };
            _changes.Add(key % 4 == 1 && random.Next(3) == 0 ? row.Dropped(offset) : row);
        }
    }

    public int Length => _changes.Count;

    /// <summary>What changed at or above an offset and below the target; tombstones have the offset target - 1.</summary>
    public SnapshotRow[] Between(long since, long target) =>
    [
        .. Enumerable.Range((int)since, (int)(target - since)).Select(offset => _changes[offset]).GroupBy(static row => row.Key)
            .Select(static group => group.Last()).Select(row => row.Value.IsEmpty ? row.Dropped(target - 1) : row),
    ];

    /// <summary>The rows that stand at a position.</summary>
    public IEnumerable<SnapshotRow> At(long position) => Between(0, position).Where(static row => !row.Value.IsEmpty);

    /// <summary>What is wrong with rows at or ahead of a position, up to another; null: nothing.</summary>
    public string? Fault(IReadOnlyDictionary<Key16, SnapshotRow> rows, long position, long ahead)
    {
        foreach (var key in _changes.Take((int)ahead).Select(static row => row.Key).Distinct())
        {
            var changes = Enumerable.Range(0, (int)ahead).Where(offset => _changes[offset].Key == key).ToList();
            var states = changes.Where(offset => offset >= position).Select(offset => _changes[offset])
                .Append(changes.LastOrDefault(offset => offset < position, -1) is var last and >= 0 ? _changes[last] : default).ToList();
            if (!rows.TryGetValue(key, out var row))
            {
                if (!states.Exists(static state => state.Value.IsEmpty)) return $"{key.A:x}.{key.B:x} is missing at {position}";
                continue;
            }
            if (!states.Exists(state => state.Offset == row.Offset && state.Value.Span.SequenceEqual(row.Value.Span)))
                return $"{key.A:x}.{key.B:x} @{row.Offset} is no state of it at or above {position}";
        }
        return rows.Keys.Except(_changes.Take((int)ahead).Select(static row => row.Key)).Any() ? "a row nobody shipped" : null;
    }
}
