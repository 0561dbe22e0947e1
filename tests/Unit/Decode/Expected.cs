using Google.Protobuf;
using ReadStateStream.Schemas;
using ReadStateStream.Fold;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Decode;

/// <summary>The fact that generated code reads: the oracle of the span decoder.</summary>
internal static class Expected
{
    /// <summary>False where generated code refuses the bytes.</summary>
    public static bool TryParse(ReadOnlySpan<byte> value, out ChannelEvent parsed)
    {
        parsed = new ChannelEvent();
        try
        {
            parsed = ChannelEvent.Parser.ParseUntrusted(WithoutHeader(value));
            return true;
        }
        catch (Exception e) when (e is MalformedMessageException || UntrustedMessages.IsMalformed(e))
        {
            // The second: of the header.
            return false;
        }
    }

    private static ReadOnlySpan<byte> WithoutHeader(ReadOnlySpan<byte> value)
    {
        if (value.Length == 0 || value[0] != 0) return value;
        if (value.Length < 5) throw new InvalidOperationException("no schema id");
        var header = new CodedInputStream(value[5..].ToArray());
        var count = header.ReadSInt64();
        if (count > 1 || count < 0 || (count == 1 && header.ReadSInt64() != 0)) throw new InvalidOperationException("not the first message");
        return value[(5 + (int)header.Position)..];
    }

    /// <summary>The event as a fact, its list appended to the lists.</summary>
    public static Fact FactOf(ChannelEvent e, FactLists lists)
    {
        var fact = new Fact { Kind = (FactKind)(int)e.FactCase, EventId = e.EventId, ListStart = lists.Count };
        switch (e.FactCase)
        {
            case ChannelEvent.FactOneofCase.ChannelCreated:
                (fact.Channel, fact.SubKind) = (e.ChannelCreated.ChannelId, Byte((int)e.ChannelCreated.Kind));
                AddAll(e.ChannelCreated.MemberIds, ref fact, lists);
                break;
            case ChannelEvent.FactOneofCase.ChannelDeleted: fact.Channel = e.ChannelDeleted.ChannelId; break;
            case ChannelEvent.FactOneofCase.MemberJoined: (fact.Channel, fact.User) = (e.MemberJoined.ChannelId, e.MemberJoined.UserId); break;
            case ChannelEvent.FactOneofCase.MemberLeft: (fact.Channel, fact.User) = (e.MemberLeft.ChannelId, e.MemberLeft.UserId); break;
            case ChannelEvent.FactOneofCase.MessageSent:
                var sent = e.MessageSent;
                (fact.Channel, fact.Id, fact.User, fact.Thread) = (sent.ChannelId, sent.MessageId, sent.AuthorId, sent.ThreadRootId);
                (fact.Everyone, fact.ViaIntegration, fact.SubKind) = (sent.MentionsEveryone, sent.ViaIntegration, Byte((int)sent.Kind));
                AddAll(sent.MentionedUserIds, ref fact, lists);
                break;
            case ChannelEvent.FactOneofCase.MessageEdited:
                var edited = e.MessageEdited;
                (fact.Channel, fact.Id, fact.Everyone) = (edited.ChannelId, edited.MessageId, edited.MentionsEveryone);
                AddAll(edited.MentionedUserIds, ref fact, lists);
                break;
            case ChannelEvent.FactOneofCase.MessageDeleted: (fact.Channel, fact.Id) = (e.MessageDeleted.ChannelId, e.MessageDeleted.MessageId); break;
            case ChannelEvent.FactOneofCase.MessagesPurged: (fact.Channel, fact.Id) = (e.MessagesPurged.ChannelId, e.MessagesPurged.BeforeId); break;
            case ChannelEvent.FactOneofCase.MessagesRead: SetRead(e.MessagesRead, ref fact); break;
            case ChannelEvent.FactOneofCase.PointerSet:
                (fact.Channel, fact.User, fact.Id) = (e.PointerSet.ChannelId, e.PointerSet.UserId, e.PointerSet.UpToId);
                break;
            case ChannelEvent.FactOneofCase.ChannelMuted:
                (fact.Channel, fact.User, fact.On) = (e.ChannelMuted.ChannelId, e.ChannelMuted.UserId, e.ChannelMuted.On);
                break;
            case ChannelEvent.FactOneofCase.EveryoneSuppressed:
                (fact.Channel, fact.User, fact.On) = (e.EveryoneSuppressed.ChannelId, e.EveryoneSuppressed.UserId, e.EveryoneSuppressed.On);
                break;
            case ChannelEvent.FactOneofCase.UserBlocked:
                (fact.User, fact.Id, fact.On) = (e.UserBlocked.UserId, e.UserBlocked.BlockedUserId, e.UserBlocked.On);
                break;
            case ChannelEvent.FactOneofCase.DeadLetterResolved:
                (fact.Partition, fact.Id) = ((int)e.DeadLetterResolved.Partition, e.DeadLetterResolved.Offset);
                break;
            case ChannelEvent.FactOneofCase.DeadLetterWaived:
                (fact.Partition, fact.Id) = ((int)e.DeadLetterWaived.Partition, e.DeadLetterWaived.Offset);
                break;
        }
        return fact;
    }

    private static void SetRead(MessagesRead read, ref Fact fact)
    {
        (fact.Channel, fact.User, fact.Id) = (read.ChannelId, read.UserId, read.UpToId);
        if (read.ScopeCase == MessagesRead.ScopeOneofCase.MainTimeline) (fact.Scope, fact.On) = (ReadScope.Main, read.MainTimeline);
        if (read.ScopeCase == MessagesRead.ScopeOneofCase.ThreadRootId) (fact.Scope, fact.Thread) = (ReadScope.Thread, read.ThreadRootId);
    }

    private static byte Byte(int kind) => kind is >= 0 and <= 255 ? (byte)kind : (byte)255;

    private static void AddAll(IEnumerable<ulong> ids, ref Fact fact, FactLists lists)
    {
        foreach (var id in ids.Distinct().Order()) lists.Add(id);
        fact.ListCount = lists.Count - fact.ListStart;
    }
}
