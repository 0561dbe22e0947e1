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

/// <summary>What questions read with; one a partition.</summary>
internal sealed record StateReaders(RecordReader Records, ChannelReader Channels);
