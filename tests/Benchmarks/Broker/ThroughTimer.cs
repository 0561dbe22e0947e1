using System.Diagnostics;
using ReadStateStream.Benchmarks.Processes;

namespace ReadStateStream.Benchmarks.Broker;

/// <summary>How fast a topic is gone through: from the tenth part on, by when code is compiled and clients have connected.</summary>
internal static class ThroughTimer
{
    private const int LeftOut = 10;
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(2);

    /// <summary>A guard against what never comes, not a measure.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    /// <summary>Waits until all was gone through.</summary>
    /// <param name="events">How many there are.</param>
    /// <param name="done">How many were gone through; any thread.</param>
    /// <exception cref="TimeoutException">It does not end.</exception>
    public static Figures Measure(long events, Func<long> done)
    {
        var begun = Stopwatch.GetTimestamp();
        long first = 0, started = 0;
        var cpu = TimeSpan.Zero;
        while (true)
        {
            var now = done();
            if (first == 0 && now >= events / LeftOut) (first, started, cpu) = (now, Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            if (now >= events) break;
            if (Stopwatch.GetElapsedTime(begun) > Patience) throw new TimeoutException($"{now} of {events} events after {Patience}");
            Thread.Sleep(Look);
        }
        return new Figures
        {
            Events = events - first, Seconds = Stopwatch.GetElapsedTime(started).TotalSeconds, CpuSeconds = (Environment.CpuUsage.TotalTime - cpu).TotalSeconds,
        };
    }
}
