using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>
/// A partition's log over a trace in memory: what lies before the partition costs nothing. One reader; the trace
/// is filled again only when all of it was read.
/// </summary>
internal sealed class TraceLog : IEventLog
{
    private const long AppendedUnixMs = 1_780_000_000_000;

    private EventTrace? trace;
    private long end;

    public long BeginOffset => 0;

    public long EndOffset => Volatile.Read(ref end);

    public Action? OnGrown { get; set; }

    /// <summary>Makes the events below an index of the trace readable.</summary>
    public void GrowTo(EventTrace next, int index)
    {
        trace = next;
        Volatile.Write(ref end, next.FirstOffset + index);
        OnGrown?.Invoke();
    }

    public IEventLogReader OpenReader(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(offset, 0);
        return new Reader(this);
    }

    public bool TryFingerprint(long offset, out RecordFingerprint fingerprint)
    {
        // Records of former rounds are no longer there: their offset stands for them.
        fingerprint = new RecordFingerprint((ulong)offset, AppendedUnixMs);
        return offset < EndOffset;
    }

    private sealed class Reader(TraceLog log) : IEventLogReader
    {
        public long NextOffset { get; private set; }

        public bool TryRead(out LogRecord record)
        {
            record = default;
            if (NextOffset >= log.EndOffset) return false;
            var from = log.trace!;
            var index = (int)(NextOffset - from.FirstOffset);
            record = new LogRecord { Offset = NextOffset++, AppendedUnixMs = AppendedUnixMs, Key = from.Key(index), Value = from[index] };
            return true;
        }

        public void Dispose()
        {
        }
    }
}
