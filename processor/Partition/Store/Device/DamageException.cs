namespace ReadStateStream.Partition.Store;

/// <summary>
/// Bytes of the state store that the disk did not give back as they were written. Nothing computed from them may
/// be published; the partition is recovered from what holds.
/// </summary>
public sealed class DamageException : Exception
{
    /// <summary>No place is known.</summary>
    public DamageException()
    {
    }

    /// <summary>Damage without a place.</summary>
    public DamageException(string message)
        : base(message)
    {
    }

    /// <summary>Damage without a place.</summary>
    public DamageException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Damage at an address.</summary>
    /// <param name="segment">Number of the segment file.</param>
    /// <param name="address">Address in the record log, bytes.</param>
    /// <param name="reason">What does not hold.</param>
    /// <param name="innerException">The I/O error behind it, if there is one.</param>
    public DamageException(int segment, long address, string reason, Exception? innerException = null)
        : base($"the record log is damaged at address {address} (segment {segment}): {reason}", innerException)
    {
        Segment = segment;
        Address = address;
        Reason = reason;
    }

    /// <summary>Number of the segment file; -1 where none is known.</summary>
    public int Segment { get; } = -1;

    /// <summary>Address in the record log, bytes; -1 where none is known.</summary>
    public long Address { get; } = -1;

    /// <summary>What does not hold.</summary>
    public string Reason { get; } = "";
}
