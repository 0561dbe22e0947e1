namespace ReadStateStream.Partition;

/// <summary>A thread that steps its partitions in turn, and sleeps while none has work.</summary>
public sealed class PartitionWorker : IDisposable
{
    private readonly IReadOnlyList<StatePartition> partitions;
    private readonly SemaphoreSlim work = new(0, 1);
    private readonly Thread thread;
    private volatile bool stopping;

    /// <summary>Starts the thread; the partitions are the worker's until <see cref="Dispose"/>.</summary>
    public PartitionWorker(int number, IReadOnlyList<StatePartition> partitions)
    {
        this.partitions = partitions;
        foreach (var partition in partitions) partition.OnWork = Wake;
        thread = new Thread(Run) { Name = $"partition-worker-{number}", IsBackground = true };
        thread.Start();
    }

    /// <summary>Ends the thread after the current step; partitions are stopped, not disposed.</summary>
    public void Dispose()
    {
        if (stopping) return;
        stopping = true;
        Wake();
        thread.Join();
        work.Dispose();
    }

    private void Wake()
    {
        try
        {
            if (work.CurrentCount == 0) work.Release();
        }
        catch (SemaphoreFullException)
        {
            // Two woke it at once: once is enough.
        }
        catch (ObjectDisposedException)
        {
            // The last appends of a stopping process.
        }
    }

    private void Run()
    {
        while (!stopping)
        {
            var worked = false;
            foreach (var partition in partitions) worked |= partition.Step();
            // Whatever a partition waits for (records, questions, its recovery, a checkpoint's time) wakes the thread.
            if (!worked) work.Wait();
        }
        foreach (var partition in partitions) partition.Stop();
    }
}
