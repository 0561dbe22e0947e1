// Appends a message to an encoded run where it lies (layout: MessageRun): the common case costs the message,
// not the run. New names shift the entries behind them; name indices stay as they are.
using System.Runtime.InteropServices;
using ReadStateStream.Fold;

namespace ReadStateStream.Snapshot.Records;

/// <summary>Appends to encoded runs.</summary>
public static class RunAppender
{
    private const int NamesAt = 2 + 8 + 6 + 2;
    private const int NewNamesMax = MessageRun.MaxInlineMentions + 2;

    // Id, flags, arrival, author, edit, thread, mention count or record number; then an index a mention.
    private const int EntryBytesMax = 10 + 1 + 10 + 3 + 8 + 3 + 7 + (3 * MessageRun.MaxInlineMentions);

    /// <summary>Messages of an encoded run.</summary>
    public static int CountOf(ReadOnlySpan<byte> run) => MemoryMarshal.Read<ushort>(run);

    /// <summary>The greatest id of an encoded run; 0 where it is empty.</summary>
    public static ulong LastIdOf(ReadOnlySpan<byte> run) => CountOf(run) == 0 ? 0 : MemoryMarshal.Read<ulong>(run[2..]);

    /// <summary>
    /// Appends a message whose id is above the last one's to a run of <paramref name="used"/> bytes within its
    /// room; returns the bytes then used, or -1 where it does not fit and nothing was changed.
    /// </summary>
    public static int TryAppend(Span<byte> room, int used, in Message message, ReadOnlySpan<ulong> mentions)
    {
        var count = CountOf(room);
        if (count == 0 && room.Length < NamesAt) return -1;
        var nameCount = count == 0 ? 0 : MemoryMarshal.Read<ushort>(room[(NamesAt - 2)..]);
        if (count == 0) used = NamesAt;
        Span<ulong> added = stackalloc ulong[NewNamesMax];
        Span<byte> entry = stackalloc byte[EntryBytesMax];
        var names = new NameAdder(MemoryMarshal.Cast<byte, ulong>(room.Slice(NamesAt, nameCount * 8)), added);
        var writer = new RunWriter(entry);
        Write(ref writer, ref names, room, count, message, mentions);
        var grown = used + (names.Added * 8) + writer.Length;
        if (grown > room.Length) return -1;

        var entriesAt = NamesAt + (nameCount * 8);
        if (names.Added > 0)
        {
            room[entriesAt..used].CopyTo(room[(entriesAt + (names.Added * 8))..]);
            MemoryMarshal.AsBytes(added[..names.Added]).CopyTo(room[entriesAt..]);
        }
        entry[..writer.Length].CopyTo(room[(grown - writer.Length)..]);
        if (count == 0) RecordHeader.WriteInt48(room[10..], 0);
        MemoryMarshal.Write(room, (ushort)(count + 1));
        MemoryMarshal.Write(room[2..], message.Id);
        if (message.Is(MessageFlags.Sent)) RecordHeader.WriteInt48(room[10..], message.ArrivalOffset);
        MemoryMarshal.Write(room[(NamesAt - 2)..], (ushort)(nameCount + names.Added));
        return grown;
    }

    private static void Write(
        ref RunWriter writer, ref NameAdder names, ReadOnlySpan<byte> room, int count, in Message message, ReadOnlySpan<ulong> mentions)
    {
        writer.Varint(count == 0 ? 0 : message.Id - LastIdOf(room));
        writer.Byte((byte)message.Flags);
        if (message.Is(MessageFlags.Sent))
        {
            writer.ZigZag(message.ArrivalOffset - (count == 0 ? 0 : RecordHeader.ReadInt48(room[10..])));
            if (!message.Is(MessageFlags.Deleted)) writer.Varint(names.IndexOf(message.Author));
        }
        if (message.Is(MessageFlags.Edited)) writer.U64(message.EditEventId);
        if (message.Is(MessageFlags.InThread)) writer.Varint(names.IndexOf(message.Thread));
        if (!message.Is(MessageFlags.Mentions)) return;
        if (message.MentionRecords != 0)
        {
            writer.Varint(0);
            writer.U32(message.MentionNumber);
            writer.U16(message.MentionRecords);
            return;
        }
        writer.Varint((ulong)mentions.Length);
        foreach (var user in mentions) writer.Varint(names.IndexOf(user));
    }

    private ref struct NameAdder(ReadOnlySpan<ulong> known, Span<ulong> added)
    {
        private readonly ReadOnlySpan<ulong> known = known;
        private readonly Span<ulong> added = added;

        public int Added { get; private set; }

        public ulong IndexOf(ulong name)
        {
            var index = known.IndexOf(name);
            if (index >= 0) return (ulong)index;
            index = added[..Added].IndexOf(name);
            if (index < 0)
            {
                index = Added;
                added[Added++] = name;
            }
            return (ulong)(known.Length + index);
        }
    }
}
