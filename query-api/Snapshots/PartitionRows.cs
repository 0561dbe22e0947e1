using ReadStateStream.QueryApi.Reads;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Reading;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.QueryApi.Snapshots;

/// <summary>
/// One partition's rows for one question. Users' rows are fetched before it is computed; a channel that was not
/// fetched is missed and noted: it is fetched, and the question is computed again. Adding is thread-safe, reading is
/// for one thread after all was added.
/// </summary>
internal sealed class PartitionRows(SnapshotPartition partition, SnapshotMark mark) : IRecordSource
{
    private readonly RowSet rows = new();
    private readonly HashSet<ulong> fetched = [];
    private readonly SortedSet<ulong> missed = [];
    private readonly Lock gate = new();

    public SnapshotPartition Partition => partition;

    /// <summary>The position before any row was read: all rows hold at least what lies below.</summary>
    public SnapshotMark Mark => mark;

    /// <summary>The position was the same after all rows were read.</summary>
    public bool Held { get; set; }

    /// <summary>Channels answered that lost edits or deletes.</summary>
    public int Lost { get; set; }

    /// <summary>A channel was read that was not fetched: what was computed is worthless.</summary>
    public bool Missed => missed.Count > 0;

    /// <summary>The missed channels, ascending.</summary>
    public IEnumerable<ulong> MissedChannels => missed;

    /// <summary>Rows so far.</summary>
    public int Count
    {
        get { lock (gate) return rows.Count; }
    }

    /// <summary>Before each time the question is computed.</summary>
    public void Begin()
    {
        missed.Clear();
        Lost = 0;
    }

    public void AddUser(RowSet of)
    {
        lock (gate) rows.Add(of);
    }

    public void AddChannel(ulong channel, RowSet of)
    {
        lock (gate)
        {
            rows.Add(of);
            fetched.Add(channel);
        }
    }

    public ReadOnlySpan<byte> Read(Key16 key)
    {
        if (key.Kind != RecordKind.Channel || fetched.Contains(key.Channel)) return rows.Read(key);
        missed.Add(key.Channel);
        return default;
    }

    /// <summary>How fresh the rows are, with the age of their position.</summary>
    public PartFreshness Freshness(DateTimeOffset now)
    {
        var deadLetters = new List<ulong>();
        ListReader.Read(this, 0, SubKind.DeadLetters, blocksOnly: false, deadLetters);
        return new PartFreshness(
            (uint)partition.Number, (ulong)mark.Position, LagEvents: null, (ulong)Math.Max(0, now.ToUnixTimeMilliseconds() - mark.WrittenUnixMs),
            (ulong)(deadLetters.Count + Lost), FromSnapshot: true, Exact: Held && rows.GreatestOffset < mark.Position);
    }
}
