using ReadStateStream.Fold;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>A read state as an object: what a plain one needs, and the rest behind a reference.</summary>
internal sealed class ReadStateObject
{
    /// <summary>What only few states have.</summary>
    private sealed class Rest
    {
        public ReadState State;
    }

    private long applied = -1;
    private bool member;
    private ulong membershipEventId;
    private long joinOffset = -1;
    private ulong pointer;
    private ulong newestReadEventId;
    private ulong greatestOwn;
    private Rest? rest;

    /// <summary>Applies a fact by the same rules as the store.</summary>
    public void Apply(in Fact fact, in StoredPolicy policy)
    {
        if (fact.Offset <= applied) return;
        applied = fact.Offset;
        var state = rest?.State ?? ReadState.Empty;
        (state.Member, state.MembershipEventId, state.JoinOffset) = (member, membershipEventId, joinOffset);
        (state.Pointer, state.NewestReadEventId, state.GreatestOwn) = (pointer, newestReadEventId, greatestOwn);
        if (ReadStateFold.Apply(ref state, fact, policy) == Outcome.Unchanged) return;
        (member, membershipEventId, joinOffset) = (state.Member, state.MembershipEventId, state.JoinOffset);
        (pointer, newestReadEventId, greatestOwn) = (state.Pointer, state.NewestReadEventId, state.GreatestOwn);
        if (rest is null && state.Bar == 0 && state.Mute.EventId == 0 && state.Suppress.EventId == 0 && state.ThreadCount == 0) return;
        rest ??= new Rest();
        rest.State = state;
    }
}

/// <summary>A message as an object.</summary>
internal sealed class MessageObject(ulong id)
{
    public Message Message = new() { Id = id };
    public ulong[] Mentioned = [];
}

/// <summary>A channel as an object: the window's messages in ascending order of id.</summary>
internal sealed class ChannelObject
{
    /// <summary>The window is cut once it is over by this share, so that a message costs O(1).</summary>
    private const int SlackShare = 8;

    private readonly List<MessageObject> messages = [];
    private long applied = -1;
    private ulong head;
    private ulong floor;
    private ulong kindEventId;
    private byte kind;
    private bool deleted;

    /// <summary>Applies a fact by the same rules as the store.</summary>
    public void Apply(in Fact fact, ReadOnlySpan<ulong> users, in StoredPolicy policy)
    {
        if (fact.Offset <= applied || deleted) return;
        applied = fact.Offset;
        switch (fact.Kind)
        {
            case FactKind.ChannelCreated when fact.EventId > kindEventId && fact.SubKind != 0:
                (kindEventId, kind) = (fact.EventId, fact.SubKind);
                break;
            case FactKind.ChannelDeleted:
                deleted = true;
                messages.Clear();
                break;
            case FactKind.MessagesPurged:
                floor = Math.Max(floor, fact.Id);
                messages.RemoveAll(message => message.Message.Id < floor);
                break;
            case FactKind.MessageSent or FactKind.MessageEdited or FactKind.MessageDeleted:
                if (fact.Id >= floor) Merge(fact, users, policy);
                break;
        }
    }

    /// <summary>The channel's kind, as it would be read at an answer.</summary>
    public ChannelKind Kind => (ChannelKind)kind;

    private void Merge(in Fact fact, ReadOnlySpan<ulong> users, in StoredPolicy policy)
    {
        var entry = Find(fact.Id);
        ref var message = ref entry.Message;
        var merge = fact.Kind switch
        {
            FactKind.MessageSent => MessageFold.Send(ref message, fact, policy),
            FactKind.MessageEdited => MessageFold.Edit(ref message, fact),
            _ => MessageFold.Delete(ref message),
        };
        if (merge == MessageFold.Merge.ChangedWithMentions)
            entry.Mentioned = fact.Kind == FactKind.MessageDeleted || users.IsEmpty ? [] : users.ToArray();
        if (fact.Kind == FactKind.MessageSent) head = Math.Max(head, fact.Id);
        if (messages.Count > policy.Window + (policy.Window / SlackShare)) messages.RemoveRange(0, messages.Count - policy.Window);
    }

    private MessageObject Find(ulong id)
    {
        int low = 0, high = messages.Count;
        if (high > 0 && messages[high - 1].Message.Id < id) low = high;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (messages[middle].Message.Id < id) low = middle + 1;
            else high = middle;
        }
        if (low < messages.Count && messages[low].Message.Id == id) return messages[low];
        var created = new MessageObject(id);
        messages.Insert(low, created);
        return created;
    }
}
