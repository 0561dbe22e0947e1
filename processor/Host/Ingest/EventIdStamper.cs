namespace ReadStateStream.Host.Ingest;

/// <summary>
/// Gives event ids to events that came without. Invariants: each id is above every id stamped before, in
/// this run or an earlier one, whatever the clock does; none is above 2^63 − 1; none lies so far ahead of
/// the clock that a partition would dead-letter it.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="epochUnixMs">Time of event id 0, milliseconds since the Unix epoch.</param>
/// <param name="maxAheadMs">How far an id's time may lie ahead of the clock, milliseconds.</param>
/// <param name="greatestStamped">The greatest id stamped by an earlier run, as the log knows it; 0: none.</param>
public sealed class EventIdStamper(TimeProvider time, long epochUnixMs, long maxAheadMs, ulong greatestStamped)
{
    private readonly Lock gate = new();
    private ulong last = greatestStamped;

    /// <summary>
    /// The next id; false, and nothing is used up, where the clock went back so far (or the epoch lies so
    /// far back) that the next id is not acceptable now.
    /// </summary>
    public bool TryStamp(out ulong id)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        lock (gate)
        {
            var clock = ClockId(now - epochUnixMs);
            id = Math.Max(clock, last + 1);
            if (id > EventValidator.MaxId || (long)(id >> 22) + epochUnixMs - now > maxAheadMs)
            {
                id = 0;
                return false;
            }
            last = id;
            return true;
        }
    }

    // Before the epoch: 1, the least id. Beyond 41 bits of milliseconds: above every id there may be.
    private static ulong ClockId(long sinceEpochMs) => sinceEpochMs switch
    {
        <= 0 => 1,
        >= 1L << 41 => EventValidator.MaxId + 1,
        _ => (ulong)sinceEpochMs << 22,
    };
}
