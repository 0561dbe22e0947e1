using ReadStateStream.Fold;
using ReadStateStream.Oracle;

namespace ReadStateStream.Unit.Generators;

/// <summary>The oracle's policy as the product's options.</summary>
public static class PolicyMapping
{
    /// <summary>The same choices, key by key.</summary>
    public static PolicyOptions ToOptions(this OraclePolicy policy) => new()
    {
        OwnCounts = policy.OwnCounts,
        OwnSendAcks = policy.OwnSendAcks,
        WebhookIsOwn = policy.WebhookIsOwn,
        DmMentions = policy.DmMentions,
        Threads = policy.Threads == OracleThreads.Separate ? ThreadMode.Separate : ThreadMode.Inline,
        CountKinds = [.. policy.CountKinds.Select(kind => (MessageKind)kind)],
        MuteZeroes = policy.MuteZeroes,
        JoinBaseline = policy.JoinBaseline == OracleJoinBaseline.All ? JoinBaseline.All : JoinBaseline.Join,
        Window = policy.Window,
        RefuseOwnUnreadFrom = policy.RefuseOwnUnreadFrom,
        DmMutedMentionsOnly = policy.DmMutedMentionsOnly,
        WaitingLimit = policy.WaitingLimit,
    };
}
