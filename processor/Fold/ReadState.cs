// The read state of one user in one channel, and what events do to it (DESIGN.md §2).
//
// Invariants:
// - An update is a function of this state's own value and the event, nothing else.
// - Membership, settings and the setting of the pointer change only by a greater event id than the
//   one stored for that target; the id is stored even where the fact has no effect.
// - The pointer moves forward by reads and own sends; only a setting of the pointer or a leave moves it back.
// - The bar never falls: no read at or below it has an effect.
using System.Runtime.CompilerServices;

namespace ReadStateStream.Fold;

/// <summary>A switch and the event id that set it last (0: never).</summary>
public struct Setting
{
    public bool On;
    public ulong EventId;
}

/// <summary>How far one thread is read.</summary>
public struct ThreadPointer
{
    public ulong Root;
    public ulong Pointer;
}

/// <summary>Thread pointers that lie in the state's own record; further ones have records of their own.</summary>
[InlineArray(Capacity)]
public struct InlineThreads
{
    /// <summary>How many.</summary>
    public const int Capacity = 4;

    private ThreadPointer first;
}

/// <summary>What is kept of a user in a channel. The default value is that of one who was never seen there.</summary>
public struct ReadState
{
    public bool Member;
    /// <summary>Event id of the newest join or leave; 0: none.</summary>
    public ulong MembershipEventId;
    /// <summary>Offset of the join whose head is the baseline; -1: none (never joined, or the pointer was set).</summary>
    public long JoinOffset;
    /// <summary>P: everything at or below is read.</summary>
    public ulong Pointer;
    /// <summary>Event id of the newest read; its time is the last read time. 0: none.</summary>
    public ulong NewestReadEventId;
    /// <summary>No read event at or below has an effect; 0: none.</summary>
    public ulong Bar;
    /// <summary>Greatest message id sent here by this user, member or not; 0: none.</summary>
    public ulong GreatestOwn;
    public Setting Mute;
    public Setting Suppress;
    /// <summary>Main timeline's pointer where threads are separate; 0: none.</summary>
    public ulong MainPointer;
    /// <summary>Counts clearings of the thread pointers; a pointer record of another count is void.</summary>
    public uint ClearCount;
    /// <summary>Some thread pointers of this clear count lie in records of their own.</summary>
    public bool HasOverflow;
    public int ThreadCount;
    public InlineThreads Threads;

    public static ReadState Empty => new() { JoinOffset = -1 };

    internal void ClearThreads()
    {
        MainPointer = 0;
        ThreadCount = 0;
        if (!HasOverflow) return;
        HasOverflow = false;
        ClearCount++;
    }
}

/// <summary>What an update did to an aggregate.</summary>
public enum Outcome : byte
{
    /// <summary>Nothing: the record need not be written.</summary>
    Unchanged,
    Changed,
    /// <summary>Changed, and a thread pointer belongs into a record of its own (<see cref="ReadStateFold"/>).</summary>
    ChangedWithThread,
}

/// <summary>The rules of the read state: one function a fact.</summary>
public static class ReadStateFold
{
    /// <summary>
    /// Applies a fact about this user in this channel. Where the outcome is ChangedWithThread, the pointer
    /// of thread <paramref name="fact"/>.Thread is to be raised to fact.Id in its own record.
    /// </summary>
    public static Outcome Apply(ref ReadState state, in Fact fact, in StoredPolicy policy) => fact.Kind switch
    {
        FactKind.ChannelCreated or FactKind.MemberJoined => Join(ref state, fact.EventId, fact.Offset),
        FactKind.MemberLeft => Leave(ref state, fact.EventId),
        FactKind.MessageSent => OwnSend(ref state, fact, policy),
        FactKind.MessagesRead => Read(ref state, fact, policy),
        FactKind.PointerSet => SetPointer(ref state, fact.EventId, fact.Id),
        FactKind.ChannelMuted => Set(ref state.Mute, fact, state.Member),
        FactKind.EveryoneSuppressed => Set(ref state.Suppress, fact, state.Member),
        _ => Outcome.Unchanged,
    };

    private static Outcome Join(ref ReadState state, ulong eventId, long offset)
    {
        if (eventId <= state.MembershipEventId) return Outcome.Unchanged;
        state.MembershipEventId = eventId;
        if (state.Member) return Outcome.Changed;
        state.Member = true;
        state.JoinOffset = offset;
        state.Pointer = 0;
        return Outcome.Changed;
    }

