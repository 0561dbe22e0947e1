// One partition of the topic, as its StatePartition reads it: records come through a ring from the thread that polls.
//
// Invariants:
// - Records are read only from a position that was asked for, never from one that the broker committed.
// - After Revoke nothing is handed out any more, by no reader.
// - What the library finds wrong with a position (dropped by retention, cut off) is thrown at the reader: the
//   partition then recovers, which asks the broker anew.
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>The log of a partition that this process was given.</summary>
public sealed class KafkaLog : IEventLog
{
    private readonly IPolling polling;
    private readonly RecordProbe probe;
    private readonly int ringBytes;
    private readonly Lock gate = new();
    private KafkaReader? reader;
    private long begin;
    private long end;
    private long endHeardAt = long.MinValue;
    private volatile bool isRevoked;
    private bool wasOwned;

    /// <summary>What the log asks of the thread that polls.</summary>
    internal interface IPolling
    {
        /// <summary>Timestamp of the clock.</summary>
        long Now { get; }

        /// <summary>Whether what was heard at a timestamp is younger than the session time-out.</summary>
        bool IsRecent(long timestamp);

        /// <summary>When the group's coordinator was heard of last.</summary>
        long CoordinatorHeardAt { get; }

        /// <summary>Records from an offset on go to this ring.</summary>
        void Begin(KafkaLog log, RecordRing ring, long offset);

        /// <summary>None go to this ring any more.</summary>
        void End(KafkaLog log, RecordRing ring);
    }

    internal KafkaLog(int partition, IPolling polling, RecordProbe probe, int ringBytes)
    {
        Partition = partition;
        this.polling = polling;
        this.probe = probe;
        this.ringBytes = ringBytes;
    }

    /// <summary>Its number.</summary>
    public int Partition { get; }

    /// <inheritdoc/>
    /// <remarks>Heard of as this member's by the coordinator, and of the partition's end by its leader: else its lag is not known.</remarks>
    public bool IsOwned => !isRevoked && polling.IsRecent(polling.CoordinatorHeardAt) && polling.IsRecent(Volatile.Read(ref endHeardAt));

    /// <inheritdoc/>
    public long BeginOffset => Volatile.Read(ref begin);

    /// <inheritdoc/>
    public long EndOffset => Volatile.Read(ref end);

    /// <inheritdoc/>
    public Action? OnGrown { get; set; }

    /// <summary>Up to where no recovery will ask for records again: what may be committed. Any thread; null where nothing is known.</summary>
    public Func<long>? Committable { get; set; }

    /// <summary>Asks the broker for begin and end.</summary>
    /// <exception cref="LogUnavailableException">It does not answer.</exception>
    public void Refresh()
    {
        var at = polling.Now;
        var (first, next) = probe.Offsets(Partition);
        Volatile.Write(ref endHeardAt, at);
        Volatile.Write(ref begin, first);
        Volatile.Write(ref end, next);
    }

    /// <inheritdoc/>
    public IEventLogReader OpenReader(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, BeginOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, EndOffset);
        var opened = new KafkaReader(this, new RecordRing(ringBytes), offset);
        lock (gate) reader = opened;
        polling.Begin(this, opened.Ring, offset);
        return opened;
    }

    /// <inheritdoc/>
    public bool TryFingerprint(long offset, out RecordFingerprint fingerprint) => probe.TryFingerprint(Partition, offset, out fingerprint);

    // The polling thread's side

    /// <summary>Nothing is handed out any more.</summary>
    internal void Revoke() => isRevoked = true;

    internal bool IsRevoked => isRevoked;

    /// <summary>Wakes who reads when it begins or ceases to be known that the partition is this member's. Again and again.</summary>
    internal void NoteOwnership()
    {
        if (IsOwned is var now && now == wasOwned) return;
        wasOwned = now;
        OnGrown?.Invoke();
    }

    /// <summary>Records were put into the ring, or the broker said how far it is.</summary>
    internal void Grew(long endOffset)
    {
        if (endOffset > EndOffset) Volatile.Write(ref end, endOffset);
        OnGrown?.Invoke();
    }

    /// <summary>Its leader said at this time, or later, that the next offset to be written is this one.</summary>
    internal void HeardEnd(long endOffset, long timestamp)
    {
        if (endOffset > EndOffset) Grew(endOffset);
        Volatile.Write(ref endHeardAt, timestamp);
    }

    /// <summary>All that can be read below this offset was put into the ring, and nothing lies above.</summary>
    internal void Ends(long endOffset)
    {
        Volatile.Write(ref end, endOffset);
        OnGrown?.Invoke();
    }

    internal void Begins(long beginOffset) => Volatile.Write(ref begin, beginOffset);

    /// <summary>What went wrong with the position: the reader throws it.</summary>
    internal void Fail(Exception error)
    {
        lock (gate) reader?.Fail(error);
        OnGrown?.Invoke();
    }

    internal void Close(KafkaReader closed)
    {
        lock (gate)
            if (reader == closed) reader = null;
        polling.End(this, closed.Ring);
    }
}

/// <summary>Reads what the polling thread put into a ring.</summary>
internal sealed class KafkaReader(KafkaLog log, RecordRing ring, long offset) : IEventLogReader
{
    private long next = offset;
    private Exception? failure;

    internal RecordRing Ring => ring;

    public long NextOffset => next;

    public bool TryRead(out LogRecord record)
    {
        if (Volatile.Read(ref failure) is { } error) throw error;
        record = default;
        return !log.IsRevoked && ring.TryRead(ref next, out record);
    }

    internal void Fail(Exception error) => Volatile.Write(ref failure, error);

    public void Dispose() => log.Close(this);
}
