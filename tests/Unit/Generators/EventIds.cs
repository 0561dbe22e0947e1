namespace ReadStateStream.Unit.Generators;

/// <summary>
/// Event ids: one a fact, mostly growing in the order of arrival; a late fact has one below those that
/// arrived before it.
/// </summary>
internal sealed class EventIds
{
    private const int MaxStep = 8;

    // Facts that a log may draw an id for beyond its size: those it begins with.
    private const int Spare = 8;

    private readonly Random random;
    private readonly bool nearMax;
    private readonly HashSet<ulong> used = [];
    private ulong newest;

    public EventIds(Random random, int size)
    {
        this.random = random;
        nearMax = random.Chance(0.15);
        newest = nearMax ? IdSpace.MaxId - (ulong)(size + Spare) * MaxStep
            : random.Chance(0.3) ? 0
            : (ulong)random.NextInt64(1L << 38) << 22;
    }

    public ulong Next()
    {
        if (random.Chance(0.06) && newest > 1)
        {
            var late = newest - random.Between(1, Math.Min(200, newest - 1));
            if (used.Add(late)) return late;
        }
        newest += random.Between(1, MaxStep);
        // Time passes, as far as the ids reach: the last read time is part of the answers.
        if (!nearMax && random.Chance(0.1)) newest += random.Between(1, 5_000) << 22;
        used.Add(newest);
        return newest;
    }
}
