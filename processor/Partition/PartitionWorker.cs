using System.Collections.Concurrent;

namespace ReadStateStream.Partition;

/// <summary>A thread that steps its partitions in turn, and sleeps while none has work.</summary>
public sealed class PartitionWorker : IDisposable
{
    private readonly ConcurrentQueue<Action> asked = new();
    private readonly SemaphoreSlim work = new(0, 1);
    private readonly Thread thread;
    private StatePartition[] partitions;
    private volatile bool stopping;

    /// <summary>Starts the thread; the partitions are the worker's until <see cref="Dispose"/> or <see cref="ReleaseAsync"/>.</summary>
    public PartitionWorker(int number, IReadOnlyList<StatePartition> partitions)
    {
        this.partitions = [.. partitions];
        foreach (var partition in partitions) partition.OnWork = Wake;
        thread = new Thread(Run) { Name = $"partition-worker-{number}", IsBackground = true };
        thread.Start();
    }

    /// <summary>Takes a partition on; from any thread.</summary>
    public void Add(StatePartition partition)
    {
        partition.OnWork = Wake;
        asked.Enqueue(() => partitions = [.. partitions, partition]);
        Wake();
    }

    /// <summary>
    /// Stops a partition after the step that is under way, and lets go of it: nothing steps it any more once the task has
    /// completed. From any thread; not after <see cref="Dispose"/>.
    /// </summary>
    /// <param name="partition">One of the worker's.</param>
    /// <param name="keep">Whether what was applied gets a last checkpoint.</param>
    public Task ReleaseAsync(StatePartition partition, bool keep)
    {
        var released = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        asked.Enqueue(() =>
        {
            partitions = [.. partitions.Where(one => one != partition)];
            partition.Stop();
            if (keep) partition.BeginLastCheckpoint();
            released.SetResult();
        });
        Wake();
        return released.Task;
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
            while (asked.TryDequeue(out var next)) next();
            var worked = false;
            foreach (var partition in partitions) worked |= partition.Step();
            // Whatever a partition waits for (records, questions, its recovery, a checkpoint's time) wakes the thread.
            if (!worked) work.Wait();
        }
        // Whoever waits for a release is not left waiting.
        while (asked.TryDequeue(out var next)) next();
        foreach (var partition in partitions) partition.Stop();
    }
}
