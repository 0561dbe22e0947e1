using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Oracle;

/// <summary>What is known of one message id of a channel: its sending, every edit, its deletion, in any order.</summary>
internal sealed class MessageHistory
{
    public MessageSent? Sent { get; set; }
    public bool Deleted { get; set; }
    public Dictionary<ulong, MessageEdited> EditsByEventId { get; } = [];

    private MessageEdited? NewestEdit => EditsByEventId.Count == 0 ? null : EditsByEventId.MaxBy(edit => edit.Key).Value;

    /// <summary>Does it name the user? Any edit stands over the sending, of edits the greatest event id.</summary>
    public bool Names(ulong user) => (NewestEdit?.MentionedUserIds ?? Sent!.MentionedUserIds).Contains(user);

    public bool MentionsEveryone => NewestEdit?.MentionsEveryone ?? Sent!.MentionsEveryone;
}

/// <summary>
/// One channel, told event by event in the order of arrival. The window is kept exactly: an id leaves
/// it at the very event that makes it too full.
/// </summary>
internal sealed class ChannelHistory(OraclePolicy policy)
{
    private ulong kindEventId;

    /// <summary>Messages sent, the newest N ids, deleted ones included, by id.</summary>
    public SortedDictionary<ulong, MessageHistory> Window { get; } = [];

    /// <summary>Edits and deletes of messages not sent so far.</summary>
    public SortedDictionary<ulong, MessageHistory> Waiting { get; } = [];

    public bool Gone { get; private set; }
    public ChannelKind Kind { get; private set; } = ChannelKind.Guild;

    /// <summary>The greatest id ever sent.</summary>
    public ulong Head { get; private set; }

    /// <summary>The greatest "before" of a purge: ids below it are gone for good.</summary>
    public ulong Floor { get; private set; }

    /// <summary>L: the greatest id that left the window; 0: none.</summary>
    public ulong GreatestLeft { get; private set; }

    /// <summary>The greatest id whose waiting edit or delete was lost; 0: none.</summary>
    public ulong GreatestLost { get; private set; }

    /// <summary>Lost edits or deletes matter while their message may still come.</summary>
    public bool Incomplete => GreatestLost >= Floor && GreatestLost > GreatestLeft;

    public void Created(ulong eventId, ChannelKind kind)
    {
        if (Gone || kind == ChannelKind.Unspecified || eventId <= kindEventId) return;
        (kindEventId, Kind) = (eventId, kind);
    }

    /// <summary>Final: from here on nothing changes it.</summary>
    public void Delete()
    {
        Gone = true;
        Window.Clear();
        Waiting.Clear();
    }

    public void Sent(MessageSent message)
    {
        if (Gone) return;
        Head = Math.Max(Head, message.MessageId);
        if (IsPast(message.MessageId) || Window.ContainsKey(message.MessageId)) return;

        var history = Waiting.Remove(message.MessageId, out var waiting) ? waiting : new MessageHistory();
        history.Sent = message;
        Window.Add(message.MessageId, history);
        if (Window.Count <= policy.Window) return;

        GreatestLeft = Window.First().Key;
        Window.Remove(GreatestLeft);
        ForgetPast(Waiting);
    }

    public void Edited(ulong eventId, MessageEdited edit)
    {
        if (HistoryOf(edit.MessageId) is not { } history) return;
        history.EditsByEventId[eventId] = edit;
        KeepWaitingBounded();
    }

    public void Deleted(MessageDeleted deletion)
    {
        if (HistoryOf(deletion.MessageId) is not { } history) return;
        history.Deleted = true;
        KeepWaitingBounded();
    }

    public void Purged(ulong beforeId)
    {
        if (Gone) return;
        Floor = Math.Max(Floor, beforeId);
        ForgetPast(Window);
        ForgetPast(Waiting);
    }

    /// <summary>Ids below the floor, or at or below the greatest that left the window, are ignored.</summary>
    private bool IsPast(ulong id) => id < Floor || id <= GreatestLeft;

    private void ForgetPast(SortedDictionary<ulong, MessageHistory> messages)
    {
        foreach (var id in messages.Keys.Where(IsPast).ToList()) messages.Remove(id);
    }

    private MessageHistory? HistoryOf(ulong id)
    {
        if (Gone || IsPast(id)) return null;
        if (Window.TryGetValue(id, out var sent)) return sent;
        if (!Waiting.TryGetValue(id, out var waiting)) Waiting.Add(id, waiting = new MessageHistory());
        return waiting;
    }

    private void KeepWaitingBounded()
    {
        if (Waiting.Count <= policy.WaitingLimit) return;
        var lowest = Waiting.First().Key;
        Waiting.Remove(lowest);
        GreatestLost = Math.Max(GreatestLost, lowest);
    }
}
