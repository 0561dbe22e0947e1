using Google.Protobuf;
using ReadStateStream.Partition.Log;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Partition;

/// <summary>A log in memory.</summary>
public sealed class MemoryLog : IEventLog, ICuttableLog
{
    /// <summary>Append time of every record: no generated event id lies past it.</summary>
    public const long AppendedUnixMs = Generators.GeneratedLog.AppendedUnixMs;

    private readonly List<(byte[] Key, byte[] Value)> records = [];

    /// <summary>Records that a cut drops at once, as if they were a segment.</summary>
    public const int CutRecords = 8;

    public bool IsOwned { get; set; } = true;
    public long BeginOffset { get; private set; }
    public long EndOffset => records.Count;
    public Action? OnGrown { get; set; }

    /// <summary>A reader pauses after so many records, as if the log had ended: the bound of a batch.</summary>
    public int BatchMax { get; set; } = int.MaxValue;

    /// <summary>Where readers begin instead of the log's first record: the position of what was restored.</summary>
    public long ReplayFrom { get; set; }

    public void Append(string key, ChannelEvent record) => Append(System.Text.Encoding.UTF8.GetBytes(key), record.ToByteArray());

    public void Append(byte[] key, byte[] value)
    {
        records.Add((key, value));
        OnGrown?.Invoke();
    }

    public IEventLogReader OpenReader(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, BeginOffset);
        return new Reader(this) { NextOffset = offset + ReplayFrom };
    }

    public bool CutBelow(long offset, long appendedBeforeUnixMs, int filesMax)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, EndOffset);
        if (appendedBeforeUnixMs <= AppendedUnixMs) return false;
        for (; BeginOffset + CutRecords < offset; BeginOffset += CutRecords)
            if (filesMax-- == 0)
                return true;
        return false;
    }

    public bool TryFingerprint(long offset, out RecordFingerprint fingerprint)
    {
        fingerprint = default;
        if (offset < BeginOffset || offset >= EndOffset) return false;
        var (key, value) = records[(int)offset];
        fingerprint = RecordHash.Of(new LogRecord { Offset = offset, AppendedUnixMs = AppendedUnixMs, Key = key, Value = value });
        return true;
    }

    /// <summary>The log loses its records from an offset on: an unclean election, a restored backup.</summary>
    public void CutBack(long offset) => records.RemoveRange((int)offset, records.Count - (int)offset);

    private sealed class Reader(MemoryLog log) : IEventLogReader
    {
        private int sincePause;

        public long NextOffset { get; set; }

        public bool TryRead(out LogRecord record)
        {
            if (NextOffset < log.BeginOffset) throw new LogRecordsGoneException(0, NextOffset, log.BeginOffset);
            if (NextOffset == log.records.Count || sincePause == log.BatchMax)
            {
                sincePause = 0;
                record = new LogRecord { Offset = 0, AppendedUnixMs = 0, Key = default, Value = default };
                return false;
            }
            sincePause++;
            var (key, value) = log.records[(int)NextOffset];
            record = new LogRecord { Offset = NextOffset++, AppendedUnixMs = AppendedUnixMs, Key = key, Value = value };
            return true;
        }

        public void Dispose()
        {
        }
    }
}
