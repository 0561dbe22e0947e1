namespace ReadStateStream.Partition.Log;

/// <summary>
/// The log does not take records now (disk full, too many bytes waiting, I/O error, closing): those
/// concerned are not known to be in the log. The publisher sends them again, with the same event ids, after
/// <see cref="RetryAfter"/>; one that reached the disk all the same is then a duplicate, which changes nothing.
/// </summary>
public sealed class LogUnavailableException(string message, TimeSpan retryAfter, Exception? inner = null)
    : IOException(message, inner)
{
    /// <summary>When it is worth trying again, from now.</summary>
    public TimeSpan RetryAfter { get; } = retryAfter;
}

/// <summary>
/// Records that were durable do not verify. The partition is not opened and nothing is cut: an operator
/// restores the files, or republishes the topic.
/// </summary>
public sealed class LogDamagedException(string message, int partition, long offset, long address)
    : IOException(message)
{
    /// <summary>The partition.</summary>
    public int Partition { get; } = partition;

    /// <summary>First offset that cannot be read.</summary>
    public long Offset { get; } = offset;

    /// <summary>Where it should be: byte address in the log (segment = address / segment size).</summary>
    public long Address { get; } = address;
}

/// <summary>
/// The records that a reader stands before were dropped by the log's retention: whoever reads begins anew, at BeginOffset
/// or above. Nothing is damaged.
/// </summary>
public sealed class LogRecordsGoneException(int partition, long offset, long begin)
    : InvalidOperationException($"Partition {partition}: record {offset} was dropped by the log's retention; the log begins at offset {begin}.")
{
    /// <summary>The partition.</summary>
    public int Partition { get; } = partition;

    /// <summary>The record that was to be read.</summary>
    public long Offset { get; } = offset;

    /// <summary>First offset kept.</summary>
    public long BeginOffset { get; } = begin;
}

/// <summary>A record's key or value exceeds what one record of this log may hold; sending it again is pointless.</summary>
public sealed class LogRecordTooLargeException(string message) : ArgumentException(message);
