using System.Diagnostics;
using ReadStateStream.Partition.Checkpoint;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>Time spent in the phases of checkpoints and ships, told by their named steps. Counts only while it is on.</summary>
internal sealed class PhaseClock : IFaultPoints
{
    private readonly Lock gate = new();
    private long checkpointAt;
    private long shipAt;

    /// <summary>Waiting until FASTER has handed the pages to the device, and the device to the system; s, summed.</summary>
    public double FlushSeconds { get; private set; }

    /// <summary>Fsync of the record log.</summary>
    public double SyncSeconds { get; private set; }

    /// <summary>Reading back, checksums' files.</summary>
    public double VerifySeconds { get; private set; }

    /// <summary>Manifest, with its fsyncs.</summary>
    public double ManifestSeconds { get; private set; }

    /// <summary>Scan of what changed, rows, waiting for their pace.</summary>
    public double RowsSeconds { get; private set; }

    /// <summary>Writing the run and the catalog.</summary>
    public double CompleteSeconds { get; private set; }

    public void Reach(string step)
    {
        // Once an aggregate: nothing but a look at the name.
        if (step.Length == "ship-row".Length) return;
        lock (gate) Note(step, Stopwatch.GetTimestamp());
    }

    private void Note(string step, long now)
    {
        switch (step)
        {
            case "checkpoint-before-fold": checkpointAt = now; break;
            case "checkpoint-before-sync": FlushSeconds += Lap(ref checkpointAt, now); break;
            case "checkpoint-after-sync": SyncSeconds += Lap(ref checkpointAt, now); break;
            case "checkpoint-before-manifest": VerifySeconds += Lap(ref checkpointAt, now); break;
            case "checkpoint-after-manifest": ManifestSeconds += Lap(ref checkpointAt, now); break;
            case "ship-after-intent": shipAt = now; break;
            case "ship-before-position": RowsSeconds += Lap(ref shipAt, now); break;
            case "ship-after-position": CompleteSeconds += Lap(ref shipAt, now); break;
        }
    }

    private static double Lap(ref long from, long to)
    {
        var seconds = Stopwatch.GetElapsedTime(from, to).TotalSeconds;
        from = to;
        return seconds;
    }
}
