using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Subjects;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>
/// The path of <see cref="StoreSubject"/> over a store on the disk, with the thread that takes checkpoints, ships and
/// compacts beside it, as in the processor. Between <see cref="Resume"/> and <see cref="Pause"/> only.
/// </summary>
internal sealed class DurableSubject : IPartitionSubject
{
    private readonly MeasuredTime time = new();
    private readonly GatedDisk disk = new();
    private readonly PhaseClock phases = new();
    private readonly DurableFolder folder;
    private readonly PersistenceWorker worker;
    private readonly TraceLog log = new();
    private readonly bool saves;

    /// <param name="settings">What is measured.</param>
    /// <param name="options">When checkpoints are taken; null: never.</param>
    public DurableSubject(Settings settings, CheckpointOptions? options)
    {
        saves = options is not null;
        folder = new DurableFolder(settings.Store, time, disk);
        time.Start();
        Partition = folder.Open(log, options ?? DurableFolder.Never, phases, new NoSurprises());
        while (Partition.State is PartitionState.Initializing) Partition.Step();
        worker = new PersistenceWorker(() => [Partition], time);
    }

    public StatePartition Partition { get; }

    public void Apply(EventTrace trace, int first, int count)
    {
        var end = trace.FirstOffset + first + count;
        log.GrowTo(trace, first + count);
        while (Partition.Position < end && Partition.State != PartitionState.Failed) Partition.Step();
        if (Partition.State == PartitionState.Failed) throw new InvalidOperationException("the partition failed", Partition.Failure);
        if (Partition.DeadLetters != 0) throw new InvalidOperationException($"{Partition.DeadLetters} events of the trace are no events");
    }

    /// <summary>What works beside the writer goes on.</summary>
    public void Resume()
    {
        disk.OpenGate();
        time.Start();
    }

    /// <summary>What works beside the writer stands still at its next look at the disk.</summary>
    public void Pause()
    {
        time.Stop();
        disk.CloseGate();
    }

    /// <summary>Takes a checkpoint and ships it, so that what was loaded is not what a round writes; nothing where none is ever taken.</summary>
    public void Settle()
    {
        if (!saves) return;
        var persistence = Partition.Persistence!;
        while (!persistence.Checkpointer.IsIdle) Thread.Sleep(1);
        if (persistence.Checkpointer.IsWorthwhile(Partition.Position)) persistence.Checkpointer.Begin(Partition.Position);
        while (persistence.IsBusy)
        {
            Thread.Sleep(1);
            if ((persistence.Checkpointer.LastError ?? persistence.Shipper.LastError) is { } error) throw new InvalidOperationException("it did not settle", error);
        }
    }

    /// <summary>What it did since it was made; the difference of two is a round's.</summary>
    public Figures Done()
    {
        var persistence = Partition.Persistence!;
        var shipped = persistence.Shipper.Figures;
        return new Figures
        {
            Checkpoints = persistence.Checkpointer.Completed,
            GivenUp = persistence.Checkpointer.GivenUp + shipped.Failures,
            Ships = shipped.Ships,
            Rows = shipped.Rows,
            RowBytes = shipped.Bytes,
            RecordBytesWritten = persistence.Device.Counters.BytesWritten,
            PagesCompacted = persistence.Compactor.Pages,
            FlushSeconds = phases.FlushSeconds,
            SyncSeconds = phases.SyncSeconds,
            VerifySeconds = phases.VerifySeconds,
            ManifestSeconds = phases.ManifestSeconds,
            ShipRowsSeconds = phases.RowsSeconds,
            ShipCompleteSeconds = phases.CompleteSeconds,
        };
    }

    public void Dispose()
    {
        Resume();
        worker.Dispose();
        Partition.Dispose();
        folder.Dispose();
        disk.Dispose();
    }
}
