// What one message adds to a user's counts, and what a channel adds to the badge (DESIGN.md §2).
//
// Invariants:
// - Mentions <= messages that mention; a message counts once, however many ways it mentions.
// - Settings and the channel's kind hold as of the answer, for everything still unread.
namespace ReadStateStream.Fold;

/// <summary>Counts of a channel or thread.</summary>
public struct Counts
{
    public long Unread;
    /// <summary>Messages that mention: named, everyone, and in direct and group channels the rest.</summary>
    public long Mentions;
    public long Named;
    /// <summary>Mention everyone and do not name the user.</summary>
    public long Everyone;
    /// <summary>Least id that is unread; 0: none.</summary>
    public ulong First;
}

/// <summary>Who asks, with the settings that hold as of the answer.</summary>
public readonly struct Viewer
{
    /// <param name="user">The user's id.</param>
    /// <param name="kind">The channel's kind.</param>
    /// <param name="muted">The user muted the channel.</param>
    /// <param name="suppressed">The user suppresses everyone-mentions there.</param>
    /// <param name="policy">The answer's policy.</param>
    public Viewer(ulong user, ChannelKind kind, bool muted, bool suppressed, in AnswerPolicy policy)
    {
        User = user;
        EveryoneMentions = !suppressed;
        IsDirect = kind is ChannelKind.Direct or ChannelKind.Group;
        EachMentions = IsDirect && policy.DmMentions && !(muted && policy.DmMutedMentionsOnly);
        OwnCounts = policy.OwnCounts;
        WebhookIsOwn = policy.WebhookIsOwn;
    }

    public ulong User { get; }
    public bool EveryoneMentions { get; }
    public bool IsDirect { get; }
    /// <summary>Each message of others is a mention.</summary>
    public bool EachMentions { get; }
    public bool OwnCounts { get; }
    public bool WebhookIsOwn { get; }

    /// <summary>By the viewer, under the policy on integrations.</summary>
    public bool IsOwn(in Message message) =>
        message.Author == User && (WebhookIsOwn || !message.Is(MessageFlags.ViaIntegration));
}

/// <summary>The arithmetic.</summary>
public static class Counting
{
    /// <summary>Adds one message above the pointer that counts.</summary>
    public static void Add(ref Counts counts, in Viewer viewer, in Message message, bool named, bool authorBlocked)
    {
        var own = viewer.IsOwn(message);
        if (own && !viewer.OwnCounts) return;
        counts.Unread++;
        if (counts.First == 0 || message.Id < counts.First) counts.First = message.Id;
        if (own || authorBlocked) return;
        var everyone = viewer.EveryoneMentions && message.Is(MessageFlags.Everyone);
        if (!named && !everyone && !viewer.EachMentions) return;
        counts.Mentions++;
        if (named) counts.Named++;
        else if (everyone) counts.Everyone++;
    }

    /// <summary>Adds a block of others' messages that names the viewer nowhere, of which so many count and mention everyone.</summary>
    public static void AddBlock(ref Counts counts, in Viewer viewer, int countable, int mentionEveryone)
    {
        counts.Unread += countable;
        var everyone = viewer.EveryoneMentions ? mentionEveryone : 0;
        counts.Everyone += everyone;
        counts.Mentions += viewer.EachMentions ? countable : everyone;
    }

    /// <summary>
    /// What a channel adds to the badge. A muted one adds no unread, and of its mentions only direct ones:
    /// those that name the user, and in a direct channel all but an unsuppressed everyone-mention.
    /// </summary>
    public static (long Unread, long Mentions) Badge(in Counts counts, bool muted) =>
        muted ? (0, counts.Mentions - counts.Everyone) : (counts.Unread, counts.Mentions);
}
