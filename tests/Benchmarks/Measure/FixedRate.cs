using System.Diagnostics;

namespace ReadStateStream.Benchmarks.Measure;

/// <summary>
/// Offers events at a fixed rate and measures each from when it was due, so that a stall counts for every
/// event that had to wait (no coordinated omission).
/// </summary>
internal sealed class FixedRate(LatencyRecorder recorder)
{
    private const long ThresholdNs = 1_000_000;

    /// <summary>Applies the events first .. first + count - 1.</summary>
    public delegate void Apply(int first, int count);

    /// <summary>
    /// Wall-clock time in which the oldest event not yet applied was more than 1 ms overdue, ns: a stall of
    /// 5 ms adds 4 ms, however many events waited.
    /// </summary>
    public long TimeAboveNs { get; private set; }

    /// <summary>Runs so many events at a rate (a second), in batches of at most so many, spinning between them.</summary>
    public void Run(int events, int perSecond, int batchMax, Apply apply)
    {
        recorder.Clear();
        TimeAboveNs = 0;
        var nsPerEvent = 1e9 / perSecond;
        var start = Stopwatch.GetTimestamp();
        long counted = 0;
        for (var next = 0; next < events;)
        {
            var now = ElapsedNs(start);
            var due = (int)Math.Min((long)(now / nsPerEvent) + 1, events);
            if (due <= next)
            {
                Thread.SpinWait(20);
                continue;
            }
            var count = Math.Min(due - next, batchMax);
            apply(next, count);
            var end = ElapsedNs(start);
            var oldest = (long)(next * nsPerEvent);
            for (var i = 0; i < count; i++) recorder.Record(end - (long)((next + i) * nsPerEvent));
            var from = Math.Max(oldest + ThresholdNs, counted);
            if (end > from)
            {
                TimeAboveNs += end - from;
                counted = end;
            }
            next += count;
        }
    }

    private static long ElapsedNs(long start) => (long)Stopwatch.GetElapsedTime(start).TotalNanoseconds;
}
