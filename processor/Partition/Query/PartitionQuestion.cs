using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Query;

/// <summary>
/// A question waiting for the partition's writer. <see cref="Execute"/> runs between two batches and may run
/// several times until no record is missed; what it found is turned into an answer on the caller's thread.
/// </summary>
internal abstract class PartitionQuestion(long atLeast, CancellationToken cancellation)
{
    private readonly TaskCompletionSource<FreshnessFigures> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration registration;

    /// <summary>Position that must be reached first.</summary>
    public long AtLeast { get; } = atLeast;

    /// <summary>Passes that missed a record so far.</summary>
    public int Misses { get; set; }

    /// <summary>Nobody waits for it any more.</summary>
    public bool Abandoned => done.Task.IsCompleted;

    public abstract void Execute(StateReaders readers);

    /// <summary>Completes with the freshness of the pass that was executed last.</summary>
    public Task<FreshnessFigures> Completion()
    {
        if (cancellation.CanBeCanceled)
            registration = cancellation.Register(static state => ((PartitionQuestion)state!).Cancel(), this);
        return done.Task;
    }

    public void Complete(in FreshnessFigures figures)
    {
        registration.Unregister();
        done.TrySetResult(figures);
    }

    public void Fail(Exception error)
    {
        registration.Unregister();
        done.TrySetException(error);
    }

    private void Cancel() => done.TrySetCanceled(cancellation);
}

/// <summary>How fresh a pass was.</summary>
internal readonly record struct FreshnessFigures(long Position, long LagEvents, long LagMs, int DeadLetters);

/// <summary>What questions read with; one a partition.</summary>
internal sealed record StateReaders(RecordReader Records, ChannelReader Channels);

/// <summary>Reads the lists of users.</summary>
internal static class ListReader
{
    /// <summary>Appends the ids of a list; of blocks those that are on.</summary>
    public static void Read(RecordReader records, ulong user, SubKind subKind, bool blocksOnly, List<ulong> ids)
    {
        var root = records.Read(Key16.OfUser(user, subKind));
        var chunks = IdList.ChunksOf(root);
        Add(root, blocksOnly, ids);
        for (var number = 1; number < chunks; number++)
            Add(records.Read(Key16.OfUser(user, subKind, (uint)number)), blocksOnly, ids);
    }

    private static void Add(ReadOnlySpan<byte> chunk, bool blocksOnly, List<ulong> ids)
    {
        var entries = IdList.EntriesOf(chunk);
        for (var i = 0; i < entries; i++)
            if (!blocksOnly || Aggregates.IsBlockOn(IdList.ValueOf(chunk, i)))
                ids.Add(IdList.IdOf(chunk, i, hasValues: blocksOnly));
    }
}
