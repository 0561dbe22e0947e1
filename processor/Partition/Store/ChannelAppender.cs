// The commonest event of all, a message newer than every one before it, applied to a channel's record where it
// lies. Whatever is not that is left, untouched, to ChannelTail.
using System.Runtime.InteropServices;
using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Store;

/// <summary>Appends a new message to a channel's encoded record (layout: ChannelRecord).</summary>
internal static class ChannelAppender
{
    private const int PartsAt = RecordHeader.Length;
    private const int HeadAt = PartsAt + 2;
    private const int OptionalAt = HeadAt + 8;

    /// <summary>True where the message was appended in place; false: nothing was changed, another way is needed.</summary>
    public static bool TryAppend(Span<byte> value, in Fact fact, ReadOnlySpan<ulong> users, in StoredPolicy policy)
    {
        var used = RecordHeader.Used(value);
        if (used == 0 || users.Length > MessageRun.MaxInlineMentions || RecordHeader.Applied(value) >= fact.Offset) return false;
        var parts = (ChannelRecord.Part)MemoryMarshal.Read<ushort>(value[PartsAt..]);
        if ((parts & ChannelRecord.Part.Deleted) != 0) return false;
        var at = OptionalAt;
        if ((parts & ChannelRecord.Part.Kind) != 0) at += 1 + 8;
        if ((parts & ChannelRecord.Part.Floor) != 0)
        {
            if (fact.Id < MemoryMarshal.Read<ulong>(value[at..])) return false;
            at += 8;
        }
        if ((parts & ChannelRecord.Part.Lost) != 0) at += 8;
        if ((parts & ChannelRecord.Part.Blocks) != 0)
        {
            if (fact.Id <= MemoryMarshal.Read<ulong>(value[(at + 8)..])) return false;
            at += 4 + 4 + 8;
        }
        if ((parts & ChannelRecord.Part.Waiting) != 0) at += 4;
        if ((parts & ChannelRecord.Part.Numbers) != 0) at += 4;

        var run = value[at..];
        if (RunAppender.CountOf(run) >= ChannelTail.MaxMessages || fact.Id <= RunAppender.LastIdOf(run)) return false;
        var message = new Message { Id = fact.Id };
        MessageFold.Send(ref message, fact, policy);
        if (!users.IsEmpty) message.Flags |= MessageFlags.Mentions;
        var grown = RunAppender.TryAppend(run, used - at, message, users);
        if (grown < 0) return false;
        if (fact.Id > MemoryMarshal.Read<ulong>(value[HeadAt..])) MemoryMarshal.Write(value[HeadAt..], fact.Id);
        RecordHeader.Write(value, fact.Offset, at + grown);
        return true;
    }
}
