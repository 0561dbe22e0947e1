// The directory of a channel's blocks: an array in ascending order of id, kept in numbered records of at
// most the store's record limit. Layout of a record after the common prefix: entries of 40 bytes:
//   last id u64 | least arrival offset i64 | filter of the users named, 128 bits | number u32 | messages u8 |
//   sent u8 | countable u8 | countable that mention everyone u8
//
// Invariants: last ids ascend strictly; sent <= messages <= MaxMessages; a block that no entry names is void.
using System.Runtime.InteropServices;
using ReadStateStream.Fold;

namespace ReadStateStream.Snapshot.Records;

/// <summary>What a count needs of a block without reading it. Its fields in memory are the record's bytes.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct BlockEntry
{
    /// <summary>Bytes of an entry.</summary>
    public const int Length = 40;

    /// <summary>Messages a block holds at most; sealed earlier where its bytes reach the record limit.</summary>
    public const int MaxMessages = 128;

    /// <summary>Least arrival where nothing is sent.</summary>
    public const long NoArrival = 1L << 47;

    public ulong LastId;
    /// <summary>Least arrival offset of its sent messages, or <see cref="NoArrival"/>.</summary>
    public long LeastArrival;
    public ulong Filter0;
    public ulong Filter1;
    public uint Number;
    public byte Messages;
    public byte Sent;
    public byte Countable;
    public byte Everyone;

    /// <summary>The entry of a block that holds this run.</summary>
    public static BlockEntry Of(MessageRun run, uint number)
    {
        var entry = new BlockEntry { Number = number, LeastArrival = NoArrival };
        foreach (ref readonly var message in run.Items) entry.Add(message, run.MentionsOf(message));
        return entry;
    }

    /// <summary>Takes in a message above those it has.</summary>
    public void Add(in Message message, ReadOnlySpan<ulong> mentions)
    {
        LastId = message.Id;
        Messages++;
        if (message.Is(MessageFlags.Sent))
        {
            Sent++;
            LeastArrival = Math.Min(LeastArrival, message.ArrivalOffset);
        }
        if (message.Counts)
        {
            Countable++;
            if (message.Is(MessageFlags.Everyone)) Everyone++;
        }
        if (message.MentionRecords != 0) Filter0 = Filter1 = ulong.MaxValue;
        else
            foreach (var user in mentions) AddName(user);
    }

    /// <summary>False: no message of the block names this user.</summary>
    public readonly bool MayName(ulong user)
    {
        var bits = Key16.Mix(user);
        return Has(bits & 127) && Has((bits >> 8) & 127);
    }

    private readonly bool Has(ulong bit) => ((bit < 64 ? Filter0 : Filter1) & (1UL << (int)(bit & 63))) != 0;

    private void AddName(ulong user)
    {
        var bits = Key16.Mix(user);
        Add(bits & 127);
        Add((bits >> 8) & 127);
    }

    private void Add(ulong bit)
    {
        if (bit < 64) Filter0 |= 1UL << (int)bit;
        else Filter1 |= 1UL << (int)(bit - 64);
    }
}

/// <summary>The entries of a channel, decoded; used again, one thread at a time.</summary>
public sealed class BlockDirectory
{
    private BlockEntry[] entries = new BlockEntry[128];

    public int Count { get; private set; }

    public ref BlockEntry this[int index] => ref entries[index];

    public ReadOnlySpan<BlockEntry> Entries => entries.AsSpan(0, Count);

    public void Clear() => Count = 0;

    /// <summary>Entries a record of so many bytes holds.</summary>
    public static int EntriesPerRecord(int recordBytes) => (recordBytes - RecordHeader.Length) / BlockEntry.Length;

    /// <summary>Index of the block that holds an id or would: the first whose last id is not below it; Count: none.</summary>
    public int IndexOf(ulong id)
    {
        int low = 0, high = Count;
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (entries[middle].LastId < id) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    public void Insert(int index, in BlockEntry entry)
    {
        if (Count == entries.Length) Array.Resize(ref entries, Count * 2);
        entries.AsSpan(index, Count - index).CopyTo(entries.AsSpan(index + 1));
        entries[index] = entry;
        Count++;
    }

    public void RemoveRange(int index, int count)
    {
        entries.AsSpan(index + count, Count - index - count).CopyTo(entries.AsSpan(index));
        Count -= count;
    }

    /// <summary>Appends the entries of one record.</summary>
    public void DecodeRecord(ReadOnlySpan<byte> value)
    {
        var used = RecordHeader.Used(value);
        if (used == 0) return;
        var added = MemoryMarshal.Cast<byte, BlockEntry>(value[RecordHeader.Length..used]);
        if (entries.Length < Count + added.Length) Array.Resize(ref entries, Math.Max(entries.Length * 2, Count + added.Length));
        added.CopyTo(entries.AsSpan(Count));
        Count += added.Length;
    }

    /// <summary>Writes a range of entries as one record; returns the bytes used.</summary>
    public int EncodeRecord(int first, int count, long applied, Span<byte> value)
    {
        var used = RecordHeader.Length + (count * BlockEntry.Length);
        MemoryMarshal.AsBytes(Entries.Slice(first, count)).CopyTo(value[RecordHeader.Length..]);
        RecordHeader.Write(value, applied, used);
        return used;
    }
}
