using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>
/// The thread that makes checkpoints durable and ships them, for all partitions of the process: one after the other,
/// so that they do not crowd the disk. It also wakes writers whose time has come.
/// </summary>
public sealed class PersistenceWorker : IDisposable
{
    /// <summary>Nothing here is so urgent that it could not wait this long for the thread to look.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly Func<IReadOnlyList<StatePartition>> partitions;
    private readonly TimeProvider time;
    private readonly ManualResetEventSlim stop = new();
    private readonly Thread thread;

    /// <summary>Starts the thread.</summary>
    /// <param name="partitions">Those of the process now, any thread; one that was disposed of has nothing to step.</param>
    /// <param name="time">Clock.</param>
    public PersistenceWorker(Func<IReadOnlyList<StatePartition>> partitions, TimeProvider time)
    {
        this.partitions = partitions;
        this.time = time;
        thread = BackgroundThread.Start("persistence", Run);
    }

    /// <summary>Ends the thread after the current step.</summary>
    public void Dispose()
    {
        stop.Set();
        thread.Join();
        stop.Dispose();
    }

    private void Run()
    {
        do
        {
            while (!stop.IsSet && StepAll())
            {
            }
        }
        while (!stop.Wait(Look));
    }

    private bool StepAll()
    {
        var worked = false;
        foreach (var partition in partitions()) worked |= Step(partition);
        return worked;
    }

    private bool Step(StatePartition partition)
    {
        if (partition.Persistence is not { } persistence)
        {
            if (partition.RecoversAt is { } at && time.GetUtcNow() >= at) partition.OnWork?.Invoke();
            return false;
        }
        try
        {
            var worked = persistence.Step();
            if (persistence.Compactor.IsReady || persistence.Checkpointer.Due(partition.Position)) partition.OnWork?.Invoke();
            return worked;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            partition.FailBeside(error);
            return false;
        }
    }
}
