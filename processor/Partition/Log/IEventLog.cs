namespace ReadStateStream.Partition.Log;

/// <summary>One record of a partition's log. The spans are valid until the reader moves on.</summary>
public readonly ref struct LogRecord
{
    /// <summary>Dense sequence number in the partition, from 0, below 2^47.</summary>
    public required long Offset { get; init; }
    /// <summary>When the log took it, milliseconds since the Unix epoch.</summary>
    public required long AppendedUnixMs { get; init; }
    /// <summary>The record's key as it was published (decimal channel or user id, or "#partition").</summary>
    public required ReadOnlySpan<byte> Key { get; init; }
    /// <summary>The record's value: a protobuf <c>readstate.v1.ChannelEvent</c>.</summary>
    public required ReadOnlySpan<byte> Value { get; init; }
    /// <summary>Its headers where there are any, as <see cref="RecordHeaders"/> writes them.</summary>
    public ReadOnlySpan<byte> Headers { get; init; }
}

/// <summary>
/// The durable, ordered log of one partition, as the partition reads it. Two adapters: embedded
/// (FasterLog) and Kafka. A position is the next offset to apply.
/// </summary>
public interface IEventLog
{
    /// <summary>
    /// False while another process may own the partition, for all that is known here: no answer is given out as live then.
    /// (What is read and applied meanwhile does no harm: state is a function of the log.) Any thread; <see cref="OnGrown"/> is called
    /// after it changed.
    /// </summary>
    bool IsOwned => true;

    /// <summary>First offset kept; grows where old records are dropped.</summary>
    long BeginOffset { get; }

    /// <summary>
    /// Next offset to be written: every record below it is durable and readable. Falls where what lay there turns out to
    /// be no record, as the end of a transaction.
    /// </summary>
    long EndOffset { get; }

    /// <summary>Set by the partition's worker: called (from any thread) after <see cref="EndOffset"/> grew.</summary>
    Action? OnGrown { get; set; }

    /// <summary>A reader whose first record has this offset (BeginOffset .. EndOffset, else ArgumentOutOfRange).</summary>
    IEventLogReader OpenReader(long offset);

    /// <summary>
    /// Fingerprint of the record at an offset, or of the last one before it where that offset holds none; false where the log
    /// no longer or not yet has it.
    /// </summary>
    /// <exception cref="IOException">The log does not answer: nothing is known.</exception>
    bool TryFingerprint(long offset, out RecordFingerprint fingerprint);
}

/// <summary>Reads a log in order, from one thread, without allocating in steady state.</summary>
public interface IEventLogReader : IDisposable
{
    /// <summary>Offset of the next record; moves past offsets that hold none, too.</summary>
    long NextOffset { get; }

    /// <summary>False where no durable record is left now; the record is valid until the next call.</summary>
    /// <exception cref="LogRecordsGoneException">The record lies below the log's begin now: it was dropped after the reader was opened.</exception>
    bool TryRead(out LogRecord record);
}
