using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Runs a call's disk work, and says "unavailable" for whatever the disk says.</summary>
internal static class DiskCall
{
    /// <summary>Runs the work inline or on the thread pool.</summary>
    /// <exception cref="SnapshotUnavailableException">The disk failed.</exception>
    public static Task<T> RunAsync<T>(bool inline, Func<T> work, CancellationToken cancellation) =>
        inline ? RunHere(work, cancellation) : Task.Run(() => Guard(work), cancellation);

    /// <summary>Runs long work that nobody waits for inline or on a background thread.</summary>
    /// <exception cref="SnapshotUnavailableException">The disk failed.</exception>
    public static Task<T> RunBesideAsync<T>(bool inline, Func<T> work, CancellationToken cancellation) =>
        inline ? RunHere(work, cancellation) : BackgroundThread.RunAsync("ship", () => Guard(work), cancellation);

    private static Task<T> RunHere<T>(Func<T> work, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<T>(cancellation);
        try
        {
            return Task.FromResult(Guard(work));
        }
        catch (OperationCanceledException e)
        {
            return Task.FromCanceled<T>(e.CancellationToken.IsCancellationRequested ? e.CancellationToken : new CancellationToken(true));
        }
        catch (Exception e)
        {
            return Task.FromException<T>(e);
        }
    }

    /// <summary>Runs the work here.</summary>
    /// <exception cref="SnapshotUnavailableException">The disk failed.</exception>
    public static T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (IsOfDisk(e))
        {
            throw new SnapshotUnavailableException($"The snapshot folder does not answer: {e.Message}", e);
        }
    }

    /// <summary>Whether an error is the disk's own.</summary>
    public static bool IsOfDisk(Exception e) => e is IOException or UnauthorizedAccessException;
}
