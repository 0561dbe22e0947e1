using ReadStateStream.Fold;
using V1 = ReadStateStream.Schemas.V1;

namespace ReadStateStream.Snapshot.Reading;

/// <summary>Answers as the contract's messages; what the policy applies to the shown figures is applied here.</summary>
public sealed class AnswerWriter(int partition, bool muteZeroes, long eventIdEpochUnixMs)
{
    public V1.ReadState State(ulong user, ulong channel, in StateAnswer answer)
    {
        var state = new V1.ReadState { UserId = user, ChannelId = channel, Partition = (uint)partition, Member = answer.Member };
        if (answer.Probed)
            state.Probe = new V1.MessageProbe { Exists = answer.ProbeExists, AuthorId = answer.ProbeAuthor, Own = answer.ProbeOwn };
        if (!answer.Member) return state;
        var (unread, mentions) = Counting.Badge(answer.Counts, answer.Muted);
        var zero = muteZeroes && answer.Muted;
        state.Counts = Counts(answer.Counts, answer.Capped, zero);
        state.BadgeUnread = (ulong)unread;
        state.BadgeMentions = (ulong)mentions;
        state.LastReadId = answer.Pointer;
        state.LastReadUnixMs = answer.NewestReadEventId == 0
            ? 0 : (long)(answer.NewestReadEventId >> EventIdTime.Shift) + eventIdEpochUnixMs;
        state.LastMessageId = answer.Head;
        state.Kind = (V1.ChannelKind)answer.Kind;
        state.Muted = answer.Muted;
        state.EveryoneSuppressed = answer.Suppressed;
        state.Incomplete = answer.Lost;
        foreach (var thread in answer.Threads ?? [])
            state.Threads.Add(new V1.ThreadState
            {
                ThreadRootId = thread.Root, Counts = Counts(thread.Counts, thread.Capped, zero), LastReadId = thread.Pointer,
                LastMessageId = thread.Last,
            });
        return state;
    }

    public V1.GetUserResponse User(ulong user, UserStates found, in FreshnessFigures figures)
    {
        var response = new V1.GetUserResponse { More = found.More, Totals = found.Totals };
        foreach (var (channel, answer) in found.Answers) response.States.Add(State(user, channel, answer));
        response.Partitions.Add(Freshness(figures, found.Lost));
        return response;
    }

    public V1.PartitionFreshness Freshness(in FreshnessFigures figures, int lostChannels) => new()
    {
        Partition = (uint)partition, Position = (ulong)figures.Position, LagEvents = (ulong)figures.LagEvents,
        LagMs = (ulong)figures.LagMs, Incomplete = (uint)(figures.DeadLetters + lostChannels),
    };

    private static V1.Counts Counts(in Counts counts, bool capped, bool zero) => zero
        ? new V1.Counts { Capped = capped }
        : new V1.Counts
        {
            Unread = (ulong)counts.Unread, Mentions = (ulong)counts.Mentions, MentionsNamed = (ulong)counts.Named,
            MentionsEveryone = (ulong)counts.Everyone, FirstUnreadId = capped ? 0 : counts.First, Capped = capped,
        };
}
