using ReadStateStream.Schemas.V1;
using ThreadState = ReadStateStream.Schemas.V1.ThreadState;

namespace ReadStateStream.Oracle;

// The answers in the form of the partition query, to compare them as a whole.
public sealed partial class ReadStateOracle
{
    /// <summary>A state as the partition query answers it.</summary>
    /// <param name="user">Whose.</param>
    /// <param name="channel">Where.</param>
    /// <param name="epochUnixMs">Epoch of event ids, milliseconds since the Unix epoch.</param>
    /// <param name="probeMessage">Also say whether this message exists; 0: no.</param>
    /// <param name="threads">Also per thread, where the policy keeps them apart.</param>
    public ReadState ReadState(ulong user, ulong channel, long epochUnixMs, ulong probeMessage = 0, bool threads = false)
    {
        var answer = new ReadState { UserId = user, ChannelId = channel };
        if (probeMessage != 0)
        {
            var probe = Probe(user, channel, probeMessage);
            answer.Probe = new MessageProbe { Exists = probe.Exists, AuthorId = probe.AuthorId, Own = probe.Own };
        }
        var state = State(user, channel);
        answer.Partition = (uint)state.Partition;
        if (!state.Member) return answer;

        answer.Member = true;
        answer.Counts = ToProtobuf(state.Counts);
        answer.BadgeUnread = state.BadgeUnread;
        answer.BadgeMentions = state.BadgeMentions;
        answer.LastReadId = state.LastReadId;
        answer.LastReadUnixMs = state.LastReadEventId is { } read ? (long)(read >> 22) + epochUnixMs : 0;
        answer.LastMessageId = state.LastMessageId;
        answer.Kind = state.Kind;
        answer.Muted = state.Muted;
        answer.EveryoneSuppressed = state.EveryoneSuppressed;
        answer.Incomplete = state.Incomplete;
        if (threads) answer.Threads.AddRange(ThreadsOf(user, channel).Select(root => ToProtobuf(Thread(user, channel, root))));
        return answer;
    }

    /// <summary>
    /// The whole truth: every user in every channel of the log, members or not, with threads; by user, then channel.
    /// </summary>
    public IEnumerable<ReadState> AllStates(long epochUnixMs) =>
        from user in Users
        from channel in Channels
        select ReadState(user, channel, epochUnixMs, threads: true);

    /// <summary>A badge as the partition query answers it.</summary>
    public static Totals ToProtobuf(OracleTotals totals) => new()
    {
        Unread = totals.Unread,
        Mentions = totals.Mentions,
        Capped = totals.Capped,
        Channels = totals.Channels,
        UnreadChannels = totals.UnreadChannels,
    };

    /// <summary>Counts as the partition query answers them.</summary>
    public static Counts ToProtobuf(OracleCounts counts) => new()
    {
        Unread = counts.Unread,
        Mentions = counts.Mentions,
        MentionsNamed = counts.Named,
        MentionsEveryone = counts.Everyone,
        FirstUnreadId = counts.FirstUnreadId ?? 0,
        Capped = counts.Capped,
    };

    /// <summary>A thread as the partition query answers it.</summary>
    public static ThreadState ToProtobuf(OracleThread thread) => new()
    {
        ThreadRootId = thread.RootId,
        Counts = ToProtobuf(thread.Counts),
        LastReadId = thread.LastReadId,
        LastMessageId = thread.LastMessageId,
    };
}
