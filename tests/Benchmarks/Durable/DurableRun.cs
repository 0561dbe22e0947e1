using ReadStateStream.Benchmarks.Subjects;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>A durable partition over a trace, stepped by one thread: events, then a checkpoint and its ship, in turn.</summary>
internal sealed class DurableRun : IDisposable
{
    private readonly DurableFolder folder;
    private readonly TraceLog log = new();

    public DurableRun(Settings settings, Func<ISnapshotStore, ISnapshotStore>? wrap = null)
    {
        folder = new DurableFolder(settings.Store, TimeProvider.System, DiskOperations.Real, wrap);
        Partition = folder.Open(log, new CheckpointOptions(), NoFaultPoints.Instance, new NoSurprises());
        while (Partition.State is PartitionState.Initializing) Partition.Step();
        // Nothing is spread over the interval: each ship follows its checkpoint at once.
        Partition.Persistence!.Shipper.Hurry();
    }

    private StatePartition Partition { get; }

    /// <summary>Rows shipped so far.</summary>
    public long Rows => Partition.Persistence!.Shipper.Figures.Rows;

    /// <summary>Applies all events of a trace.</summary>
    public void Apply(EventTrace trace)
    {
        log.GrowTo(trace, trace.Count);
        while (Partition.Position < trace.FirstOffset + trace.Count && Partition.State != PartitionState.Failed) Partition.Step();
        Check();
        if (Partition.DeadLetters != 0) throw new InvalidOperationException($"{Partition.DeadLetters} events of the trace are no events");
    }

    /// <summary>Takes a checkpoint and ships it.</summary>
    public void Ship()
    {
        var persistence = Partition.Persistence!;
        while (!persistence.Checkpointer.IsIdle) Step();
        persistence.Checkpointer.Begin(Partition.Position);
        while (persistence.IsBusy) Step();
    }

    private void Step()
    {
        var persistence = Partition.Persistence!;
        if (!persistence.Step()) Thread.Sleep(0);
        if ((persistence.Checkpointer.LastError ?? persistence.Shipper.LastError) is { } error) throw new InvalidOperationException("it was given up", error);
        if (persistence.Compactor.IsReady) Partition.Step();
        Check();
    }

    private void Check()
    {
        if (Partition.State == PartitionState.Failed) throw new InvalidOperationException("the partition failed", Partition.Failure);
    }

    public void Dispose()
    {
        Partition.Dispose();
        folder.Dispose();
    }
}
