using System.Runtime.InteropServices;

namespace ReadStateStream.Snapshot.Disk;

/// <summary>
/// Threads for long work beside the writers: checkpoints, ships, merges, for which nobody waits, and recoveries, whose
/// partition is away a little longer so that all others keep their pace. Where processors are short, the writers go first.
/// </summary>
public static partial class BackgroundThread
{
    /// <summary>
    /// Linux gives such a thread about a tenth of a processor beside a thread that wants all of it (nice 10: weight 110 of
    /// 1,024, sched(7)). The framework's own thread priorities do nothing there.
    /// </summary>
    private const int Nice = 10;

    private const int OneThread = 0; // PRIO_PROCESS: on Linux a thread
    private const int Caller = 0;

    /// <summary>Starts a thread.</summary>
    public static Thread Start(string name, Action work)
    {
        var thread = new Thread(() =>
        {
            // Refused: it works as any other.
            if (OperatingSystem.IsLinux()) _ = NativeSetPriority(OneThread, Caller, Nice);
            work();
        }) { Name = name, IsBackground = true, Priority = ThreadPriority.BelowNormal };
        thread.Start();
        return thread;
    }

    /// <summary>Does some work on a thread of its own: rare and long work, of milliseconds at least.</summary>
    /// <param name="name">Of the thread.</param>
    /// <param name="work">What the task ends with, its error too.</param>
    /// <param name="cancellation">Asked before it begins.</param>
    public static Task<T> RunAsync<T>(string name, Func<T> work, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Start(name, () =>
        {
            try
            {
                done.SetResult(work());
            }
            catch (OperationCanceledException e) when (e.CancellationToken == cancellation)
            {
                done.SetCanceled(cancellation);
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int NativeSetPriority(int which, int who, int nice);
}
