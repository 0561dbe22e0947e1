using FsCheck;
using FsCheck.Fluent;
using ReadStateStream.Oracle;

namespace ReadStateStream.Unit.Generators;

/// <summary>Generated logs for FsCheck: growing with its size, shrunk to fewer events and a plainer policy.</summary>
public static class LogArbitrary
{
    private static readonly OraclePolicy Defaults = new();

    /// <summary>Logs of 1 .. <paramref name="eventsMax"/> events.</summary>
    public static Arbitrary<GeneratedLog> Logs(int eventsMax = 500) => Arb.From(
        Gen.Sized(size =>
            from seed in Gen.Choose(0, int.MaxValue)
            from events in Gen.Choose(1, Math.Clamp(size * 5, 1, eventsMax))
            select GeneratedLog.Make(seed, events)),
        Shrink);

    /// <summary>Smaller logs: without half of the events, a quarter, … one; then with one key of the policy at its default.</summary>
    public static IEnumerable<GeneratedLog> Shrink(GeneratedLog log)
    {
        for (var length = (log.Events.Count + 1) / 2; length >= 1; length = length == 1 ? 0 : (length + 1) / 2)
        {
            for (var start = 0; start < log.Events.Count && length < log.Events.Count; start += length)
                yield return log.With(log.Events.Take(start).Concat(log.Events.Skip(start + length)));
        }
        foreach (var policy in Plainer(log.Policy))
            yield return log with { Policy = policy };
    }

    private static IEnumerable<OraclePolicy> Plainer(OraclePolicy policy) =>
        new[]
        {
            policy with { OwnCounts = Defaults.OwnCounts },
            policy with { OwnSendAcks = Defaults.OwnSendAcks },
            policy with { WebhookIsOwn = Defaults.WebhookIsOwn },
            policy with { DmMentions = Defaults.DmMentions },
            policy with { Threads = Defaults.Threads },
            policy with { CountKinds = Defaults.CountKinds },
            policy with { MuteZeroes = Defaults.MuteZeroes },
            policy with { JoinBaseline = Defaults.JoinBaseline },
            policy with { Window = Defaults.Window },
            policy with { RefuseOwnUnreadFrom = Defaults.RefuseOwnUnreadFrom },
            policy with { DmMutedMentionsOnly = Defaults.DmMutedMentionsOnly },
            policy with { WaitingLimit = Defaults.WaitingLimit },
        }.Where(plainer => plainer.ToString() != policy.ToString());
}
