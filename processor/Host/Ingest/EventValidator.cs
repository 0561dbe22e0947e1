// Invariant: an event that passes here is folded by every partition of this version, never dead-lettered,
// as long as the log's append time is not before the time it was validated at.
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Ingest;

/// <summary>Bounds that the validator applies; see <see cref="IngestOptions"/> for units and ranges.</summary>
/// <param name="PartitionCount">Partitions of the topic.</param>
/// <param name="EpochUnixMs">Time of event id 0, milliseconds since the Unix epoch.</param>
/// <param name="MaxAheadMs">How far an event id's time may lie ahead, milliseconds.</param>
/// <param name="MaxUsers">Most users that one event names, repetitions included.</param>
/// <param name="MaxReasonCharacters">Longest reason of a waived dead letter.</param>
/// <param name="MaxEventBytes">Greatest event as protobuf.</param>
public sealed record EventLimits(
    int PartitionCount, long EpochUnixMs, long MaxAheadMs, int MaxUsers, int MaxReasonCharacters, int MaxEventBytes);

/// <summary>
/// Checks one event against the contract of channel_event.proto. Pure: the same event, limits and time
/// give the same answer. Unknown fields are no fault; they stay in the event.
/// </summary>
public sealed class EventValidator(EventLimits limits)
{
    /// <summary>Greatest id of any kind.</summary>
    public const ulong MaxId = long.MaxValue;

    /// <summary>First offset that no partition ever has.</summary>
    public const ulong OffsetEnd = 1UL << 47;

    // A stamped id is below 2^63: nine bytes as a varint, and its tag.
    private const int StampBytes = 10;

    /// <summary>Null for a valid event, else the first fault found. An event id of 0 will be stamped later.</summary>
    /// <param name="e">The event.</param>
    /// <param name="nowUnixMs">The present time, milliseconds since the Unix epoch.</param>
    public EventFault? Check(ChannelEvent e, long nowUnixMs) =>
        CheckEventId(e.EventId, nowUnixMs) ?? CheckOccurredAt(e.OccurredAt) ?? CheckFact(e) ?? CheckSize(e);

    private EventFault? CheckEventId(ulong id, long nowUnixMs)
    {
        if (id > MaxId) return EventFault.Contract("invalid-id", $"eventId is {id}; ids are 1 .. {MaxId}", "/eventId");
        var aheadMs = (long)(id >> 22) + limits.EpochUnixMs - nowUnixMs;
        return id != 0 && aheadMs > limits.MaxAheadMs
            ? EventFault.Contract("event-id-ahead",
                $"the time of eventId {id} lies {aheadMs} ms ahead; at most {limits.MaxAheadMs} ms are accepted", "/eventId")
            : null;
    }

    // The range that protobuf JSON can write: years 1 .. 9999. JSON never brings another, protobuf may.
    private static EventFault? CheckOccurredAt(Timestamp? at) =>
        at is null || (at.Seconds is >= -62_135_596_800 and <= 253_402_300_799 && at.Nanos is >= 0 and <= 999_999_999)
            ? null
            : EventFault.Contract("invalid-time", "occurredAt is not within the years 1 .. 9999", "/occurredAt");

    private EventFault? CheckFact(ChannelEvent e) => e.FactCase switch
    {
        ChannelEvent.FactOneofCase.ChannelCreated => CheckCreated(e.ChannelCreated),
        ChannelEvent.FactOneofCase.ChannelDeleted => Id(e.ChannelDeleted.ChannelId, "channelDeleted", "channelId"),
        ChannelEvent.FactOneofCase.MemberJoined => Member(e.MemberJoined.ChannelId, e.MemberJoined.UserId, "memberJoined"),
        ChannelEvent.FactOneofCase.MemberLeft => Member(e.MemberLeft.ChannelId, e.MemberLeft.UserId, "memberLeft"),
        ChannelEvent.FactOneofCase.MessageSent => CheckSent(e.MessageSent),
        ChannelEvent.FactOneofCase.MessageEdited => CheckEdited(e.MessageEdited),
        ChannelEvent.FactOneofCase.MessageDeleted => Id(e.MessageDeleted.ChannelId, "messageDeleted", "channelId")
            ?? Id(e.MessageDeleted.MessageId, "messageDeleted", "messageId"),
        ChannelEvent.FactOneofCase.MessagesPurged => Id(e.MessagesPurged.ChannelId, "messagesPurged", "channelId")
            ?? Id(e.MessagesPurged.BeforeId, "messagesPurged", "beforeId"),
        ChannelEvent.FactOneofCase.MessagesRead => CheckRead(e.MessagesRead),
        ChannelEvent.FactOneofCase.PointerSet => Member(e.PointerSet.ChannelId, e.PointerSet.UserId, "pointerSet")
            ?? IdOrZero(e.PointerSet.UpToId, "pointerSet", "upToId"),
        ChannelEvent.FactOneofCase.ChannelMuted => Member(e.ChannelMuted.ChannelId, e.ChannelMuted.UserId, "channelMuted"),
        ChannelEvent.FactOneofCase.EveryoneSuppressed =>
            Member(e.EveryoneSuppressed.ChannelId, e.EveryoneSuppressed.UserId, "everyoneSuppressed"),
        ChannelEvent.FactOneofCase.UserBlocked => Id(e.UserBlocked.UserId, "userBlocked", "userId")
            ?? Id(e.UserBlocked.BlockedUserId, "userBlocked", "blockedUserId"),
        ChannelEvent.FactOneofCase.DeadLetterResolved =>
            CheckControl(e.DeadLetterResolved.Partition, e.DeadLetterResolved.Offset, "deadLetterResolved"),
        ChannelEvent.FactOneofCase.DeadLetterWaived =>
            CheckControl(e.DeadLetterWaived.Partition, e.DeadLetterWaived.Offset, "deadLetterWaived")
            ?? CheckReason(e.DeadLetterWaived.Reason),
        _ => CheckNoFact(e),
    };

