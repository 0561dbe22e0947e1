using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Decode;

/// <summary>
/// The contract's ranges: what the log may hold. The ingest edge and the processor check the same. Not
/// here, since a fact alone cannot tell: the record's key and partition, and how far an event id lies
/// ahead of the record's append time.
/// </summary>
public static class FactContract
{
    /// <summary>Greatest id of anything.</summary>
    public const ulong IdMax = long.MaxValue;

    /// <summary>Most users that one event may list, each counted once.</summary>
    public const int ListedMax = 10_000;

    /// <summary>Greatest offset of a log (offsets are kept in 6 bytes).</summary>
    public const ulong OffsetMax = (1UL << 47) - 1;

    /// <summary>None, or the first breach found. An event id of 0 is a breach: stamping comes before.</summary>
    public static DecodeError Check(in Fact fact, FactLists lists)
    {
        if (fact.Kind == FactKind.None) return DecodeError.UnknownFact;
        if (!IsId(fact.EventId)) return DecodeError.EventIdOutOfRange;
        if (HasChannel(fact.Kind) && !IsId(fact.Channel)) return DecodeError.ChannelIdOutOfRange;
        if (HasUser(fact.Kind) && !IsId(fact.User)) return DecodeError.UserIdOutOfRange;
        if (fact.ListCount > 0)
        {
            if (fact.ListCount > ListedMax) return DecodeError.TooManyListed;
            // Ascending: the ends speak for all.
            var listed = lists.Of(fact);
            if (listed[0] == 0 || listed[^1] > IdMax) return DecodeError.ListedIdOutOfRange;
        }
        return CheckRest(fact);
    }

    private static DecodeError CheckRest(in Fact fact)
    {
        switch (fact.Kind)
        {
            case FactKind.ChannelCreated:
                return fact.SubKind > (byte)ChannelKind.Group ? DecodeError.UnknownChannelKind : DecodeError.None;
            case FactKind.MessageSent:
                if (!IsId(fact.Id)) return DecodeError.IdOutOfRange;
                if (fact.Thread > IdMax) return DecodeError.ThreadIdOutOfRange;
                return fact.SubKind > (byte)MessageKind.Silent ? DecodeError.UnknownMessageKind : DecodeError.None;
            case FactKind.MessagesRead:
                if (!IsId(fact.Id)) return DecodeError.IdOutOfRange;
                if (fact.Scope == ReadScope.Main && !fact.On) return DecodeError.MainTimelineFalse;
                return fact.Scope == ReadScope.Thread && !IsId(fact.Thread) ? DecodeError.ThreadIdOutOfRange : DecodeError.None;
            case FactKind.MessageEdited or FactKind.MessageDeleted or FactKind.MessagesPurged or FactKind.UserBlocked:
                return IsId(fact.Id) ? DecodeError.None : DecodeError.IdOutOfRange;
            case FactKind.PointerSet:
                // 0 is a pointer too: everything is unread.
                return fact.Id <= IdMax ? DecodeError.None : DecodeError.IdOutOfRange;
            case FactKind.DeadLetterResolved or FactKind.DeadLetterWaived:
                if (fact.Partition < 0) return DecodeError.PartitionOutOfRange;
                return fact.Id <= OffsetMax ? DecodeError.None : DecodeError.DeadLetterOffsetOutOfRange;
            default:
                return DecodeError.None;
        }
    }

    private static bool IsId(ulong id) => id - 1 < IdMax;

    private static bool HasChannel(FactKind kind) => kind < FactKind.UserBlocked;

    private static bool HasUser(FactKind kind) => kind is FactKind.MemberJoined or FactKind.MemberLeft
        or FactKind.MessageSent or (>= FactKind.MessagesRead and <= FactKind.UserBlocked);
}
