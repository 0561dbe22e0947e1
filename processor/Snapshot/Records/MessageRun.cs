// A run of messages in ascending order of id: the tail of a channel's record, or a block.
// Layout:
//   count u16 | where count > 0: last id u64 | arrival offset of the last one sent i48 | names u16 | names u64 each |
//   a message each: id delta varint | flags u8 | where sent: arrival delta zigzag varint |
//   where sent and not deleted: author (name index varint) | where edited: event id u64 |
//   where in a thread: root (name index varint) | where it mentions: count varint, name indices;
//   count 0: first number u32, records u16 (the users lie in numbered records of the channel)
// Names are the users and thread roots met in the run, each once. A delta is to the message before (of the
// first: 0); absolute is the last, so that a message is appended without reading those before it (RunAppender).
//
// Invariants: ids ascend strictly; mentions of a message ascend; 1 <= mentions <= MaxInlineMentions.
using ReadStateStream.Fold;

namespace ReadStateStream.Snapshot.Records;

/// <summary>Messages as plain values with the users they name, decoded and encoded; used again, one thread at a time.</summary>
public sealed class MessageRun
{
    /// <summary>More users than this named by one message go to numbered records.</summary>
    public const int MaxInlineMentions = 64;

    private Message[] items = new Message[160];
    private ulong[] mentions = new ulong[512];
    private ulong[] names = new ulong[256];
    private int mentionCount;

    public int Count { get; private set; }

    public ref Message this[int index] => ref items[index];

    public Span<Message> Items => items.AsSpan(0, Count);

    /// <summary>Users named by a message of this run whose mentions lie beside it.</summary>
    public ReadOnlySpan<ulong> MentionsOf(in Message message) => mentions.AsSpan(message.MentionStart, message.MentionCount);

    public void Clear()
    {
        Count = 0;
        mentionCount = 0;
    }

