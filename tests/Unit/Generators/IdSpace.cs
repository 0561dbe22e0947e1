namespace ReadStateStream.Unit.Generators;

/// <summary>
/// Where the message ids of a log lie. Dense spaces make ids meet again (duplicates, late ids, edits
/// before their message); a growing one fills windows as a real channel does.
/// </summary>
internal sealed class IdSpace
{
    /// <summary>The greatest id there is: 2^63 − 1.</summary>
    public const ulong MaxId = long.MaxValue;

    private const ulong DenseIds = 40;

    private readonly Random random;
    private readonly bool growing;
    private readonly bool bothEnds;
    private readonly ulong first;
    private ulong head;

    public IdSpace(Random random, int size, bool growing)
    {
        this.random = random;
        this.growing = growing;
        bothEnds = !growing && random.Chance(0.15);
        var nearMax = random.Chance(0.35);
        var span = growing ? (ulong)size * 4 + DenseIds : DenseIds;
        first = nearMax ? MaxId - span + 1 : 1;
        head = first;
    }

    /// <summary>Id of a message that is sent now: mostly new where ids grow, sometimes late.</summary>
    public ulong Sent()
    {
        if (!growing) return Dense();
        if (random.Chance(0.15)) return Near(head, back: 30, ahead: 0);
        head = Math.Min(MaxId, head + random.Between(1, random.Chance(0.05) ? 20UL : 3UL));
        return head;
    }

    /// <summary>Id that a fact about a message names: sent, to be sent, or never.</summary>
    public ulong Named() => growing ? Near(head, back: 15, ahead: 6) : Dense();

    /// <summary>Up to where one reads; ahead of what was sent at times.</summary>
    public ulong UpTo()
    {
        if (!growing) return random.Chance(0.5) ? Dense() : Math.Min(Dense(), Dense());
        return Near(head, back: random.Chance(0.5) ? 12UL : 300UL, ahead: random.Chance(0.1) ? 40UL : 1UL);
    }

    /// <summary>Where a pointer is put: anywhere, just before a message, or 0.</summary>
    public ulong Pointer() => random.Next(10) switch
    {
        < 3 => 0,
        < 6 => Named() - 1,
        < 7 => Named(),
        _ => UpTo(),
    };

    /// <summary>Retention: low, so that something is left.</summary>
    public ulong PurgedBefore() => growing
        ? Math.Min(Near(head, back: 600, ahead: 0), Near(head, back: 600, ahead: 0))
        : Math.Min(Dense(), Math.Min(Dense(), Dense()));

    private ulong Dense()
    {
        var start = bothEnds && random.Chance(0.5) ? MaxId - DenseIds + 1 : first;
        return random.Between(start, start + DenseIds - 1);
    }

    private ulong Near(ulong id, ulong back, ulong ahead) => random.Between(
        id - Math.Min(back, id - first),
        id + Math.Min(ahead, MaxId - id));
}
