using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Http;

/// <summary>From the partition query's messages to the JSON of answers.</summary>
internal static class AnswerMapping
{
    public const string MainTimeline = "main";

    public static ReadStateAnswer ToAnswer(ReadState state, bool threads, FreshnessAnswer? freshness = null)
    {
        var answer = new ReadStateAnswer
        {
            User = Ids.Text(state.UserId),
            Channel = Ids.Text(state.ChannelId),
            Member = state.Member,
            Freshness = freshness,
        };
        if (!state.Member) return answer;
        return answer with
        {
            Counts = ToAnswer(state.Counts),
            LastReadId = Ids.TextOrNull(state.LastReadId),
            LastReadAt = state.LastReadUnixMs == 0 ? null : DateTimeOffset.FromUnixTimeMilliseconds(state.LastReadUnixMs).UtcDateTime,
            LastMessageId = Ids.TextOrNull(state.LastMessageId),
            Kind = ToAnswer(state.Kind),
            Muted = state.Muted,
            EveryoneSuppressed = state.EveryoneSuppressed,
            Badge = new BadgeShareAnswer(state.BadgeUnread, state.BadgeMentions),
            Incomplete = state.Incomplete,
            Threads = threads ? [.. state.Threads.Select(ToAnswer)] : null,
        };
    }

    public static ThreadAnswer ToAnswer(Schemas.V1.ThreadState thread) => new(
        ThreadName(thread.ThreadRootId), ToAnswer(thread.Counts), Ids.TextOrNull(thread.LastReadId), Ids.TextOrNull(thread.LastMessageId));

    /// <summary>main for 0, else the root's id.</summary>
    public static string ThreadName(ulong root) => root == 0 ? MainTimeline : Ids.Text(root);

    // A message that is absent stands for its defaults.
    private static CountsAnswer ToAnswer(Counts? counts)
    {
        counts ??= new Counts();
        return new CountsAnswer(
            counts.Unread,
            new MentionsAnswer(counts.Mentions, counts.MentionsNamed, counts.MentionsEveryone),
            Ids.TextOrNull(counts.FirstUnreadId),
            counts.Capped);
    }

    private static string ToAnswer(ChannelKind kind) => kind switch
    {
        ChannelKind.Direct => "direct",
        ChannelKind.Group => "group",
        _ => "guild",
    };
}