    /// <summary>Index of a message, or the complement of where it belongs.</summary>
    public int Find(ulong id)
    {
        // The newest is looked for most often.
        if (Count == 0 || items[Count - 1].Id < id) return ~Count;
        int low = 0, high = Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >> 1;
            var at = items[middle].Id;
            if (at == id) return middle;
            if (at < id) low = middle + 1;
            else high = middle - 1;
        }
        return ~low;
    }

    /// <summary>Puts in a message of this id with nothing known of it.</summary>
    public ref Message Insert(int index, ulong id)
    {
        if (Count == items.Length) Array.Resize(ref items, Count * 2);
        items.AsSpan(index, Count - index).CopyTo(items.AsSpan(index + 1));
        Count++;
        items[index] = new Message { Id = id };
        return ref items[index];
    }

    /// <summary>Replaces whom a message names by a list beside it (at most MaxInlineMentions).</summary>
    public void SetMentions(ref Message message, ReadOnlySpan<ulong> users)
    {
        message.MentionRecords = 0;
        message.MentionCount = users.Length;
        message.MentionStart = mentionCount;
        message.Flags = users.IsEmpty ? message.Flags & ~MessageFlags.Mentions : message.Flags | MessageFlags.Mentions;
        AddMentions(users);
    }

    /// <summary>Takes over a message of another run, at the end.</summary>
    public void Append(MessageRun from, in Message message)
    {
        ref var taken = ref Insert(Count, message.Id);
        taken = message;
        if (message.MentionRecords != 0) return;
        taken.MentionStart = mentionCount;
        AddMentions(from.MentionsOf(message));
    }

    public void RemoveRange(int index, int count)
    {
        items.AsSpan(index + count, Count - index - count).CopyTo(items.AsSpan(index));
        Count -= count;
    }

    /// <summary>Reads a run; returns the bytes read.</summary>
    public int Decode(ReadOnlySpan<byte> source)
    {
        Clear();
        var reader = new RunReader(source);
        var count = reader.U16();
        if (count == 0) return reader.At;
        if (items.Length < count) items = new Message[count * 2];
        var lastId = reader.U64();
        var lastArrival = reader.Int48();
        var table = reader.Names();
        ulong id = 0;
        long arrival = 0;
        for (var i = 0; i < count; i++)
        {
            ref var message = ref items[i];
            message = default;
            id += reader.Varint();
            message.Id = id;
            var flags = message.Flags = (MessageFlags)reader.Byte();
            if ((flags & MessageFlags.Sent) != 0)
            {
                arrival += reader.ZigZag();
                message.ArrivalOffset = arrival;
                if ((flags & MessageFlags.Deleted) == 0) message.Author = table[(int)reader.Varint()];
            }
            if ((flags & MessageFlags.Edited) != 0) message.EditEventId = reader.U64();
            if ((flags & MessageFlags.InThread) != 0) message.Thread = table[(int)reader.Varint()];
            if ((flags & MessageFlags.Mentions) != 0) DecodeMentions(ref reader, ref message, table);
        }
        // So far both are relative to the first; the last is known.
        foreach (ref var message in items.AsSpan(0, count))
        {
            message.Id += lastId - id;
            if ((message.Flags & MessageFlags.Sent) != 0) message.ArrivalOffset += lastArrival - arrival;
        }
        Count = count;
        return reader.At;
    }

    /// <summary>Writes the run; returns the bytes written, or -1 where the target is too small.</summary>
    public int Encode(Span<byte> target)
    {
        var writer = new RunWriter(target);
        writer.U16((ushort)Count);
        if (Count == 0) return writer.Length;
        var nameCount = CollectNames();
        var (offset, lastArrival) = ArrivalEnds();
        writer.U64(items[Count - 1].Id);
        writer.Int48(lastArrival);
        writer.U16((ushort)nameCount);
        writer.U64s(names.AsSpan(0, nameCount));
        var id = items[0].Id;
        var table = names.AsSpan(0, nameCount);
        for (var i = 0; i < Count; i++)
        {
            ref readonly var message = ref items[i];
            writer.Varint(message.Id - id);
            id = message.Id;
            writer.Byte((byte)message.Flags);
            if (message.Is(MessageFlags.Sent))
            {
                writer.ZigZag(message.ArrivalOffset - offset);
                offset = message.ArrivalOffset;
                if (!message.Is(MessageFlags.Deleted)) writer.Varint((ulong)table.IndexOf(message.Author));
            }
            if (message.Is(MessageFlags.Edited)) writer.U64(message.EditEventId);
            if (message.Is(MessageFlags.InThread)) writer.Varint((ulong)table.IndexOf(message.Thread));
            if (message.Is(MessageFlags.Mentions)) EncodeMentions(ref writer, message, table);
            if (writer.Overflown) return -1;
        }
        return writer.Length;
    }

    /// <summary>Id of the nth message sent (from 1, from the lowest id); 0: there are fewer.</summary>
    public ulong NthSent(int n)
    {
        foreach (ref readonly var message in Items)
            if (message.Is(MessageFlags.Sent) && --n == 0)
                return message.Id;
        return 0;
    }

    /// <summary>Index of the lowest edit or delete that waits for its message; -1: none.</summary>
    public int FirstWaiting()
    {
        for (var i = 0; i < Count; i++)
            if (!items[i].Is(MessageFlags.Sent))
                return i;
        return -1;
    }

    private void AddMentions(ReadOnlySpan<ulong> users)
    {
        if (mentions.Length < mentionCount + users.Length)
            Array.Resize(ref mentions, Math.Max(mentions.Length * 2, mentionCount + users.Length));
        users.CopyTo(mentions.AsSpan(mentionCount));
        mentionCount += users.Length;
    }

    private void DecodeMentions(ref RunReader reader, ref Message message, NameTable table)
    {
        var count = (int)reader.Varint();
        if (count == 0)
        {
            message.MentionNumber = reader.U32();
            message.MentionRecords = reader.U16();
            return;
        }
        if (mentions.Length < mentionCount + count) Array.Resize(ref mentions, Math.Max(mentions.Length * 2, mentionCount + count));
        message.MentionStart = mentionCount;
        message.MentionCount = count;
        for (var i = 0; i < count; i++) mentions[mentionCount++] = table[(int)reader.Varint()];
    }

    private void EncodeMentions(ref RunWriter writer, in Message message, Span<ulong> table)
    {
        if (message.MentionRecords != 0)
        {
            writer.Varint(0);
            writer.U32(message.MentionNumber);
            writer.U16(message.MentionRecords);
            return;
        }
        writer.Varint((ulong)message.MentionCount);
        foreach (var user in MentionsOf(message)) writer.Varint((ulong)table.IndexOf(user));
    }

    private int CollectNames()
    {
        var count = 0;
        for (var i = 0; i < Count; i++)
        {
            ref readonly var message = ref items[i];
            if ((message.Flags & (MessageFlags.Sent | MessageFlags.Deleted)) == MessageFlags.Sent) AddName(message.Author, ref count);
            if (message.Is(MessageFlags.InThread)) AddName(message.Thread, ref count);
            if (!message.Is(MessageFlags.Mentions) || message.MentionRecords != 0) continue;
            foreach (var user in MentionsOf(message)) AddName(user, ref count);
        }
        return count;
    }

    private void AddName(ulong name, ref int count)
    {
        if (names.AsSpan(0, count).Contains(name)) return;
        if (count == names.Length) Array.Resize(ref names, count * 2);
        names[count++] = name;
    }

    /// <summary>Arrival offsets of the first and of the last message sent; 0 where none is.</summary>
    private (long First, long Last) ArrivalEnds()
    {
        long first = -1, last = 0;
        foreach (ref readonly var message in Items)
        {
            if (!message.Is(MessageFlags.Sent)) continue;
            if (first < 0) first = message.ArrivalOffset;
            last = message.ArrivalOffset;
        }
        return (Math.Max(0, first), last);
    }
}
