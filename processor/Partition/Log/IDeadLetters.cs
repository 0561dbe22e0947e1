namespace ReadStateStream.Partition.Log;

/// <summary>A record that cannot be folded, as it lies in the log, and why.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="AppendedUnixMs">When the log took it, milliseconds since the Unix epoch.</param>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value.</param>
/// <param name="Headers">Its headers, as <see cref="RecordHeaders"/> reads them.</param>
/// <param name="Code">Stable name of what is wrong.</param>
/// <param name="Reason">The same for people.</param>
public sealed record DeadLetter(
    int Partition, long Offset, long AppendedUnixMs, byte[] Key, byte[] Value, byte[] Headers, string Code, string Reason);

/// <summary>Keeps dead letters apart from a log that may lose them, as Kafka's retention does.</summary>
public interface IDeadLetters
{
    /// <summary>
    /// Keeps them; completes once they are durable, however long that takes: their position is not passed before. Order is
    /// that of the offsets; one may be kept twice.
    /// </summary>
    /// <exception cref="OperationCanceledException">The partition was given up.</exception>
    Task KeepAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellation);
}
