using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Oracle;

/// <summary>
/// Counts of one channel or one thread for one user. Mentions = named + everyone + those that are
/// mentions only by being in a direct or group channel.
/// </summary>
public sealed record OracleCounts(
    ulong Unread, ulong Mentions, ulong Named, ulong Everyone, ulong? FirstUnreadId, bool Capped)
{
    /// <summary>Nothing unread.</summary>
    public static readonly OracleCounts None = new(0, 0, 0, 0, null, false);
}

/// <summary>
/// One thread for one user; the root 0 is the main timeline.
/// LastReadId: the greater of the channel's and the thread's pointer; 0: none.
/// LastMessageId: the greatest id of the thread in the window, deleted ones included; 0: none.
/// </summary>
public sealed record OracleThread(ulong RootId, OracleCounts Counts, ulong LastReadId, ulong LastMessageId);

/// <summary>
/// Everything about one user in one channel.
/// Member: false: the user has no state there, and everything else is empty.
/// BadgeUnread: what the channel adds to the badge.
/// BadgeMentions: what the channel adds to the badge.
/// LastReadId: P; 0: none yet.
/// LastReadEventId: event id of the newest read; null: none.
/// LastMessageId: greatest id ever sent there; 0: none.
/// Incomplete: edits or deletes that waited for a message still possible were lost.
/// </summary>
public sealed record OracleState(
    ulong UserId, ulong ChannelId, int Partition, bool Member, OracleCounts Counts, ulong BadgeUnread, ulong BadgeMentions,
    ulong LastReadId, ulong? LastReadEventId, ulong LastMessageId, ChannelKind Kind, bool Muted, bool EveryoneSuppressed,
    bool Incomplete)
{
    /// <summary>Does the channel add to the badge?</summary>
    public bool AddsToBadge => BadgeUnread > 0 || BadgeMentions > 0;
}

/// <summary>
/// What commands ask about a message.
/// Exists: sent, not deleted, not below the floor, in the window.
/// AuthorId: 0 where it does not exist.
/// Own: by the user asked for (policy webhookIsOwn applied).
/// </summary>
public sealed record OracleProbe(bool Exists, ulong AuthorId, bool Own)
{
    /// <summary>No such message.</summary>
    public static readonly OracleProbe Missing = new(false, 0, false);
}

/// <summary>
/// A user's badge.
/// Channels: channels with a state.
/// UnreadChannels: of these, channels that add to the badge.
/// </summary>
public sealed record OracleTotals(ulong Unread, ulong Mentions, bool Capped, uint Channels, uint UnreadChannels);
