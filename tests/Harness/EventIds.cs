namespace ReadStateStream.Harness;

/// <summary>
/// Event ids as a source makes them: snowflakes (milliseconds since 2015-01-01 UTC &lt;&lt; 22 | 22 bits) that
/// grow strictly, from one thread at a time.
/// </summary>
public sealed class EventIds(TimeProvider time)
{
    /// <summary>The default epoch of a deployment.</summary>
    public static readonly DateTimeOffset Epoch = new(2015, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private const int SequenceBits = 22;
    private ulong last;

    /// <summary>The next id: above all before, and of now or later.</summary>
    public ulong Next() => last = Math.Max(last + 1, NowMs() << SequenceBits);

    /// <summary>Returns once an id that another source makes from now on lies above all of these.</summary>
    public async Task UntilOthersAreAboveAsync(CancellationToken cancellation)
    {
        if (NowMs() > last >> SequenceBits) return;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1), time);
        while (NowMs() <= last >> SequenceBits) await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Goes on above every id that another source made until now.</summary>
    public void PassOthers() => last = Math.Max(last, ((NowMs() + 1) << SequenceBits) - 1);

    private ulong NowMs() => (ulong)(time.GetUtcNow() - Epoch).Ticks / TimeSpan.TicksPerMillisecond;
}
