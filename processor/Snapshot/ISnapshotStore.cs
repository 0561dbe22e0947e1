// The port of the snapshot store: where a partition's records outlive the machine, and where the query API reads
// while a partition has no owner. Adapters: `files`, `none`, Cassandra. One contract suite runs against each.
//
// Invariants every adapter keeps:
// - A row is written under version lineage << 44 | offset; the greatest version of a key stands, whatever arrives
//   later: repeated, late and zombie writes lose by themselves.
// - All rows of one aggregate in one ship become visible together.
// - The intent of a ship is durable before its first row; its position only after all its rows are acknowledged.
// - The position of a partition never moves back, unless what was written there is damaged or was put back from a
//   backup; a ship that builds on a higher position is refused then, since the rows in between are not there.
// - A store that cannot be reached is an error, never an empty store; what was damaged is an error, never absent.
// - A lineage's number is given once, by an atomic create, and not given again after it was dropped.
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot;

/// <summary>One partition's rows in one lineage.</summary>
/// <param name="Lineage">Number of the lineage, from <see cref="LineageEntry.FirstNumber"/>.</param>
/// <param name="Number">Number of the partition.</param>
public readonly record struct SnapshotPartition(long Lineage, int Number);

/// <summary>A position of the log with what identifies the record below it.</summary>
/// <param name="Position">Next offset to apply.</param>
/// <param name="Fingerprint">Of the record at <c>Position - 1</c>; default where the position is 0.</param>
/// <param name="WrittenUnixMs">When it was noted, milliseconds since the Unix epoch.</param>
public readonly record struct SnapshotMark(long Position, RecordFingerprint Fingerprint, long WrittenUnixMs);

/// <summary>How far a partition's rows reach.</summary>
/// <param name="Shipped">Every record below this position is in the rows; null: nothing was shipped yet.</param>
/// <param name="OpenIntents">Ships begun and not completed, above the shipped position: rows may be ahead up to there.</param>
public sealed record SnapshotProgress(SnapshotMark? Shipped, IReadOnlyList<SnapshotMark> OpenIntents);

/// <summary>One record as it is shipped.</summary>
/// <param name="Root">Key of the aggregate's first record: rows of one root belong together (<see cref="AggregateRoot"/>).</param>
/// <param name="Key">Key of the record.</param>
/// <param name="Offset">Offset of the last event applied to it, 0 .. 2^44 - 1; of a tombstone the ship's position - 1.</param>
/// <param name="Value">The record's used bytes; empty: a tombstone.</param>
public readonly record struct SnapshotRow(Key16 Root, Key16 Key, long Offset, ReadOnlyMemory<byte> Value);

/// <summary>The snapshot store. Safe for concurrent use; every call may be given up by its token.</summary>
/// <exception cref="SnapshotUnavailableException">From every member: the store does not answer. Nothing is known.</exception>
/// <exception cref="SnapshotDamagedException">From every member that reads: what is stored fails its checksum.</exception>
/// <exception cref="LineageGoneException">From every member that takes a lineage, but for its dropping: it is not there.</exception>
public interface ISnapshotStore : IAsyncDisposable
{
    /// <summary>Rows outlive the processor's machine, so that a position may be committed by what was shipped; false for <c>none</c>.</summary>
    bool KeepsRows { get; }

    /// <summary>All lineages, ascending.</summary>
    Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation);

    /// <summary>Allocates the next number for an identity, atomically: of two callers each gets a number of its own.</summary>
    Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation);

    /// <summary>Replaces what answers need beside the rows.</summary>
    Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation);

    /// <summary>Deletes a lineage with all its rows; no error where it is gone already.</summary>
    Task DropLineageAsync(long lineage, CancellationToken cancellation);

    /// <summary>How far a partition's rows reach.</summary>
    Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation);

    /// <summary>Begins a ship; its intent is durable when this returns.</summary>
    /// <param name="partition">Whose rows.</param>
    /// <param name="since">
    /// The ship holds every record changed at or above this offset: the shipped position that it builds on. 0: it holds
    /// everything, and may so take the place of rows that are damaged.
    /// </param>
    /// <param name="target">The position that the rows are of.</param>
    /// <param name="cancellation">Gives the call up.</param>
    /// <exception cref="SnapshotBehindException">The store's position lies below <paramref name="since"/>: ship everything.</exception>
    /// <exception cref="SnapshotDamagedException">No whole rows are there to build on: ship everything.</exception>
    Task<IShipment> BeginShipAsync(SnapshotPartition partition, long since, SnapshotMark target, CancellationToken cancellation);

    /// <summary>The newest row of every key of a partition, tombstones left out; rows may be ahead of the position.</summary>
    /// <param name="partition">Whose rows.</param>
    /// <param name="position">They must reach this position: the one that was read before them. 0: whatever there is.</param>
    /// <param name="cancellation">Gives the call up.</param>
    /// <exception cref="SnapshotDamagedException">They are damaged, or what is whole of them reaches less far.</exception>
    IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(SnapshotPartition partition, long position, CancellationToken cancellation);

    /// <summary>A user's rows in a partition: read states, thread pointers, lists; of user 0: outstanding dead letters.</summary>
    Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation);

    /// <summary>A channel's rows in a partition: its record, directory, blocks and mentions.</summary>
    Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation);
}

/// <summary>A ship under way. Disposed without <see cref="CompleteAsync"/>: abandoned; its intent stays open.</summary>
public interface IShipment : IAsyncDisposable
{
    /// <summary>
    /// Hands over the changed rows of one aggregate. Completes when there is room for more, not when they are
    /// acknowledged. List and values must stay unchanged until it completes, and are used again then.
    /// </summary>
    Task WriteAsync(IReadOnlyList<SnapshotRow> aggregate, CancellationToken cancellation);

    /// <summary>
    /// Waits until all rows are acknowledged, then writes the position. After an error it may have been written all the
    /// same; a ship that is repeated changes nothing.
    /// </summary>
    /// <exception cref="SnapshotBehindException">The store's position has come to lie below what the ship builds on.</exception>
    Task CompleteAsync(CancellationToken cancellation);
}

/// <summary>The snapshot store does not answer: nothing is known of what it holds. Try again.</summary>
public sealed class SnapshotUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What the snapshot store holds fails its checksum: it is not to be used for recovery.</summary>
public sealed class SnapshotDamagedException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The store's position lies below what a ship builds on: rows in between were lost there. Ship everything.</summary>
/// <param name="position">The store's position.</param>
/// <param name="since">What the ship builds on.</param>
public sealed class SnapshotBehindException(long position, long since)
    : Exception($"The snapshot store is at position {position}, the ship builds on {since}: everything has to be shipped again.")
{
    /// <summary>The store's position.</summary>
    public long Position { get; } = position;
}

/// <summary>The lineage was dropped, or never created.</summary>
public sealed class LineageGoneException(long lineage) : Exception($"Lineage {lineage} is not in the snapshot store.")
{
    /// <summary>Its number.</summary>
    public long Lineage { get; } = lineage;
}
