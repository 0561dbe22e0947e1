using ReadStateStream.Partition.Log;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;

namespace ReadStateStream.Simulation.World;

/// <summary>A record of the simulated log.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value.</param>
/// <param name="AppendedUnixMs">Append time.</param>
/// <param name="Source">Which generated log it is of; -1: a record that cannot be folded, or one about such.</param>
/// <param name="Event">As that log's oracle knows it; null where it cannot be decoded.</param>
internal sealed record LogEntry(byte[] Key, byte[] Value, long AppendedUnixMs, int Source, ChannelEvent? Event);

/// <summary>The event log of one partition: it survives everything but what a seed does to it.</summary>
internal sealed class SimulatedLog : IEventLog
{
    private readonly List<LogEntry> entries = [];
    private long? pausedAt;

    public IReadOnlyList<LogEntry> Entries => entries;

    public long BeginOffset { get; set; }

    public long EndOffset => pausedAt ?? entries.Count;

    /// <summary>Records there are, paused or not.</summary>
    public long Count => entries.Count;

    public Action? OnGrown { get; set; }

    /// <summary>A reader pauses after so many records: the bound of a batch.</summary>
    public int BatchMax { get; set; } = 64;

    /// <summary>How often its records were replaced by others.</summary>
    public int History { get; private set; }

    public void Append(LogEntry entry) => entries.Add(entry with { AppendedUnixMs = GeneratedLog.AppendedUnixMs + History });

    /// <summary>Nothing is read while a question is asked: the log seems to end where the partition is.</summary>
    public void Pause(long position) => pausedAt = position;

    public void Resume() => pausedAt = null;

    /// <summary>The log loses its records from an offset on; what comes after is another history.</summary>
    public void CutBack(long offset)
    {
        entries.RemoveRange((int)offset, entries.Count - (int)offset);
        History++;
    }

    public IEventLogReader OpenReader(long offset)
    {
        if (offset < BeginOffset || offset > entries.Count)
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"the log holds {BeginOffset} .. {entries.Count}");
        return new Reader(this) { NextOffset = offset };
    }

    public bool TryFingerprint(long offset, out RecordFingerprint fingerprint)
    {
        fingerprint = default;
        if (offset < BeginOffset || offset >= entries.Count) return false;
        var entry = entries[(int)offset];
        fingerprint = RecordHash.Of(new LogRecord { Offset = offset, AppendedUnixMs = entry.AppendedUnixMs, Key = entry.Key, Value = entry.Value });
        return true;
    }

    private sealed class Reader(SimulatedLog log) : IEventLogReader
    {
        private int sincePause;

        public long NextOffset { get; set; }

        public bool TryRead(out LogRecord record)
        {
            if (log.pausedAt is not null || NextOffset >= log.entries.Count || sincePause >= log.BatchMax)
            {
                sincePause = 0;
                record = new LogRecord { Offset = 0, AppendedUnixMs = 0, Key = default, Value = default };
                return false;
            }
            sincePause++;
            var entry = log.entries[(int)NextOffset];
            record = new LogRecord { Offset = NextOffset++, AppendedUnixMs = entry.AppendedUnixMs, Key = entry.Key, Value = entry.Value };
            return true;
        }

        public void Dispose()
        {
        }
    }
}
