// A record's value as fields with names: printed, exported, compared field by field. Ids are strings, as everywhere in
// JSON; offsets are numbers.
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using ReadStateStream.Fold;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Decoded records.</summary>
internal static class RecordJson
{
    /// <summary>Fields of a record; the value's used bytes.</summary>
    /// <exception cref="InvalidDataException">The value does not decode as a record of this key.</exception>
    public static JsonObject Of(Key16 key, ReadOnlySpan<byte> value)
    {
        try
        {
            return RecordName.KindOf(key) switch
            {
                "readState" => ReadStateOf(value),
                "thread" => ThreadOf(value),
                "channel" => ChannelOf(value),
                "directory" => DirectoryOf(value),
                "block" => BlockOf(value),
                "mentions" => new JsonObject { ["users"] = Ids(MemoryMarshal.Cast<byte, ulong>(value[RecordHeader.Length..])) },
                "channelList" => ListOf(value, "channels", hasValues: false),
                "blocked" => ListOf(value, "users", hasValues: true),
                "deadLetters" => ListOf(value, "offsets", hasValues: false),
                _ => throw new InvalidDataException("its key is of no known kind"),
            };
        }
        catch (Exception error) when (error is ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException($"its value does not decode: {error.Message}", error);
        }
    }

    /// <summary>The ids of a key.</summary>
    public static JsonObject KeyOf(Key16 key)
    {
        var ids = new JsonObject { ["kind"] = RecordName.KindOf(key) };
        if (key.Kind is RecordKind.ReadState or RecordKind.User) ids["user"] = Id(key.User);
        if (key.Kind is RecordKind.ReadState or RecordKind.Channel) ids["channel"] = Id(key.Channel);
        if (key.Kind is RecordKind.Channel or RecordKind.User) ids["number"] = RecordName.NumberOf(key);
        if (key.Kind == RecordKind.Thread) ids["hash"] = string.Create(CultureInfo.InvariantCulture, $"{key.A:x16}{key.B:x16}");
        return ids;
    }

    private static JsonObject ReadStateOf(ReadOnlySpan<byte> value)
    {
        ReadStateCodec.Decode(value, out var state);
        var threads = new JsonArray();
        for (var i = 0; i < state.ThreadCount; i++)
            threads.Add(new JsonObject { ["root"] = Id(state.Threads[i].Root), ["pointer"] = Id(state.Threads[i].Pointer) });
        return new JsonObject
        {
            ["member"] = state.Member,
            ["membershipEventId"] = Id(state.MembershipEventId),
            ["joinOffset"] = state.JoinOffset,
            ["pointer"] = Id(state.Pointer),
            ["newestReadEventId"] = Id(state.NewestReadEventId),
            ["bar"] = Id(state.Bar),
            ["greatestOwn"] = Id(state.GreatestOwn),
            ["muted"] = state.Mute.On,
            ["muteEventId"] = Id(state.Mute.EventId),
            ["everyoneSuppressed"] = state.Suppress.On,
            ["suppressEventId"] = Id(state.Suppress.EventId),
            ["mainPointer"] = Id(state.MainPointer),
            ["clearCount"] = state.ClearCount,
            ["threadsInRecords"] = state.HasOverflow,
            ["threads"] = threads,
        };
    }

    private static JsonObject ThreadOf(ReadOnlySpan<byte> value)
    {
        if (RecordHeader.Used(value) != ThreadRecord.Length) throw new InvalidDataException($"a thread pointer of {RecordHeader.Used(value)} bytes");
        var ids = MemoryMarshal.Cast<byte, ulong>(value.Slice(RecordHeader.Length, 32));
        return new JsonObject
        {
            ["user"] = Id(ids[0]), ["channel"] = Id(ids[1]), ["root"] = Id(ids[2]), ["pointer"] = Id(ids[3]),
            ["clearCount"] = MemoryMarshal.Read<uint>(value[40..]),
        };
    }

