// What events do to a channel where only its record is needed: the common case, executed inside the
// store's update callback. Anything that needs blocks or numbered records is left to ChannelBlocks.
using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Store;

/// <summary>Outcome of an attempt on the channel's record alone.</summary>
public enum TailOutcome : byte
{
    Unchanged,
    Changed,
    /// <summary>Nothing was done yet: blocks or numbered records are needed.</summary>
    NeedsBlocks,
}

/// <summary>The channel's rules on its own record.</summary>
public static class ChannelTail
{
    /// <summary>Messages the tail holds at most.</summary>
    public const int MaxMessages = 16;

    /// <summary>Applies a fact, or says that blocks are needed (then the record is to be forgotten).</summary>
    public static TailOutcome TryApply(ChannelRecord channel, in Fact fact, ReadOnlySpan<ulong> users, in StoredPolicy policy)
    {
        if (channel.Deleted) return TailOutcome.Unchanged;
        switch (fact.Kind)
        {
            case FactKind.ChannelCreated:
                return SetKind(channel, fact);
            case FactKind.ChannelDeleted when channel.BlockCount == 0 && channel.NextNumber == 0:
                channel.MarkDeleted();
                return TailOutcome.Changed;
            case FactKind.MessagesPurged:
                return TryPurge(channel, fact);
            case FactKind.MessageSent or FactKind.MessageEdited or FactKind.MessageDeleted:
                return TryMerge(channel, fact, users, policy);
            default:
                return TailOutcome.NeedsBlocks;
        }
    }

    /// <summary>The kind of the greatest event id stands.</summary>
    public static TailOutcome SetKind(ChannelRecord channel, in Fact fact)
    {
        if (fact.SubKind == (byte)ChannelKind.Unspecified || fact.EventId <= channel.KindEventId) return TailOutcome.Unchanged;
        channel.KindEventId = fact.EventId;
        channel.Kind = (ChannelKind)fact.SubKind;
        return TailOutcome.Changed;
    }

    private static TailOutcome TryPurge(ChannelRecord channel, in Fact fact)
    {
        if (fact.Id <= channel.Floor) return TailOutcome.Unchanged;
        if (channel.BlockCount != 0 || channel.NextNumber != 0) return TailOutcome.NeedsBlocks;
        channel.Floor = fact.Id;
        RemoveBelowFloor(channel);
        return TailOutcome.Changed;
    }

    /// <summary>Drops the tail's messages below the floor.</summary>
    public static void RemoveBelowFloor(ChannelRecord channel)
    {
        var gone = 0;
        while (gone < channel.Tail.Count && channel.Tail[gone].Id < channel.Floor)
            if (!channel.Tail[gone++].Is(MessageFlags.Sent)) channel.Waiting--;
        channel.Tail.RemoveRange(0, gone);
    }

    private static TailOutcome TryMerge(ChannelRecord channel, in Fact fact, ReadOnlySpan<ulong> users, in StoredPolicy policy)
    {
        var sent = fact.Kind == FactKind.MessageSent;
        if (fact.Id < channel.Floor)
        {
            if (!sent || fact.Id <= channel.Head) return TailOutcome.Unchanged;
            channel.Head = fact.Id;
            return TailOutcome.Changed;
        }
        if (channel.BlockCount != 0 && fact.Id <= channel.BlockLastId) return TailOutcome.NeedsBlocks;
        if (users.Length > MessageRun.MaxInlineMentions) return TailOutcome.NeedsBlocks;
        var index = channel.Tail.Find(fact.Id);
        if (index >= 0)
        {
            ref var known = ref channel.Tail[index];
            if (known.MentionRecords != 0) return TailOutcome.NeedsBlocks;
            var changed = MergeInTail(channel, ref known, fact, users, policy);
            return RaiseHead(channel, fact) || changed ? TailOutcome.Changed : TailOutcome.Unchanged;
        }
        if (channel.Tail.Count == MaxMessages) return TailOutcome.NeedsBlocks;
        if (!sent && channel.Waiting >= policy.WaitingLimit) return TailOutcome.NeedsBlocks;
        ref var message = ref channel.Tail.Insert(~index, fact.Id);
        channel.Waiting++;
        MergeInTail(channel, ref message, fact, users, policy);
        RaiseHead(channel, fact);
        return TailOutcome.Changed;
    }

    /// <summary>The head is the greatest id ever sent.</summary>
    public static bool RaiseHead(ChannelRecord channel, in Fact fact)
    {
        if (fact.Kind != FactKind.MessageSent || fact.Id <= channel.Head) return false;
        channel.Head = fact.Id;
        return true;
    }

    private static bool MergeInTail(
        ChannelRecord channel, ref Message message, in Fact fact, ReadOnlySpan<ulong> users, in StoredPolicy policy)
    {
        var merge = Merge(channel, ref message, fact, policy);
        if (merge == MessageFold.Merge.ChangedWithMentions) channel.Tail.SetMentions(ref message, users);
        return merge != MessageFold.Merge.Unchanged;
    }

    /// <summary>Merges a fact into a message and keeps the count of those that wait; the mentions are the caller's.</summary>
    public static MessageFold.Merge Merge(ChannelRecord channel, ref Message message, in Fact fact, in StoredPolicy policy)
    {
        var waited = !message.Is(MessageFlags.Sent);
        var merge = fact.Kind switch
        {
            FactKind.MessageSent => MessageFold.Send(ref message, fact, policy),
            FactKind.MessageEdited => MessageFold.Edit(ref message, fact),
            _ => MessageFold.Delete(ref message),
        };
        if (waited && message.Is(MessageFlags.Sent)) channel.Waiting--;
        return merge;
    }
}
