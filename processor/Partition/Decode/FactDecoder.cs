using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Decode;

/// <summary>
/// Turns a record's value into a <see cref="Fact"/> without allocating: a span parser of the contract's
/// <c>readstate.v1.ChannelEvent</c>, equal to the generated code in what it accepts and in what it reads
/// (last scalar wins, last case of a oneof wins, a case that repeats is merged, lists packed or not, unknown
/// fields and known ones of another wire type are passed over). Generated code is its oracle in the tests.
/// What a value may be is checked apart, by <see cref="FactContract"/>.
/// </summary>
public static class FactDecoder
{
    private const uint EventIdTag = 1 << 3;
    private const uint OccurredAtTag = 2 << 3 | 2;
    private const int FieldsMax = 9;

    /// <summary>Where a field of a fact goes.</summary>
    private enum Role : byte { Unknown, Channel, User, Id, Thread, On, Everyone, Integration, Kind, Partition, List, Main, ReadThread }

    /// <summary>Role of each field 0 .. 8 of each case, by case from 10 on: the contract's messages as a table.</summary>
    private static ReadOnlySpan<Role> Roles =>
    [
        0, Role.Channel, Role.Kind, Role.List, 0, 0, 0, 0, 0, // ChannelCreated
        0, Role.Channel, 0, 0, 0, 0, 0, 0, 0, // ChannelDeleted
        0, Role.Channel, Role.User, 0, 0, 0, 0, 0, 0, // MemberJoined
        0, Role.Channel, Role.User, 0, 0, 0, 0, 0, 0, // MemberLeft
        0, Role.Channel, Role.Id, Role.User, Role.List, Role.Everyone, Role.Kind, Role.Thread, Role.Integration, // MessageSent
        0, Role.Channel, Role.Id, Role.List, Role.Everyone, 0, 0, 0, 0, // MessageEdited
        0, Role.Channel, Role.Id, 0, 0, 0, 0, 0, 0, // MessageDeleted
        0, Role.Channel, Role.Id, 0, 0, 0, 0, 0, 0, // MessagesPurged
        0, Role.Channel, Role.User, Role.Id, Role.Main, Role.ReadThread, 0, 0, 0, // MessagesRead
        0, Role.Channel, Role.User, Role.Id, 0, 0, 0, 0, 0, // PointerSet
        0, Role.Channel, Role.User, Role.On, 0, 0, 0, 0, 0, // ChannelMuted
        0, Role.Channel, Role.User, Role.On, 0, 0, 0, 0, 0, // EveryoneSuppressed
        0, Role.User, Role.Id, Role.On, 0, 0, 0, 0, 0, // UserBlocked
        0, Role.Partition, Role.Id, 0, 0, 0, 0, 0, 0, // DeadLetterResolved
        0, Role.Partition, Role.Id, 0, 0, 0, 0, 0, 0, // DeadLetterWaived; its reason is for people
    ];

    /// <summary>
    /// Decodes a value, raw or behind a Confluent header. True: every member of the fact but
    /// <see cref="Fact.Offset"/> is set, <see cref="FactKind.None"/> where no known case is there, its list
    /// appended to <paramref name="lists"/>, ascending and distinct. False: <paramref name="error"/> says why and
    /// <paramref name="lists"/> is as before.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<byte> value, ref Fact fact, FactLists lists, out DecodeError error)
    {
        fact = new Fact { Offset = fact.Offset, ListStart = lists.Count };
        error = DecodeError.None;
        if (value.Length > 0 && value[0] == ConfluentHeader.MagicByte)
        {
            error = ConfluentHeader.Strip(ref value);
            if (error != DecodeError.None) return false;
        }
        if (!TryReadEvent(value, ref fact, lists, out error))
        {
            lists.TruncateTo(fact.ListStart);
            return false;
        }
        fact.ListCount = lists.SortDistinct(fact.ListStart);
        return true;
    }

