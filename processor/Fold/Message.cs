// One message of a channel, merged from its sending, its edits and its deletion in any order (DESIGN.md §2).
//
// Invariants:
// - The first arrival of the sending stands and keeps its offset; the same message sent again changes nothing.
// - Deletion is final. Of edits the greatest event id stands, and any edit stands over the sending.
namespace ReadStateStream.Fold;

/// <summary>What is known of a message.</summary>
[Flags]
public enum MessageFlags : byte
{
    None = 0,
    /// <summary>Its sending has arrived; without it an edit or delete waits.</summary>
    Sent = 1,
    Deleted = 2,
    Everyone = 4,
    /// <summary>Of a kind that counts.</summary>
    Countable = 8,
    ViaIntegration = 16,
    Edited = 32,
    /// <summary>Belongs to a thread (kept where threads are separate).</summary>
    InThread = 64,
    /// <summary>Names users.</summary>
    Mentions = 128,
}

/// <summary>A message as plain values. Users it names lie in a list beside it, or in numbered records.</summary>
public struct Message
{
    public ulong Id;
    public MessageFlags Flags;
    /// <summary>Offset at which its sending arrived; meaningful with Sent.</summary>
    public long ArrivalOffset;
    public ulong Author;
    /// <summary>Event id of the edit that stands; meaningful with Edited.</summary>
    public ulong EditEventId;
    public ulong Thread;
    public int MentionStart;
    public int MentionCount;
    /// <summary>First numbered record of its mentions; meaningful where <see cref="MentionRecords"/> is above 0.</summary>
    public uint MentionNumber;
    /// <summary>Numbered records its mentions lie in, by hash of the user; 0: they lie beside it.</summary>
    public ushort MentionRecords;

    public readonly bool Is(MessageFlags flags) => (Flags & flags) == flags;

    /// <summary>Sent, not deleted, of a kind that counts.</summary>
    public readonly bool Counts => (Flags & (MessageFlags.Sent | MessageFlags.Deleted | MessageFlags.Countable))
                                   == (MessageFlags.Sent | MessageFlags.Countable);
}

/// <summary>The rules of one message. Each says whether the mentions of the fact are now the message's.</summary>
public static class MessageFold
{
    /// <summary>What became of the message.</summary>
    public enum Merge : byte { Unchanged, Changed, ChangedWithMentions }

    /// <summary>Its sending arrived. Unchanged where it had arrived before.</summary>
    public static Merge Send(ref Message message, in Fact fact, in StoredPolicy policy)
    {
        if (message.Is(MessageFlags.Sent)) return Merge.Unchanged;
        message.Flags |= MessageFlags.Sent;
        message.ArrivalOffset = fact.Offset;
        if (message.Is(MessageFlags.Deleted)) return Merge.Changed;
        message.Author = fact.User;
        if (policy.Counts(fact.SubKind)) message.Flags |= MessageFlags.Countable;
        if (fact.ViaIntegration) message.Flags |= MessageFlags.ViaIntegration;
        if (policy.SeparateThreads && fact.Thread != 0)
        {
            message.Flags |= MessageFlags.InThread;
            message.Thread = fact.Thread;
        }
        if (message.Is(MessageFlags.Edited)) return Merge.Changed;
        if (fact.Everyone) message.Flags |= MessageFlags.Everyone;
        return Merge.ChangedWithMentions;
    }

    /// <summary>An edit arrived: it replaces whom the message mentions.</summary>
    public static Merge Edit(ref Message message, in Fact fact)
    {
        if (message.Is(MessageFlags.Deleted)) return Merge.Unchanged;
        if (message.Is(MessageFlags.Edited) && fact.EventId <= message.EditEventId) return Merge.Unchanged;
        message.Flags |= MessageFlags.Edited;
        message.EditEventId = fact.EventId;
        message.Flags = fact.Everyone ? message.Flags | MessageFlags.Everyone : message.Flags & ~MessageFlags.Everyone;
        return Merge.ChangedWithMentions;
    }

    /// <summary>A deletion arrived: of the message only its id and arrival are kept.</summary>
    public static Merge Delete(ref Message message)
    {
        if (message.Is(MessageFlags.Deleted)) return Merge.Unchanged;
        message.Flags = (message.Flags & MessageFlags.Sent) | MessageFlags.Deleted;
        message.Author = 0;
        message.EditEventId = 0;
        message.Thread = 0;
        return Merge.ChangedWithMentions;
    }
}
