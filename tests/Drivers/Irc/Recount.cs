using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Drivers.Irc;

/// <summary>What a pair must answer; all 0 and not a member where the user is not in the channel.</summary>
internal readonly record struct PairAnswer(
    bool Member, ulong Unread, ulong Mentions, ulong FirstUnread, ulong LastRead, ulong LastMessage, bool Muted)
{
    public override string ToString() => Member
        ? $"unread {Unread}, mentions {Mentions}, first {FirstUnread}, last read {LastRead}, last message {LastMessage}, muted {Muted}"
        : "no state";
}

/// <summary>What a badge must answer.</summary>
internal readonly record struct BadgeAnswer(ulong Unread, ulong Mentions);

/// <summary>
/// Counts from the facts, independently of the product, under the default policy: for each (user, channel)
/// that any fact names, go through that channel's messages. It takes joins, leaves, sends, reads, pointers
/// set and mutes of guild channels, each once and in order of event id; anything else is an error.
/// </summary>
internal sealed class Recount
{
    private const int Window = 10_000;

    private sealed class Message(MessageSent sent)
    {
        public readonly ulong Id = sent.MessageId;
        public readonly ulong Author = sent.AuthorId;
        public readonly ulong[] Mentioned = [.. sent.MentionedUserIds];
    }

    private sealed class State
    {
        public bool Member;
        public ulong Pointer;
        public ulong HeadAtJoin;
        public ulong GreatestOwn;
        public bool Muted;
    }

    private sealed class Channel
    {
        public readonly SortedDictionary<ulong, Message> Messages = [];
        public readonly Dictionary<ulong, State> States = [];
        public ulong Head;

        public State Of(ulong user)
        {
            if (!States.TryGetValue(user, out var state)) States[user] = state = new State();
            return state;
        }
    }

    private readonly SortedDictionary<ulong, Channel> channels = [];

    /// <summary>Applies the facts.</summary>
    /// <exception cref="NotSupportedException">A fact of another kind, or a channel beyond the window.</exception>
    public Recount(IEnumerable<ChannelEvent> facts)
    {
        foreach (var fact in facts) Apply(fact);
    }

    /// <summary>Every pair that a fact names, in order.</summary>
    public IEnumerable<(ulong User, ulong Channel, PairAnswer Answer)> Pairs()
    {
        foreach (var (id, channel) in channels)
        {
            var messages = channel.Messages.Values.ToArray();
            foreach (var (user, state) in channel.States) yield return (user, id, AnswerOf(channel, messages, user, state));
        }
    }

    /// <summary>Badges, from the pairs: a muted channel adds no unread, and of its mentions those that name the user.</summary>
    public static Dictionary<ulong, BadgeAnswer> Badges(IEnumerable<(ulong User, ulong Channel, PairAnswer Answer)> pairs)
    {
        var badges = new Dictionary<ulong, BadgeAnswer>();
        foreach (var (user, _, answer) in pairs)
        {
            var badge = badges.GetValueOrDefault(user);
            badges[user] = new(badge.Unread + (answer.Muted ? 0 : answer.Unread), badge.Mentions + answer.Mentions);
        }
        return badges;
    }

    private void Apply(ChannelEvent fact)
    {
        switch (fact.FactCase)
        {
            case ChannelEvent.FactOneofCase.MemberJoined:
                Join(ChannelOf(fact.MemberJoined.ChannelId), fact.MemberJoined.UserId);
                break;
            case ChannelEvent.FactOneofCase.MemberLeft:
                var left = ChannelOf(fact.MemberLeft.ChannelId).Of(fact.MemberLeft.UserId);
                (left.Member, left.Pointer, left.HeadAtJoin, left.Muted) = (false, 0, 0, false);
                break;
            case ChannelEvent.FactOneofCase.MessageSent:
                Send(ChannelOf(fact.MessageSent.ChannelId), fact.MessageSent);
                break;
            case ChannelEvent.FactOneofCase.MessagesRead:
                var reader = ChannelOf(fact.MessagesRead.ChannelId).Of(fact.MessagesRead.UserId);
                if (reader.Member) reader.Pointer = Math.Max(reader.Pointer, fact.MessagesRead.UpToId);
                break;
            case ChannelEvent.FactOneofCase.PointerSet:
                var set = ChannelOf(fact.PointerSet.ChannelId).Of(fact.PointerSet.UserId);
                if (set.Member) (set.Pointer, set.HeadAtJoin) = (fact.PointerSet.UpToId, 0);
                break;
            case ChannelEvent.FactOneofCase.ChannelMuted:
                var muted = ChannelOf(fact.ChannelMuted.ChannelId).Of(fact.ChannelMuted.UserId);
                if (muted.Member) muted.Muted = fact.ChannelMuted.On;
                break;
            default:
                throw new NotSupportedException($"the recount does not take {fact.FactCase}");
        }
    }

    private static void Join(Channel channel, ulong user)
    {
        var state = channel.Of(user);
        if (state.Member) return;
        (state.Member, state.HeadAtJoin) = (true, channel.Head);
    }

    private static void Send(Channel channel, MessageSent sent)
    {
        channel.Messages.TryAdd(sent.MessageId, new Message(sent));
        if (channel.Messages.Count > Window) throw new NotSupportedException($"more than {Window} messages in a channel");
        channel.Head = Math.Max(channel.Head, sent.MessageId);
        var author = channel.Of(sent.AuthorId);
        if (sent.MessageId <= author.GreatestOwn) return;
        author.GreatestOwn = sent.MessageId;
        if (author.Member) author.Pointer = Math.Max(author.Pointer, sent.MessageId);
    }

    private static PairAnswer AnswerOf(Channel channel, Message[] messages, ulong user, State state)
    {
        if (!state.Member) return default;
        ulong unread = 0, mentions = 0, first = 0;
        var from = Math.Max(state.Pointer, state.HeadAtJoin);
        foreach (var message in messages)
        {
            if (message.Id <= from || message.Author == user) continue;
            if (unread++ == 0) first = message.Id;
            if (message.Mentioned.Contains(user)) mentions++;
        }
        return new(true, unread, mentions, first, state.Pointer, channel.Head, state.Muted);
    }

    private Channel ChannelOf(ulong id)
    {
        if (!channels.TryGetValue(id, out var channel)) channels[id] = channel = new Channel();
        return channel;
    }
}
