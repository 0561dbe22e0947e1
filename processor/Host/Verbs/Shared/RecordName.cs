using System.Runtime.InteropServices;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>What a record is, in words and for counts.</summary>
internal static class RecordName
{
    /// <summary>What kinds of records there are, in the order in which they are listed.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
        ["readState", "thread", "channel", "directory", "block", "mentions", "channelList", "blocked", "deadLetters"];

    /// <summary>One of <see cref="Kinds"/>; null where a key is of none.</summary>
    public static string? KindOf(Key16 key) => (key.Kind, key.SubKind) switch
    {
        (RecordKind.ReadState, _) => "readState",
        (RecordKind.Thread, _) => "thread",
        (RecordKind.Channel, SubKind.ChannelRecord) => "channel",
        (RecordKind.Channel, SubKind.Directory) => "directory",
        (RecordKind.Channel, SubKind.Block) => "block",
        (RecordKind.Channel, SubKind.Mentions) => "mentions",
        (RecordKind.User, SubKind.ChannelList) => "channelList",
        (RecordKind.User, SubKind.Blocked) => "blocked",
        (RecordKind.User, SubKind.DeadLetters) => "deadLetters",
        _ => null,
    };

    /// <summary>Number of a numbered record, 0 of others.</summary>
    public static uint NumberOf(Key16 key) => key.Kind is RecordKind.Channel or RecordKind.User ? (uint)key.B : 0;

    /// <summary>The record in words; a thread pointer's ids lie in its value.</summary>
    public static string Of(Key16 key, ReadOnlySpan<byte> value)
    {
        var number = NumberOf(key);
        return KindOf(key) switch
        {
            "readState" => $"read state of user {key.User} in channel {key.Channel}",
            "thread" => value.Length < 40 ? $"thread pointer {key.A:x16}{key.B:x16}" : OfThread(MemoryMarshal.Cast<byte, ulong>(value.Slice(RecordHeader.Length, 32))),
            "channel" => $"channel {key.Channel}",
            "directory" => $"channel {key.Channel}, directory {number}",
            "block" => $"channel {key.Channel}, block {number}",
            "mentions" => $"channel {key.Channel}, mentions {number}",
            "channelList" => $"channel list of user {key.User}, chunk {number}",
            "blocked" => $"users blocked by user {key.User}, chunk {number}",
            "deadLetters" => $"outstanding dead letters, chunk {number}",
            _ => $"record {key.A:x16}{key.B:x16} of no known kind",
        };
    }

    private static string OfThread(ReadOnlySpan<ulong> ids) => $"thread {ids[2]} of user {ids[0]} in channel {ids[1]}";
}
