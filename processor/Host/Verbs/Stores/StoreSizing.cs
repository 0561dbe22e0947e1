using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;

namespace ReadStateStream.Host.Verbs.Stores;

/// <summary>
/// What memory and disk the measured records ask for, by the formula of docs/operations.md. Of the whole processor.
/// </summary>
/// <param name="BytesAState">Bytes of the record log a read state, with its user's lists and threads.</param>
/// <param name="BytesAMessage">Bytes a message kept, with its channel's record, directory and mentions.</param>
/// <param name="LogMemoryBytes">Advice for Store__LogMemoryBytes: everything stays in memory.</param>
/// <param name="IndexBytes">Advice for Store__IndexBytes.</param>
/// <param name="StoreDiskBytes">Most that the record logs come to on the disk.</param>
/// <param name="LogMemoryBytesNow">The setting.</param>
/// <param name="IndexBytesNow">The setting.</param>
internal sealed record StoreSizing(
    double BytesAState, double BytesAMessage, long LogMemoryBytes, long IndexBytes, long StoreDiskBytes, long LogMemoryBytesNow, long IndexBytesNow)
{
    /// <summary>Memory by live bytes at which what is updated is found in the part that is updated in place.</summary>
    private const double MemoryByLive = 2.5;

    private const int IndexBytesARecord = 16;

    /// <summary>The formula.</summary>
    public static StoreSizing Of(RecordStatistics all, ProcessorSettings settings)
    {
        long Sum(params string[] kinds) => all.Kinds.Where(kind => kinds.Contains(kind.Kind)).Sum(kind => kind.Bytes);
        var checkpoint = settings.Checkpoint;
        var garbage = Math.Max(checkpoint.GarbageBytes * settings.Processor.Partitions, (long)(all.LiveBytes * checkpoint.GarbageRatio));
        // What two checkpoints still need, and a file of which only the end is needed, a partition.
        var kept = (checkpoint.IntervalBytes * 2) + settings.Store.SegmentBytes;
        return new StoreSizing(
            PerOne(Sum("readState", "thread", "channelList", "blocked"), all.States),
            PerOne(Sum("channel", "directory", "block", "mentions"), all.Messages),
            (long)(MemoryByLive * all.LiveBytes), IndexBytesARecord * all.Kinds.Sum(kind => kind.Records),
            all.LiveBytes + garbage + (kept * settings.Processor.Partitions), settings.Store.LogMemoryBytes, settings.Store.IndexBytes);
    }

    /// <summary>As lines.</summary>
    public void Write(TextWriter output)
    {
        output.WriteLine($"a state takes {VerbOutput.Number(BytesAState)} bytes, a message {VerbOutput.Number(BytesAMessage)}");
        output.WriteLine($"Store__LogMemoryBytes: {VerbOutput.Number(LogMemoryBytes)} keep everything in memory; it is {VerbOutput.Number(LogMemoryBytesNow)}");
        output.WriteLine($"Store__IndexBytes: {VerbOutput.Number(IndexBytes)} keep look-ups short; it is {VerbOutput.Number(IndexBytesNow)}");
        output.WriteLine($"disk for the record logs, at most: {VerbOutput.Number(StoreDiskBytes)} bytes");
    }

    private static double PerOne(long bytes, long count) => count == 0 ? 0 : (double)bytes / count;
}