    private static Outcome Leave(ref ReadState state, ulong eventId)
    {
        if (eventId <= state.MembershipEventId) return Outcome.Unchanged;
        state.MembershipEventId = eventId;
        if (!state.Member) return Outcome.Changed;
        state.Member = false;
        state.JoinOffset = -1;
        state.Pointer = 0;
        state.Mute.On = false;
        state.Suppress.On = false;
        state.ClearThreads();
        // A read seen while a member must stay without effect when it comes again after a later join.
        state.Bar = Math.Max(state.Bar, state.NewestReadEventId);
        return Outcome.Changed;
    }

    private static Outcome Read(ref ReadState state, in Fact fact, in StoredPolicy policy)
    {
        if (fact.EventId <= state.Bar) return Outcome.Unchanged;
        if (!state.Member)
        {
            state.Bar = fact.EventId;
            return Outcome.Changed;
        }
        var before = state.NewestReadEventId;
        state.NewestReadEventId = Math.Max(before, fact.EventId);
        var moved = policy.SeparateThreads ? MoveIn(ref state, fact.Scope, fact.Thread, fact.Id) : MoveChannel(ref state, fact.Id);
        return moved == Outcome.Unchanged && state.NewestReadEventId != before ? Outcome.Changed : moved;
    }

    private static Outcome OwnSend(ref ReadState state, in Fact fact, in StoredPolicy policy)
    {
        if (fact.ViaIntegration && !policy.WebhookIsOwn) return Outcome.Unchanged;
        if (fact.Id <= state.GreatestOwn) return Outcome.Unchanged;
        state.GreatestOwn = fact.Id;
        if (!state.Member || !policy.OwnSendAcks) return Outcome.Changed;
        var scope = fact.Thread == 0 ? ReadScope.Main : ReadScope.Thread;
        var moved = policy.SeparateThreads ? MoveIn(ref state, scope, fact.Thread, fact.Id) : MoveChannel(ref state, fact.Id);
        return moved == Outcome.ChangedWithThread ? moved : Outcome.Changed;
    }

    private static Outcome SetPointer(ref ReadState state, ulong eventId, ulong upTo)
    {
        if (eventId <= state.Bar) return Outcome.Unchanged;
        // A setting may arrive after a newer read: that read, delivered again, must not move the pointer anew.
        state.Bar = Math.Max(eventId, state.NewestReadEventId);
        if (!state.Member) return Outcome.Changed;
        state.Pointer = upTo;
        state.JoinOffset = -1;
        state.ClearThreads();
        return Outcome.Changed;
    }

    private static Outcome Set(ref Setting setting, in Fact fact, bool member)
    {
        if (fact.EventId <= setting.EventId) return Outcome.Unchanged;
        setting.EventId = fact.EventId;
        if (member) setting.On = fact.On;
        return Outcome.Changed;
    }

    private static Outcome MoveIn(ref ReadState state, ReadScope scope, ulong root, ulong id)
    {
        if (scope == ReadScope.Channel) return MoveChannel(ref state, id);
        // At or below the channel's pointer a thread pointer says nothing: P falls only together with them.
        if (id <= state.Pointer) return Outcome.Unchanged;
        if (scope == ReadScope.Thread) return MoveThread(ref state, root, id);
        if (id <= state.MainPointer) return Outcome.Unchanged;
        state.MainPointer = id;
        return Outcome.Changed;
    }

    private static Outcome MoveThread(ref ReadState state, ulong root, ulong id)
    {
        for (var i = 0; i < state.ThreadCount; i++)
        {
            ref var thread = ref state.Threads[i];
            if (thread.Root != root) continue;
            if (id <= thread.Pointer) return Outcome.Unchanged;
            thread.Pointer = id;
            return Outcome.Changed;
        }
        // Once a thread has a record of its own it stays there: two places for one pointer could differ.
        if (state.ThreadCount < InlineThreads.Capacity && !state.HasOverflow)
        {
            state.Threads[state.ThreadCount++] = new ThreadPointer { Root = root, Pointer = id };
            return Outcome.Changed;
        }
        state.HasOverflow = true;
        return Outcome.ChangedWithThread;
    }

    private static Outcome MoveChannel(ref ReadState state, ulong id)
    {
        if (id <= state.Pointer) return Outcome.Unchanged;
        state.Pointer = id;
        if (state.MainPointer <= id) state.MainPointer = 0;
        var kept = 0;
        for (var i = 0; i < state.ThreadCount; i++)
            if (state.Threads[i].Pointer > id)
                state.Threads[kept++] = state.Threads[i];
        state.ThreadCount = kept;
        return Outcome.Changed;
    }
}
