using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Oracle;

// The questions. Each answer is counted anew, message by message, over the window.
public sealed partial class ReadStateOracle
{
    /// <summary>Everything about one user in one channel.</summary>
    public OracleState State(ulong user, ulong channel)
    {
        var partition = Partitioner.PartitionOf(channel, partitionCount);
        if (StateOf(user, channel) is not var (history, member))
            return new OracleState(user, channel, partition, false, OracleCounts.None, 0, 0, 0, null, 0,
                ChannelKind.Unspecified, false, false, false);

        var counted = CountedMessages(user, history, member, thread: null).ToList();
        var counts = CountsOf(counted, Capped(history, member.Baseline));
        return new OracleState(
            user, channel, partition, true,
            Shown(counts, member),
            member.Mute.On ? 0 : counts.Unread,
            member.Mute.On ? (ulong)counted.Count(message => IsDirect(message.Mention)) : counts.Mentions,
            member.Pointer,
            member.NewestReadEventId == 0 ? null : member.NewestReadEventId,
            history.Head, history.Kind, member.Mute.On, member.Suppress.On, history.Incomplete);
    }

    /// <summary>One thread of a user's channel (0: the main timeline), where threads are separate.</summary>
    public OracleThread Thread(ulong user, ulong channel, ulong root)
    {
        if (StateOf(user, channel) is not var (history, member)) return new OracleThread(root, OracleCounts.None, 0, 0);
        var counted = CountedMessages(user, history, member, root);
        var counts = CountsOf(counted, Capped(history, member.ReadUpTo(root)));
        return new OracleThread(
            root, Shown(counts, member),
            Math.Max(member.Pointer, member.ThreadPointers.GetValueOrDefault(root)),
            history.Window.LastOrDefault(message => !message.Value.Deleted && message.Value.Sent!.ThreadRootId == root).Key);
    }

    /// <summary>Roots, ascending, of the threads (0: the main timeline) with something unread or a pointer of their own.</summary>
    public IReadOnlyList<ulong> ThreadsOf(ulong user, ulong channel)
    {
        if (policy.Threads != OracleThreads.Separate || StateOf(user, channel) is not var (history, member)) return [];
        var unread = CountedMessages(user, history, member, thread: null).Select(message => message.Thread);
        return [.. member.ThreadPointers.Keys.Union(unread).Order()];
    }

    /// <summary>Channels, ascending, in which the user has a state.</summary>
    public IReadOnlyList<ulong> ChannelsOf(ulong user) =>
        [.. members.Keys.Where(key => key.User == user && StateOf(user, key.Channel) is not null).Select(key => key.Channel).Order()];

    /// <summary>The user's badge over all channels, or over those of one partition.</summary>
    public OracleTotals Totals(ulong user, int? partition = null)
    {
        var states = ChannelsOf(user).Select(channel => State(user, channel))
            .Where(state => partition is null || state.Partition == partition).ToList();
        return new OracleTotals(
            (ulong)states.Sum(state => (long)state.BadgeUnread),
            (ulong)states.Sum(state => (long)state.BadgeMentions),
            states.Any(state => state.Counts.Capped),
            (uint)states.Count,
            (uint)states.Count(state => state.AddsToBadge));
    }

    /// <summary>Whom the user blocks now, ascending.</summary>
    public IReadOnlyList<ulong> BlockedBy(ulong user) =>
        [.. blocks.Where(block => block.Key.User == user && block.Value.On).Select(block => block.Key.Who).Order()];

    /// <summary>What a command asks about a message.</summary>
    public OracleProbe Probe(ulong user, ulong channel, ulong message) =>
        channels.TryGetValue(channel, out var history) && history.Window.TryGetValue(message, out var found) && !found.Deleted
            ? new OracleProbe(true, found.Sent!.AuthorId, IsBy(user, found.Sent))
            : OracleProbe.Missing;

    /// <summary>Offsets, ascending, of a partition's records that were not folded, neither resolved nor waived since.</summary>
    public IReadOnlyList<long> DeadLetters(int partition) =>
        [.. deadLetters.Where(letter => letter.Partition == partition).Select(letter => letter.Offset)];

    /// <summary>Every user that any record names as one who could have a state, ascending.</summary>
    public IReadOnlyList<ulong> Users => [.. members.Keys.Select(key => key.User).Concat(blocks.Keys.Select(key => key.User)).Distinct().Order()];

    /// <summary>Every channel of any record, ascending.</summary>
    public IReadOnlyList<ulong> Channels => [.. channels.Keys.Order()];

    private enum Mention { None, Named, Everyone, ByChannel }

    private readonly record struct Counted(ulong Id, ulong Thread, Mention Mention);

    private (ChannelHistory Channel, MemberHistory Member)? StateOf(ulong user, ulong channel) =>
        channels.TryGetValue(channel, out var history) && !history.Gone
        && members.TryGetValue((user, channel), out var member) && member.Member
            ? (history, member)
            : null;

    /// <summary>The unread messages, ascending; of one thread or, with null, of all.</summary>
    private IEnumerable<Counted> CountedMessages(
        ulong user, ChannelHistory history, MemberHistory member, ulong? thread) =>
        from message in history.Window
        let sent = message.Value.Sent!
        where thread is null || sent.ThreadRootId == thread
        where message.Key > member.ReadUpTo(sent.ThreadRootId)
        where !message.Value.Deleted && policy.Counts(sent.Kind)
        where policy.OwnCounts || !IsBy(user, sent)
        select new Counted(message.Key, sent.ThreadRootId, MentionOf(user, message.Value, history.Kind, member));

    /// <summary>In which way the message mentions the user: each counts once, named before everyone.</summary>
    private Mention MentionOf(ulong user, MessageHistory message, ChannelKind kind, MemberHistory member)
    {
        if (IsBy(user, message.Sent!) || Blocks(user, message.Sent!.AuthorId)) return Mention.None;
        if (message.Names(user)) return Mention.Named;
        if (message.MentionsEveryone && !member.Suppress.On) return Mention.Everyone;
        var byChannel = policy.DmMentions && IsPrivate(kind) && !(policy.DmMutedMentionsOnly && member.Mute.On);
        return byChannel ? Mention.ByChannel : Mention.None;
    }

    private bool Blocks(ulong user, ulong who) => blocks.TryGetValue((user, who), out var block) && block.On;

    private static bool IsPrivate(ChannelKind kind) => kind is ChannelKind.Direct or ChannelKind.Group;

    /// <summary>Of a muted channel's mentions only direct ones count in the badge.</summary>
    private static bool IsDirect(Mention mention) => mention is Mention.Named or Mention.ByChannel;

    private static bool Capped(ChannelHistory history, ulong readUpTo) =>
        history.GreatestLeft > 0 && history.GreatestLeft >= history.Floor && readUpTo < history.GreatestLeft;

    private OracleCounts Shown(OracleCounts counts, MemberHistory member) =>
        member.Mute.On && policy.MuteZeroes ? OracleCounts.None with { Capped = counts.Capped } : counts;

    private static OracleCounts CountsOf(IEnumerable<Counted> counted, bool capped)
    {
        var messages = counted.ToList();
        return new OracleCounts(
            (ulong)messages.Count,
            (ulong)messages.Count(message => message.Mention != Mention.None),
            (ulong)messages.Count(message => message.Mention == Mention.Named),
            (ulong)messages.Count(message => message.Mention == Mention.Everyone),
            capped || messages.Count == 0 ? null : messages[0].Id,
            capped);
    }
}
