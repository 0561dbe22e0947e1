namespace ReadStateStream.Harness;

/// <summary>Waits for what happens in another process, which says nothing when it has.</summary>
public static class Wait
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);

    /// <summary>Until something holds, looked at again and again.</summary>
    /// <param name="holds">Looks.</param>
    /// <param name="patience">How long it may take.</param>
    /// <param name="otherwise">What to say then.</param>
    /// <param name="pace">Between two looks; null: 5 ms.</param>
    /// <exception cref="TimeoutException">It took longer.</exception>
    public static async Task UntilAsync(Func<Task<bool>> holds, TimeSpan patience, Func<string> otherwise, TimeSpan? pace = null)
    {
        var started = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(pace ?? Look);
        while (!await holds().ConfigureAwait(false))
        {
            if (TimeProvider.System.GetElapsedTime(started) > patience) throw new TimeoutException(otherwise());
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>So long, because that is what is tried: a pause, traffic for a while.</summary>
    public static async Task ForAsync(TimeSpan time, CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(time);
        await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
    }
}
