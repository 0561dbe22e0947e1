using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Recovery;

/// <summary>Where a partition's state was taken from.</summary>
public enum RecoverySource
{
    /// <summary>A checkpoint of this machine.</summary>
    Checkpoint,
    /// <summary>The rows of the snapshot store.</summary>
    Snapshot,
    /// <summary>Nothing: a replay from the log's first record.</summary>
    LogStart,
}

/// <summary>A partition's state, ready for its writer.</summary>
/// <param name="Store">The store, owned by the partition from now on.</param>
/// <param name="Position">Next offset to apply.</param>
/// <param name="LiveFrom">Answers are whole from this position on: rows that were restored may be ahead up to it.</param>
/// <param name="Source">Where it was taken from.</param>
/// <param name="Persistence">What makes it outlive the process; null where nothing does.</param>
public sealed record RecoveredState(
    StateStore Store, long Position, long LiveFrom, RecoverySource Source, PartitionPersistence? Persistence);

/// <summary>Finds a partition's state. Runs beside the writer; may be run again after the partition failed.</summary>
public interface IStateRecovery
{
    /// <summary>The state of the highest position that can be trusted.</summary>
    /// <param name="failure">Why the partition failed before, damage above all; null where it did not.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="RecoveryRefusedException">There is none: the partition is not served.</exception>
    Task<RecoveredState> RecoverAsync(Exception? failure, CancellationToken cancellation);
}

/// <summary>No state can be trusted, and what to do about it: not tried again before a restart.</summary>
public sealed class RecoveryRefusedException(string message) : Exception(message);

/// <summary>A store that is empty and forgets: replays from the log's start, in tests and benchmarks.</summary>
public sealed class EmptyState(StateStore store) : IStateRecovery
{
    public Task<RecoveredState> RecoverAsync(Exception? failure, CancellationToken cancellation) =>
        Task.FromResult(new RecoveredState(store, 0, 0, RecoverySource.LogStart, null));
}
