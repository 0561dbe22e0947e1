namespace ReadStateStream.Host.Ingest;

/// <summary>
/// Gives event ids to events that came without. Invariants: each id is above every id stamped before, in
/// this run or an earlier one, whatever the clock does; none is above 2^63 − 1; none lies so far ahead of
/// the clock that a partition would dead-letter it; none is one that another node may stamp.
/// </summary>
/// <remarks>
/// An id: 41 bits of milliseconds since the epoch, 10 of the node, 12 of a sequence within the millisecond; where one process
/// stamps alone, 22 of a sequence.
/// </remarks>
/// <param name="time">The clock.</param>
/// <param name="epochUnixMs">Time of event id 0, milliseconds since the Unix epoch.</param>
/// <param name="maxAheadMs">How far an id's time may lie ahead of the clock, milliseconds.</param>
/// <param name="greatestStamped">The greatest id stamped by an earlier run, as far as is known; 0: none.</param>
/// <param name="node">Tells the processors of one log apart, 0 .. <see cref="NodeMax"/>; null: there is one.</param>
/// <param name="reservation">Told of each id before it is used; null: the log knows them.</param>
public sealed class EventIdStamper(
    TimeProvider time, long epochUnixMs, long maxAheadMs, ulong greatestStamped, int? node = null, StampReservation? reservation = null)
{
    /// <summary>The greatest number of a node.</summary>
    public const int NodeMax = (1 << NodeBits) - 1;

    private const int NodeBits = 10;
    private const int SequenceBits = 12;
    private const int TimeShift = NodeBits + SequenceBits;

    private readonly Lock gate = new();
    private readonly ulong nodePart = (ulong)(node ?? 0) << SequenceBits;
    private ulong last = greatestStamped;

    /// <summary>
    /// The next id; false, and nothing is used up, where the clock went back so far (or the epoch lies so
    /// far back) that the next id is not acceptable now.
    /// </summary>
    /// <exception cref="IOException">It could not be reserved: nothing is used up.</exception>
    public bool TryStamp(out ulong id)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        lock (gate)
        {
            id = Math.Max(ClockId(now - epochUnixMs), OwnAbove(last));
            if (id > EventValidator.MaxId || (long)(id >> TimeShift) + epochUnixMs - now > maxAheadMs)
            {
                id = 0;
                return false;
            }
            reservation?.Reserve(id);
            last = id;
            return true;
        }
    }

    // Where the sequence of a millisecond is used up, or an earlier run was another node, the next millisecond.
    private ulong OwnAbove(ulong id)
    {
        var next = id + 1;
        return node is not { } mine || (next >> SequenceBits & NodeMax) == (ulong)mine ? next : ((next >> TimeShift) + 1) << TimeShift | nodePart;
    }

    // Before the epoch: the least id. Beyond 41 bits of milliseconds: above every id there may be.
    private ulong ClockId(long sinceEpochMs) => sinceEpochMs switch
    {
        <= 0 => Math.Max(1, nodePart),
        >= 1L << 41 => EventValidator.MaxId + 1,
        _ => (ulong)sinceEpochMs << TimeShift | nodePart,
    };
}
