namespace ReadStateStream.Crash;

/// <summary>What a comparison found.</summary>
/// <param name="Pairs">Pairs of user and channel that were compared, threads and settings included.</param>
/// <param name="Badges">Badges that were compared.</param>
/// <param name="Lost">Pairs and badges that count less than is true.</param>
/// <param name="Twice">Those that count more.</param>
/// <param name="Other">Those that differ otherwise: a pointer, a setting, a thread.</param>
/// <param name="First">The first difference; null: there is none.</param>
internal readonly record struct Verdict(long Pairs, long Badges, long Lost, long Twice, long Other, string? First)
{
    /// <summary>All is as the oracle has it.</summary>
    public bool IsRight => Lost + Twice + Other == 0;

    public static Verdict operator +(Verdict one, Verdict other) => new(
        one.Pairs + other.Pairs, one.Badges + other.Badges, one.Lost + other.Lost, one.Twice + other.Twice, one.Other + other.Other,
        one.First ?? other.First);
}
