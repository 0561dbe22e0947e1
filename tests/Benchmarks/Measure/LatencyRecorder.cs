using System.Numerics;

namespace ReadStateStream.Benchmarks.Measure;

/// <summary>
/// Durations in buckets of constant relative width (1/64, under 1.6 %), 1 ns .. 2^62 ns, as HdrHistogram does.
/// Recording allocates nothing; one thread.
/// </summary>
internal sealed class LatencyRecorder
{
    private const int SubBits = 6;
    private const int Sub = 1 << SubBits;

    private readonly long[] counts = new long[(63 - SubBits + 1) * Sub];
    private long total;

    /// <summary>Longest, ns.</summary>
    public long MaxNs { get; private set; }

    /// <summary>Number recorded.</summary>
    public long Count => total;

    public void Clear()
    {
        Array.Clear(counts);
        (total, MaxNs) = (0, 0);
    }

    /// <summary>Records a duration; below 0 counts as 0.</summary>
    public void Record(long ns)
    {
        if (ns < 0) ns = 0;
        counts[IndexOf(ns)]++;
        total++;
        if (ns > MaxNs) MaxNs = ns;
    }

    /// <summary>Upper edge of the bucket that holds this share (0 .. 1) of the recorded durations, at most the longest; ns.</summary>
    public long PercentileNs(double share)
    {
        var rank = (long)Math.Ceiling(share * total);
        long seen = 0;
        for (var i = 0; i < counts.Length; i++)
        {
            seen += counts[i];
            if (seen >= rank && counts[i] > 0) return Math.Min(UpperEdge(i), MaxNs);
        }
        return MaxNs;
    }

    private static int IndexOf(long ns)
    {
        if (ns < Sub) return (int)ns;
        var shift = BitOperations.Log2((ulong)ns) - SubBits;
        return ((shift + 1) << SubBits) + (int)(ns >> shift) - Sub;
    }

    private static long UpperEdge(int index)
    {
        if (index < Sub) return index;
        var shift = (index >> SubBits) - 1;
        return ((((long)index & (Sub - 1)) + Sub + 1) << shift) - 1;
    }
}
