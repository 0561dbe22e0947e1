// A channel's own record: what is known of it, and its newest messages (the tail).
// Layout after the common prefix: flags u16 | head u64 | then where the flag is set:
//   kind u8 and its event id u64 | floor u64 | greatest lost id u64 |
//   blocks: count u32, sent messages in them u32, greatest id in them u64 | waiting u32 | next number u32 |
//   then the tail, a MessageRun.
//
// Invariants:
// - Every id in the blocks lies below every id in the tail.
// - The head never moves back. Deleted is final, and a deleted channel holds nothing else.
// - Tail and blocks hold at least the window's ids and the greatest that left it (where it has left): the
//   window is the newest of what is held, so nothing needs to be moved when a message enters.
using System.Runtime.InteropServices;
using ReadStateStream.Fold;

namespace ReadStateStream.Snapshot.Records;

/// <summary>A channel as plain values; used again, one thread at a time.</summary>
public sealed class ChannelRecord
{
    [Flags]
    internal enum Part : ushort { Deleted = 1, Kind = 2, Floor = 4, Lost = 8, Blocks = 16, Waiting = 32, Numbers = 64 }

    public long Applied { get; set; } = -1;
    public bool Deleted { get; set; }
    public ChannelKind Kind { get; set; }
    public ulong KindEventId { get; set; }
    /// <summary>Greatest id ever sent; 0: none.</summary>
    public ulong Head { get; set; }
    /// <summary>Ids below are gone for good; 0: none was purged.</summary>
    public ulong Floor { get; set; }
    /// <summary>Greatest id whose waiting edit or delete was given up beyond the bound; 0: none.</summary>
    public ulong Lost { get; set; }
    public int BlockCount { get; set; }
    /// <summary>Messages sent that lie in blocks.</summary>
    public int BlockSent { get; set; }
    /// <summary>Greatest id in the blocks; 0: none.</summary>
    public ulong BlockLastId { get; set; }
    /// <summary>Edits and deletes that wait for their message, in tail and blocks.</summary>
    public int Waiting { get; set; }
    /// <summary>Next number for a block or a mentions record of this channel.</summary>
    public uint NextNumber { get; set; }

    public MessageRun Tail { get; } = new();

    public int TailSent
    {
        get
        {
            var sent = 0;
            foreach (ref readonly var message in Tail.Items)
                if (message.Is(MessageFlags.Sent)) sent++;
            return sent;
        }
    }

    public void Decode(ReadOnlySpan<byte> value)
    {
        Reset();
        if (RecordHeader.Used(value) == 0) return;
        Applied = RecordHeader.Applied(value);
        var reader = new RunReader(value[RecordHeader.Length..]);
        var parts = (Part)reader.U16();
        Head = reader.U64();
        Deleted = (parts & Part.Deleted) != 0;
        if ((parts & Part.Kind) != 0)
        {
            Kind = (ChannelKind)reader.Byte();
            KindEventId = reader.U64();
        }
        if ((parts & Part.Floor) != 0) Floor = reader.U64();
        if ((parts & Part.Lost) != 0) Lost = reader.U64();
        if ((parts & Part.Blocks) != 0)
        {
            BlockCount = (int)reader.U32();
            BlockSent = (int)reader.U32();
            BlockLastId = reader.U64();
        }
        if ((parts & Part.Waiting) != 0) Waiting = (int)reader.U32();
        if ((parts & Part.Numbers) != 0) NextNumber = reader.U32();
        Tail.Decode(value[(RecordHeader.Length + reader.At)..]);
    }

    /// <summary>Writes the record; returns the bytes used, or -1 where the target is too small.</summary>
    public int Encode(Span<byte> value)
    {
        Part parts = 0;
        if (Deleted) parts |= Part.Deleted;
        if (KindEventId != 0) parts |= Part.Kind;
        if (Floor != 0) parts |= Part.Floor;
        if (Lost != 0) parts |= Part.Lost;
        if (BlockCount != 0) parts |= Part.Blocks;
        if (Waiting != 0) parts |= Part.Waiting;
        if (NextNumber != 0) parts |= Part.Numbers;
        if (value.Length < RecordHeader.Length) return -1;
        var writer = new RunWriter(value[RecordHeader.Length..]);
        writer.U16((ushort)parts);
        writer.U64(Head);
        if (KindEventId != 0)
        {
            writer.Byte((byte)Kind);
            writer.U64(KindEventId);
        }
        if (Floor != 0) writer.U64(Floor);
        if (Lost != 0) writer.U64(Lost);
        if (BlockCount != 0)
        {
            writer.U32((uint)BlockCount);
            writer.U32((uint)BlockSent);
            writer.U64(BlockLastId);
        }
        if (Waiting != 0) writer.U32((uint)Waiting);
        if (NextNumber != 0) writer.U32(NextNumber);
        if (writer.Overflown) return -1;
        var tail = Tail.Encode(value[(RecordHeader.Length + writer.Length)..]);
        if (tail < 0) return -1;
        var used = RecordHeader.Length + writer.Length + tail;
        RecordHeader.Write(value, Applied, used);
        return used;
    }

    /// <summary>Back to a channel of which nothing is known.</summary>
    public void Reset()
    {
        Applied = -1;
        Deleted = false;
        Kind = ChannelKind.Unspecified;
        KindEventId = Head = Floor = Lost = BlockLastId = 0;
        BlockCount = BlockSent = Waiting = 0;
        NextNumber = 0;
        Tail.Clear();
    }

    /// <summary>Keeps only that it was deleted (final) and its applied offset.</summary>
    public void MarkDeleted()
    {
        var applied = Applied;
        Reset();
        Applied = applied;
        Deleted = true;
    }
}
