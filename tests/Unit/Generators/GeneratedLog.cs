using System.Globalization;
using System.Text;
using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Generators;

/// <summary>How an event came to be in the log a second time.</summary>
public enum DuplicateKind
{
    /// <summary>It is there for the first time.</summary>
    None,

    /// <summary>Right after the first.</summary>
    Immediate,

    /// <summary>At some later offset.</summary>
    Later,

    /// <summary>With its neighbours, as a run of earlier events delivered again in order.</summary>
    Burst,
}

/// <summary>One record in the order of arrival.</summary>
public sealed record GeneratedEvent(ChannelEvent Event, DuplicateKind Duplicate);

/// <summary>
/// A random log with the policy to fold it under. The same seed and size give the same log, so a failure
/// is reproduced by <c>GeneratedLog.Make(seed, size)</c>; a log that was shrunk prints its events.
/// </summary>
/// <param name="Seed">Seed of <see cref="Make"/>.</param>
/// <param name="Size">Size given to <see cref="Make"/>.</param>
/// <param name="Policy">What counts.</param>
/// <param name="Events">In the order of arrival.</param>
public sealed record GeneratedLog(int Seed, int Size, OraclePolicy Policy, IReadOnlyList<GeneratedEvent> Events)
{
    /// <summary>
    /// An append time, milliseconds since the Unix epoch, at which no event id lies in the future: some logs
    /// have ids near 2^63 − 1, whose time is the year 2084 with the default epoch (2015-01-01 UTC).
    /// </summary>
    public const long AppendedUnixMs = 1_420_070_400_000 + (long.MaxValue >> 22) + 1;

    private const int PrintedEvents = 40;

    /// <summary>A log of exactly <paramref name="size"/> events (1 .. 1,000), a function of its arguments.</summary>
    public static GeneratedLog Make(int seed, int size)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, 1_000);
        var random = new Random(seed);
        var policy = PolicyGenerator.Next(random);
        return new GeneratedLog(seed, size, policy, new LogGenerator(random, size).Events());
    }

    /// <summary>The events alone.</summary>
    public IEnumerable<ChannelEvent> Facts => Events.Select(record => record.Event);

    /// <summary>The events without those that are there again.</summary>
    public IEnumerable<ChannelEvent> FirstDeliveries =>
        Events.Where(record => record.Duplicate == DuplicateKind.None).Select(record => record.Event);

    /// <summary>An oracle that was told everything.</summary>
    public ReadStateOracle Oracle(int partitionCount = 1) => new ReadStateOracle(Policy, partitionCount).AppendAll(Facts);

    /// <summary>The same with these events; what lost its first delivery is no duplicate any more.</summary>
    public GeneratedLog With(IEnumerable<GeneratedEvent> events)
    {
        var seen = new HashSet<ulong>();
        return this with
        {
            Events = [.. events.Select(record =>
                seen.Add(record.Event.EventId) ? record with { Duplicate = DuplicateKind.None } : record)],
        };
    }

    /// <inheritdoc />
    public override string ToString()
    {
        var text = new StringBuilder().Append(
            CultureInfo.InvariantCulture, $"GeneratedLog.Make({Seed}, {Size}), {Events.Count} events, {Policy}");
        if (Events.Count > PrintedEvents) return text.ToString();
        foreach (var (record, duplicate) in Events)
            text.AppendLine().Append(CultureInfo.InvariantCulture, $"  {duplicate,-9} {record}");
        return text.ToString();
    }
}
