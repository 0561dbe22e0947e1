namespace ReadStateStream.Partition.Log;

/// <summary>A log that drops its oldest records when it is told to. Others have a retention of their own, as Kafka has.</summary>
public interface ICuttableLog
{
    /// <summary>
    /// Drops, for good and in whole files, records that lie below an offset and were appended before a time. The
    /// record just below the offset stays: its fingerprint proves the position.
    /// </summary>
    /// <param name="offset">A position, up to EndOffset; 0 and below: nothing goes.</param>
    /// <param name="appendedBeforeUnixMs">Milliseconds since the Unix epoch; only older records go.</param>
    /// <param name="filesMax">Files deleted by this call at most, from 1.</param>
    /// <returns>True where more can go now: call again.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The offset lies above the log's end.</exception>
    /// <exception cref="IOException">The disk does not answer, or a record at the new begin does not verify; nothing is lost by it.</exception>
    bool CutBelow(long offset, long appendedBeforeUnixMs, int filesMax);
}