    private static JsonObject ChannelOf(ReadOnlySpan<byte> value)
    {
        var channel = new ChannelRecord();
        channel.Decode(value);
        return new JsonObject
        {
            ["deleted"] = channel.Deleted,
            ["kind"] = channel.Kind.ToString().ToLowerInvariant(),
            ["kindEventId"] = Id(channel.KindEventId),
            ["head"] = Id(channel.Head),
            ["floor"] = Id(channel.Floor),
            ["lost"] = Id(channel.Lost),
            ["blocks"] = channel.BlockCount,
            ["sentInBlocks"] = channel.BlockSent,
            ["lastIdInBlocks"] = Id(channel.BlockLastId),
            ["waiting"] = channel.Waiting,
            ["nextNumber"] = channel.NextNumber,
            ["tail"] = MessagesOf(channel.Tail),
        };
    }

    private static JsonObject DirectoryOf(ReadOnlySpan<byte> value)
    {
        var directory = new BlockDirectory();
        directory.DecodeRecord(value);
        var entries = new JsonArray();
        foreach (ref readonly var entry in directory.Entries)
            entries.Add(new JsonObject
            {
                ["block"] = entry.Number, ["lastId"] = Id(entry.LastId),
                ["leastArrival"] = entry.LeastArrival == BlockEntry.NoArrival ? null : entry.LeastArrival,
                ["messages"] = entry.Messages, ["sent"] = entry.Sent, ["countable"] = entry.Countable, ["everyone"] = entry.Everyone,
                ["filter"] = string.Create(CultureInfo.InvariantCulture, $"{entry.Filter1:x16}{entry.Filter0:x16}"),
            });
        return new JsonObject { ["entries"] = entries };
    }

    private static JsonObject BlockOf(ReadOnlySpan<byte> value)
    {
        var run = new MessageRun();
        run.Decode(value[RecordHeader.Length..]);
        return new JsonObject { ["messages"] = MessagesOf(run) };
    }

    private static JsonArray MessagesOf(MessageRun run)
    {
        var messages = new JsonArray();
        foreach (ref readonly var message in run.Items)
        {
            var fields = new JsonObject { ["id"] = Id(message.Id), ["flags"] = message.Flags.ToString() };
            if (message.Is(MessageFlags.Sent)) fields["arrivalOffset"] = message.ArrivalOffset;
            if (message.Author != 0) fields["author"] = Id(message.Author);
            if (message.Is(MessageFlags.Edited)) fields["editEventId"] = Id(message.EditEventId);
            if (message.Is(MessageFlags.InThread)) fields["thread"] = Id(message.Thread);
            if (message.MentionRecords != 0)
            {
                fields["mentionsFrom"] = message.MentionNumber;
                fields["mentionRecords"] = message.MentionRecords;
            }
            else if (message.Is(MessageFlags.Mentions))
            {
                fields["mentions"] = Ids(run.MentionsOf(message));
            }
            messages.Add(fields);
        }
        return messages;
    }

    private static JsonObject ListOf(ReadOnlySpan<byte> value, string name, bool hasValues)
    {
        var entries = new JsonArray();
        for (var i = 0; i < IdListRecord.EntriesOf(value); i++)
        {
            var id = Id(IdListRecord.IdOf(value, i, hasValues));
            if (!hasValues)
            {
                entries.Add(id);
                continue;
            }
            var packed = IdListRecord.ValueOf(value, i);
            entries.Add(new JsonObject { ["id"] = id, ["on"] = IdListRecord.IsBlockOn(packed), ["eventId"] = Id(packed >> 1) });
        }
        return new JsonObject { ["chunks"] = IdListRecord.ChunksOf(value), [name] = entries };
    }

    private static string Id(ulong id) => id.ToString(CultureInfo.InvariantCulture);

    private static JsonArray Ids(ReadOnlySpan<ulong> ids)
    {
        var array = new JsonArray();
        foreach (var id in ids) array.Add(Id(id));
        return array;
    }
}
