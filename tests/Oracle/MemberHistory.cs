namespace ReadStateStream.Oracle;

/// <summary>A switch of a member: the greatest event id stands; a leave puts it off and keeps the event id.</summary>
internal sealed class Setting
{
    private ulong eventId;

    public bool On { get; private set; }

    public void Set(ulong newEventId, bool on, bool hasEffect)
    {
        if (newEventId <= eventId) return;
        eventId = newEventId;
        if (hasEffect) On = on;
    }

    public void Clear() => On = false;
}

/// <summary>One user in one channel, member or not, told event by event in the order of arrival.</summary>
internal sealed class MemberHistory(OraclePolicy policy)
{
    private ulong membershipEventId;
    private ulong bar;
    private ulong greatestOwnId;

    public bool Member { get; private set; }

    /// <summary>P.</summary>
    public ulong Pointer { get; private set; }

    /// <summary>J: the head at the join; 0 after a setting of the pointer.</summary>
    public ulong HeadAtJoin { get; private set; }

    /// <summary>Event id of the newest read that was one: of a member, above the bar; 0: none.</summary>
    public ulong NewestReadEventId { get; private set; }

    /// <summary>Pointers of threads read apart; the root 0 is the main timeline.</summary>
    public SortedDictionary<ulong, ulong> ThreadPointers { get; } = [];

    public Setting Mute { get; } = new();
    public Setting Suppress { get; } = new();

    /// <summary>All up to here is read or was there before the user.</summary>
    public ulong Baseline =>
        policy.JoinBaseline == OracleJoinBaseline.All ? Pointer : Math.Max(Pointer, HeadAtJoin);

    public void Join(ulong eventId, ulong head)
    {
        if (eventId <= membershipEventId) return;
        membershipEventId = eventId;
        if (Member) return;
        Member = true;
        HeadAtJoin = head;
    }

    public void Leave(ulong eventId)
    {
        if (eventId <= membershipEventId) return;
        membershipEventId = eventId;
        bar = Math.Max(bar, NewestReadEventId);
        Member = false;
        (Pointer, HeadAtJoin) = (0, 0);
        ThreadPointers.Clear();
        Mute.Clear();
        Suppress.Clear();
    }

    /// <summary>A read; thread null: the whole channel; 0: the main timeline; else the thread's root.</summary>
    public void Read(ulong eventId, ulong upTo, ulong? thread)
    {
        if (eventId <= bar) return;
        if (!Member)
        {
            bar = eventId;
            return;
        }
        NewestReadEventId = Math.Max(NewestReadEventId, eventId);
        Advance(upTo, thread);
    }

    public void SetPointer(ulong eventId, ulong upTo)
    {
        if (eventId <= bar) return;
        bar = Math.Max(eventId, NewestReadEventId);
        if (!Member) return;
        (Pointer, HeadAtJoin) = (upTo, 0);
        ThreadPointers.Clear();
    }

    /// <summary>A message of one's own.</summary>
    public void SentOwn(ulong messageId, ulong thread)
    {
        if (messageId <= greatestOwnId) return;
        greatestOwnId = messageId;
        if (Member && policy.OwnSendAcks) Advance(messageId, thread);
    }

    /// <summary>The pointer that stands for a message of this thread.</summary>
    public ulong ReadUpTo(ulong thread) =>
        policy.Threads == OracleThreads.Separate && ThreadPointers.TryGetValue(thread, out var pointer)
            ? Math.Max(Baseline, pointer)
            : Baseline;

    private void Advance(ulong upTo, ulong? thread)
    {
        if (policy.Threads == OracleThreads.Separate && thread is { } root)
            ThreadPointers[root] = Math.Max(ThreadPointers.GetValueOrDefault(root), upTo);
        else
            Pointer = Math.Max(Pointer, upTo);
    }
}
