// Layout of a read state's value, after the common prefix (RecordHeader):
//   flags u16 | membership event u64 | pointer u64 | newest read u64 | join offset + 1 i48
//   then, where the flag is set: bar u64 | greatest own u64 | mute event u64 | suppress event u64 |
//   main pointer u64 | clear count u32 | thread pointers (root u64, pointer u64) each
// 40 bytes without optional parts, so that a plain state fits the smallest class (72 bytes all-in), and
// any two 8-byte parts fit the next (96).
using System.Runtime.InteropServices;
using ReadStateStream.Fold;

namespace ReadStateStream.Snapshot.Records;

/// <summary>Read states to and from their records.</summary>
public static class ReadStateCodec
{
    /// <summary>The longest encoding, bytes.</summary>
    public const int MaxLength = FixedLength + (8 * 5) + 4 + (16 * InlineThreads.Capacity);

    private const int FixedLength = RecordHeader.Length + 2 + (8 * 3) + 6;
    private const int ThreadCountShift = 12;

    [Flags]
    private enum Part
    {
        Member = 1, MuteOn = 2, SuppressOn = 4, Bar = 8, Own = 16, Mute = 32, Suppress = 64, Main = 128, Clear = 256, Overflow = 512,
    }

    public static void Decode(ReadOnlySpan<byte> value, out ReadState state)
    {
        state = ReadState.Empty;
        if (RecordHeader.Used(value) == 0) return;
        var flags = MemoryMarshal.Read<ushort>(value[8..]);
        var parts = (Part)flags;
        state.Member = (parts & Part.Member) != 0;
        state.Mute.On = (parts & Part.MuteOn) != 0;
        state.Suppress.On = (parts & Part.SuppressOn) != 0;
        state.HasOverflow = (parts & Part.Overflow) != 0;
        state.MembershipEventId = MemoryMarshal.Read<ulong>(value[10..]);
        state.Pointer = MemoryMarshal.Read<ulong>(value[18..]);
        state.NewestReadEventId = MemoryMarshal.Read<ulong>(value[26..]);
        state.JoinOffset = RecordHeader.ReadInt48(value[34..]) - 1;
        var at = FixedLength;
        if ((parts & Part.Bar) != 0) state.Bar = Next(value, ref at);
        if ((parts & Part.Own) != 0) state.GreatestOwn = Next(value, ref at);
        if ((parts & Part.Mute) != 0) state.Mute.EventId = Next(value, ref at);
        if ((parts & Part.Suppress) != 0) state.Suppress.EventId = Next(value, ref at);
        if ((parts & Part.Main) != 0) state.MainPointer = Next(value, ref at);
        if ((parts & Part.Clear) != 0)
        {
            state.ClearCount = MemoryMarshal.Read<uint>(value[at..]);
            at += 4;
        }
        state.ThreadCount = flags >> ThreadCountShift;
        for (var i = 0; i < state.ThreadCount; i++)
            state.Threads[i] = new ThreadPointer { Root = Next(value, ref at), Pointer = Next(value, ref at) };
    }

    /// <summary>Bytes that the state takes, prefix included.</summary>
    public static int EncodedLength(in ReadState state)
    {
        var length = FixedLength + (16 * state.ThreadCount);
        if (state.Bar != 0) length += 8;
        if (state.GreatestOwn != 0) length += 8;
        if (state.Mute.EventId != 0) length += 8;
        if (state.Suppress.EventId != 0) length += 8;
        if (state.MainPointer != 0) length += 8;
        if (state.ClearCount != 0) length += 4;
        return length;
    }

    /// <summary>Writes the state; the target holds at least <see cref="EncodedLength"/> bytes.</summary>
    public static int Encode(in ReadState state, long applied, Span<byte> value)
    {
        Part parts = 0;
        if (state.Member) parts |= Part.Member;
        if (state.Mute.On) parts |= Part.MuteOn;
        if (state.Suppress.On) parts |= Part.SuppressOn;
        if (state.HasOverflow) parts |= Part.Overflow;
        Write(value, 10, state.MembershipEventId);
        Write(value, 18, state.Pointer);
        Write(value, 26, state.NewestReadEventId);
        RecordHeader.WriteInt48(value[34..], state.JoinOffset + 1);
        var at = FixedLength;
        Optional(value, ref at, state.Bar, Part.Bar, ref parts);
        Optional(value, ref at, state.GreatestOwn, Part.Own, ref parts);
        Optional(value, ref at, state.Mute.EventId, Part.Mute, ref parts);
        Optional(value, ref at, state.Suppress.EventId, Part.Suppress, ref parts);
        Optional(value, ref at, state.MainPointer, Part.Main, ref parts);
        if (state.ClearCount != 0)
        {
            parts |= Part.Clear;
            MemoryMarshal.Write(value[at..], state.ClearCount);
            at += 4;
        }
        for (var i = 0; i < state.ThreadCount; i++)
        {
            Write(value, at, state.Threads[i].Root);
            Write(value, at + 8, state.Threads[i].Pointer);
            at += 16;
        }
        MemoryMarshal.Write(value[8..], (ushort)((int)parts | (state.ThreadCount << ThreadCountShift)));
        RecordHeader.Write(value, applied, at);
        return at;
    }

    private static ulong Next(ReadOnlySpan<byte> value, ref int at)
    {
        var result = MemoryMarshal.Read<ulong>(value[at..]);
        at += 8;
        return result;
    }

    private static void Write(Span<byte> value, int at, ulong item) => MemoryMarshal.Write(value[at..], item);

    private static void Optional(Span<byte> value, ref int at, ulong item, Part part, ref Part parts)
    {
        if (item == 0) return;
        parts |= part;
        Write(value, at, item);
        at += 8;
    }
}
