// The directory of a channel's blocks: an array in ascending order of id, kept in numbered records of at
// most the store's record limit. Layout of a record after the common prefix: entries of 38 bytes:
//   last id u64 | least arrival offset i48 | number u32 | messages u8 | sent u8 | countable u8 |
//   countable that mention everyone u8 | filter of the users named, 128 bits
//
// Invariants: last ids ascend strictly; sent <= messages <= MaxMessages; a block that no entry names is void.
using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Store;

/// <summary>What a count needs of a block without reading it.</summary>
public struct BlockEntry
{
    /// <summary>Bytes of an entry.</summary>
    public const int Length = 38;

    /// <summary>Messages a block holds at most; sealed earlier where its bytes reach the record limit.</summary>
    public const int MaxMessages = 128;

    public ulong LastId;
    /// <summary>Least arrival offset of its sent messages; 2^47 where none is sent.</summary>
    public long LeastArrival;
    public uint Number;
    public byte Messages;
    public byte Sent;
    public byte Countable;
    public byte Everyone;
    public ulong Filter0;
    public ulong Filter1;

    public const long NoArrival = 1L << 47;

    /// <summary>The entry of a block that holds this run.</summary>
    public static BlockEntry Of(MessageRun run, uint number)
    {
        var entry = new BlockEntry
        {
            LastId = run[run.Count - 1].Id, Number = number, Messages = (byte)run.Count, LeastArrival = NoArrival,
        };
        foreach (ref readonly var message in run.Items)
        {
            if (message.Is(MessageFlags.Sent))
            {
                entry.Sent++;
                entry.LeastArrival = Math.Min(entry.LeastArrival, message.ArrivalOffset);
            }
            if (message.Counts)
            {
                entry.Countable++;
                if (message.Is(MessageFlags.Everyone)) entry.Everyone++;
            }
            if (message.MentionRecords != 0) entry.Filter0 = entry.Filter1 = ulong.MaxValue;
            else
                foreach (var user in run.MentionsOf(message)) entry.AddName(user);
        }
        return entry;
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
        for (var at = RecordHeader.Length; at < used; at += BlockEntry.Length)
        {
            var reader = new RunReader(value.Slice(at, BlockEntry.Length));
            var entry = new BlockEntry
            {
                LastId = reader.U64(), LeastArrival = reader.Int48(), Number = reader.U32(), Messages = reader.Byte(),
                Sent = reader.Byte(), Countable = reader.Byte(), Everyone = reader.Byte(), Filter0 = reader.U64(), Filter1 = reader.U64(),
            };
            Insert(Count, entry);
        }
    }

    /// <summary>Writes a range of entries as one record; returns the bytes used.</summary>
    public int EncodeRecord(int first, int count, long applied, Span<byte> value)
    {
        var used = RecordHeader.Length + (count * BlockEntry.Length);
        var writer = new RunWriter(value[RecordHeader.Length..used]);
        foreach (ref readonly var entry in Entries.Slice(first, count))
        {
            writer.U64(entry.LastId);
            writer.Int48(entry.LeastArrival);
            writer.U32(entry.Number);
            writer.Byte(entry.Messages);
            writer.Byte(entry.Sent);
            writer.Byte(entry.Countable);
            writer.Byte(entry.Everyone);
            writer.U64(entry.Filter0);
            writer.U64(entry.Filter1);
        }
        RecordHeader.Write(value, applied, used);
        return used;
    }
}
