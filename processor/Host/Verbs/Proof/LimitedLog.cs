using ReadStateStream.Partition.Log;

namespace ReadStateStream.Host.Verbs.Proof;

/// <summary>A log that seems to end earlier, so that a replay stops at a position.</summary>
internal sealed class LimitedLog(IEventLog log) : IEventLog
{
    /// <summary>Where it seems to end; raised as the replay goes on.</summary>
    public long Limit { get; set; } = long.MaxValue;

    public long BeginOffset => log.BeginOffset;

    public long EndOffset => Math.Min(log.EndOffset, Limit);

    // A stopped topic does not grow.
    public Action? OnGrown { get; set; }

    public IEventLogReader OpenReader(long offset) => new Reader(this, log.OpenReader(offset));

    public bool TryFingerprint(long offset, out RecordFingerprint fingerprint) => log.TryFingerprint(offset, out fingerprint);

    private sealed class Reader(LimitedLog owner, IEventLogReader reader) : IEventLogReader
    {
        public long NextOffset => reader.NextOffset;

        public bool TryRead(out LogRecord record)
        {
            record = default;
            return reader.NextOffset < owner.Limit && reader.TryRead(out record);
        }

        public void Dispose() => reader.Dispose();
    }
}
