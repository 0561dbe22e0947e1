using System.Diagnostics;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>
/// A clock that goes on only while something is measured: what works beside the writer by the clock (the interval of
/// checkpoints, the pace of ships) does not get ahead while the next events are generated or another subject's turn
/// runs. Timestamps go on always.
/// </summary>
internal sealed class MeasuredTime : TimeProvider
{
    private readonly DateTimeOffset origin = System.GetUtcNow();
    private readonly Lock gate = new();
    private TimeSpan passed;
    private long startedAt;
    private bool runs;

    public override DateTimeOffset GetUtcNow()
    {
        lock (gate) return origin + passed + (runs ? Stopwatch.GetElapsedTime(startedAt) : TimeSpan.Zero);
    }

    /// <summary>It goes on from here.</summary>
    public void Start()
    {
        lock (gate)
        {
            if (runs) return;
            runs = true;
            startedAt = Stopwatch.GetTimestamp();
        }
    }

    /// <summary>It stands still from here.</summary>
    public void Stop()
    {
        lock (gate)
        {
            if (!runs) return;
            passed += Stopwatch.GetElapsedTime(startedAt);
            runs = false;
        }
    }
}
