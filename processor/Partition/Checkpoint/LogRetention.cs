// Cuts the event log of one partition by age, as far as no recovery asks for what goes.
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>The retention of one partition's event log; stepped by the thread that ships. It outlives recoveries.</summary>
/// <param name="log">The log.</param>
/// <param name="keep">Records younger than this stay.</param>
/// <param name="time">Clock.</param>
public sealed class LogRetention(ICuttableLog log, TimeSpan keep, TimeProvider time)
{
    /// <summary>Files deleted in one step at most.</summary>
    public const int FilesAStep = 4;

    /// <summary>From one look at the log's begin to the next.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private DateTimeOffset nextAt = time.GetUtcNow();

    /// <summary>Why the last cut failed, which is tried again after the pause; null after one that did not. From any thread.</summary>
    public Exception? LastError { get; private set; }

    /// <summary>Called, by the stepping thread, when a cut failed.</summary>
    public Action<Exception>? OnFailed { get; set; }

    /// <summary>A bounded part of a cut; false where there is nothing to do now.</summary>
    /// <param name="position">The lowest position that a recovery may begin at.</param>
    public bool Step(long position)
    {
        var now = time.GetUtcNow();
        if (now < nextAt) return false;
        try
        {
            var hasMore = log.CutBelow(position, (now - keep).ToUnixTimeMilliseconds(), FilesAStep);
            LastError = null;
            if (!hasMore) nextAt = now + Pause;
            return hasMore;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Old records stay longer: nothing depends on their going.
            nextAt = now + Pause;
            LastError = error;
            OnFailed?.Invoke(error);
            return false;
        }
    }
}
