using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Generators;

/// <summary>Random policies: every key of the table, and small windows and waiting limits more often than the defaults.</summary>
internal static class PolicyGenerator
{
    private static readonly int[] Windows = [1, 2, 3, 4, 5, 20, 20, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000];
    private static readonly int[] WaitingLimits = [1, 2, 2, 5, 5, 1_000, 1_000];

    private static readonly MessageKind[] CountableKinds =
        [MessageKind.Text, MessageKind.JoinLeave, MessageKind.System, MessageKind.Notice, MessageKind.Silent];

    public static OraclePolicy Next(Random random) => new()
    {
        OwnCounts = random.Chance(0.3),
        OwnSendAcks = random.Chance(0.7),
        WebhookIsOwn = random.Chance(0.6),
        DmMentions = random.Chance(0.7),
        Threads = random.Chance(0.5) ? OracleThreads.Separate : OracleThreads.Inline,
        CountKinds = random.Chance(0.6) ? new OraclePolicy().CountKinds : SomeKinds(random),
        MuteZeroes = random.Chance(0.3),
        JoinBaseline = random.Chance(0.3) ? OracleJoinBaseline.All : OracleJoinBaseline.Join,
        Window = random.Pick(Windows),
        RefuseOwnUnreadFrom = random.Chance(0.3),
        DmMutedMentionsOnly = random.Chance(0.3),
        WaitingLimit = random.Pick(WaitingLimits),
    };

    private static MessageKind[] SomeKinds(Random random)
    {
        var kinds = CountableKinds.Where(_ => random.Chance(0.5)).ToArray();
        return kinds.Length > 0 ? kinds : [random.Pick(CountableKinds)];
    }
}

/// <summary>Draws that read as what they mean.</summary>
internal static class RandomDraws
{
    /// <summary>True with this probability, 0 .. 1.</summary>
    public static bool Chance(this Random random, double probability) => random.NextDouble() < probability;

    /// <summary>One of the items, each as likely.</summary>
    public static T Pick<T>(this Random random, IReadOnlyList<T> items) => items[random.Next(items.Count)];

    /// <summary>A number between both, ends included.</summary>
    public static ulong Between(this Random random, ulong low, ulong high) => low + (ulong)random.NextInt64((long)(high - low) + 1);
}