    private static bool TryReadEvent(ReadOnlySpan<byte> value, ref Fact fact, FactLists lists, out DecodeError error)
    {
        var reader = new WireReader(value);
        while (reader.TryReadTag(out var tag))
        {
            if (tag == EventIdTag)
            {
                if (reader.TryReadVarint(out var id)) fact.EventId = id;
            }
            else if ((tag & 7) == 2 && tag >> 3 is >= (uint)FactKind.ChannelCreated and <= (uint)FactKind.DeadLetterWaived)
            {
                if (!reader.TryReadBytes(out var body)) continue;
                Begin((FactKind)(tag >> 3), ref fact, lists);
                if (!TryReadFact(body, ref fact, lists, out error)) return false;
            }
            else if (tag == OccurredAtTag)
            {
                // Not needed by the fold; a time that is no protobuf still makes the record none.
                if (!reader.TryReadBytes(out var body)) continue;
                if (!TrySkipMessage(body, out error)) return false;
            }
            else
            {
                reader.TrySkip(tag, 0);
            }
            if (reader.Error != DecodeError.None) break;
        }
        error = reader.Error;
        return error == DecodeError.None;
    }

    /// <summary>Another case of the oneof drops the one before it; the same case again is merged into it.</summary>
    private static void Begin(FactKind kind, ref Fact fact, FactLists lists)
    {
        if (fact.Kind == kind) return;
        if (fact.Kind != FactKind.None)
        {
            lists.TruncateTo(fact.ListStart);
            fact = new Fact { Offset = fact.Offset, EventId = fact.EventId, ListStart = fact.ListStart };
        }
        fact.Kind = kind;
    }

    private static bool TryReadFact(ReadOnlySpan<byte> body, ref Fact fact, FactLists lists, out DecodeError error)
    {
        var roles = Roles.Slice(((int)fact.Kind - (int)FactKind.ChannelCreated) * FieldsMax, FieldsMax);
        var reader = new WireReader(body);
        error = DecodeError.None;
        while (error == DecodeError.None && reader.TryReadTag(out var tag))
        {
            var number = tag >> 3;
            var role = number < (uint)roles.Length ? roles[(int)number] : Role.Unknown;
            if ((tag & 7) == 0)
            {
                if (reader.TryReadVarint(out var value)) Set(role, value, ref fact, lists);
            }
            else if ((tag & 7) == 2 && role == Role.List)
            {
                if (reader.TryReadPacked(out var packed)) error = ReadPacked(packed, lists);
            }
            else
            {
                reader.TrySkip(tag, 1);
            }
            if (reader.Error != DecodeError.None) error = reader.Error;
        }
        if (error == DecodeError.None) error = reader.Error;
        return error == DecodeError.None;
    }

    private static void Set(Role role, ulong value, ref Fact fact, FactLists lists)
    {
        switch (role)
        {
            case Role.Channel: fact.Channel = value; break;
            case Role.User: fact.User = value; break;
            case Role.Id: fact.Id = value; break;
            case Role.Thread: fact.Thread = value; break;
            case Role.On: fact.On = value != 0; break;
            case Role.Everyone: fact.Everyone = value != 0; break;
            case Role.Integration: fact.ViaIntegration = value != 0; break;
            // An enum is the low 32 bits; whatever is not a byte is unknown alike.
            case Role.Kind: fact.SubKind = (byte)Math.Min((uint)value, byte.MaxValue); break;
            case Role.Partition: fact.Partition = (int)(uint)value; break;
            case Role.List: lists.Add(value); break;
            case Role.Main: (fact.Scope, fact.On, fact.Thread) = (ReadScope.Main, value != 0, 0); break;
            case Role.ReadThread: (fact.Scope, fact.On, fact.Thread) = (ReadScope.Thread, false, value); break;
        }
    }

    private static DecodeError ReadPacked(ReadOnlySpan<byte> packed, FactLists lists)
    {
        var reader = new WireReader(packed);
        while (!reader.AtEnd && reader.TryReadVarint(out var id)) lists.Add(id);
        return reader.Error;
    }

    private static bool TrySkipMessage(ReadOnlySpan<byte> body, out DecodeError error)
    {
        var reader = new WireReader(body);
        while (reader.TryReadTag(out var tag) && reader.TrySkip(tag, 1)) { }
        error = reader.Error;
        return error == DecodeError.None;
    }
}