    // A case of a later version is an unknown field to this one: something beyond the fields known is there.
    private static EventFault CheckNoFact(ChannelEvent e) =>
        e.CalculateSize() > new ChannelEvent { EventId = e.EventId, OccurredAt = e.OccurredAt }.CalculateSize()
            ? EventFault.Contract("unknown-case", "the event's case is not one that this version knows", "")
            : EventFault.Contract("missing-case", "the event has none of the cases of ChannelEvent", "");

    private EventFault? CheckCreated(ChannelCreated created) =>
        Id(created.ChannelId, "channelCreated", "channelId")
        ?? (created.Kind is < ChannelKind.Unspecified or > ChannelKind.Group
            ? EventFault.Contract("invalid-enum", $"kind {(int)created.Kind} is not known", "/channelCreated/kind") : null)
        ?? Users(created.MemberIds, "channelCreated", "memberIds");

    private EventFault? CheckSent(MessageSent sent) =>
        Id(sent.ChannelId, "messageSent", "channelId")
        ?? Id(sent.MessageId, "messageSent", "messageId")
        ?? Id(sent.AuthorId, "messageSent", "authorId")
        ?? IdOrZero(sent.ThreadRootId, "messageSent", "threadRootId")
        ?? (sent.Kind is < MessageKind.Unspecified or > MessageKind.Silent
            ? EventFault.Contract("invalid-enum", $"kind {(int)sent.Kind} is not known", "/messageSent/kind") : null)
        ?? Users(sent.MentionedUserIds, "messageSent", "mentionedUserIds");

    private EventFault? CheckEdited(MessageEdited edited) =>
        Id(edited.ChannelId, "messageEdited", "channelId")
        ?? Id(edited.MessageId, "messageEdited", "messageId")
        ?? Users(edited.MentionedUserIds, "messageEdited", "mentionedUserIds");

    private static EventFault? CheckRead(MessagesRead read) =>
        Member(read.ChannelId, read.UserId, "messagesRead")
        ?? Id(read.UpToId, "messagesRead", "upToId")
        ?? read.ScopeCase switch
        {
            MessagesRead.ScopeOneofCase.ThreadRootId => Id(read.ThreadRootId, "messagesRead", "threadRootId"),
            MessagesRead.ScopeOneofCase.MainTimeline when !read.MainTimeline => EventFault.Contract("invalid-scope",
                "mainTimeline is false; only true has a meaning, leave it out for the whole channel",
                "/messagesRead/mainTimeline"),
            _ => null,
        };

    private EventFault? CheckControl(uint partition, ulong offset, string fact)
    {
        if (partition >= (uint)limits.PartitionCount)
            return EventFault.Contract("invalid-partition",
                $"partition is {partition}; the topic has 0 .. {limits.PartitionCount - 1}", $"/{fact}/partition");
        return offset >= OffsetEnd
            ? EventFault.Contract("invalid-offset", $"offset is {offset}; offsets are 0 .. {OffsetEnd - 1}", $"/{fact}/offset")
            : null;
    }

    private EventFault? CheckReason(string reason)
    {
        // Characters as people count them in a limit: code points. The text is no shorter in UTF-16.
        if (reason.Length <= limits.MaxReasonCharacters) return null;
        var characters = reason.EnumerateRunes().Count();
        return characters > limits.MaxReasonCharacters
            ? EventFault.Contract("reason-too-long",
                $"reason has {characters} characters; at most {limits.MaxReasonCharacters} are accepted",
                "/deadLetterWaived/reason")
            : null;
    }

    private EventFault? CheckSize(ChannelEvent e)
    {
        var bytes = e.CalculateSize() + (e.EventId == 0 ? StampBytes : 0);
        return bytes > limits.MaxEventBytes
            ? new EventFault(413, "event-too-large",
                $"the event has {bytes} bytes as protobuf; at most {limits.MaxEventBytes} are accepted", "")
            : null;
    }

    private EventFault? Users(RepeatedField<ulong> users, string fact, string field)
    {
        if (users.Count > limits.MaxUsers)
            return EventFault.Contract("too-many-users",
                $"{field} has {users.Count} entries; at most {limits.MaxUsers} are accepted", $"/{fact}/{field}");
        for (var i = 0; i < users.Count; i++)
            if (users[i] - 1 >= MaxId) return OutOfRange(users[i], fact, $"{field}/{i}", least: 1);
        return null;
    }

    private static EventFault? Member(ulong channel, ulong user, string fact) =>
        Id(channel, fact, "channelId") ?? Id(user, fact, "userId");

    private static EventFault? Id(ulong id, string fact, string field) =>
        id - 1 < MaxId ? null : OutOfRange(id, fact, field, least: 1);

    private static EventFault? IdOrZero(ulong id, string fact, string field) =>
        id <= MaxId ? null : OutOfRange(id, fact, field, least: 0);

    private static EventFault OutOfRange(ulong id, string fact, string field, int least) =>
        EventFault.Contract("invalid-id", $"{field} is {id}; it is {least} .. {MaxId}", $"/{fact}/{field}");
}
