// A copy of the hash index, taken chain by chain between two batches while the writer goes on.
//
// Invariants:
// - A chain is copied whole, by the writer, which alone changes it: it is as it was at one moment. (Copied at two, it
//   might hold a tag twice: FASTER empties the entries of records that are gone, and fills them again elsewhere.)
// - Chains are of different moments. What changed in one after it was copied is a record above Start: whoever loads the
//   copy goes through the log from Start on, in order, and has the newest entry of every tag.
using System.Runtime.InteropServices;

namespace ReadStateStream.Partition.Store;

/// <summary>One pass over the index of a store. The writer, between two batches.</summary>
public sealed unsafe class IndexCapture
{
    /// <summary>The least length of what is copied into, bytes: the longest chain, of every tag there is, fits.</summary>
    public const int ChainBytesMax = CountBytesMax + ((1 << IndexTable.TagBits) * sizeof(ulong));

    /// <summary>What a count begins with that does not fit in a byte: two bytes follow.</summary>
    internal const byte LongCount = byte.MaxValue;

    private const int CountBytesMax = 1 + sizeof(ushort);
    private const ulong Tentative = 1UL << 63;

    private readonly IndexTable table;
    private readonly ulong begin;

    internal IndexCapture(IndexTable table, long begin, long start)
    {
        this.table = table;
        this.begin = (ulong)begin;
        Start = start;
    }

    /// <summary>Tail of the record log when it began.</summary>
    public long Start { get; }

    /// <summary>Chains of the index.</summary>
    public long Lines => table.Count;

    /// <summary>Chains copied so far.</summary>
    public long Next { get; private set; }

    /// <summary>Entries copied so far.</summary>
    public long Entries { get; private set; }

    /// <summary>Lines that the chains copied so far need beside their first ones.</summary>
    public long FurtherLines { get; private set; }

    /// <summary>All of it was copied.</summary>
    public bool IsComplete => Next == Lines;

    /// <summary>
    /// Copies the next chains: as many as asked for, as there are, or as there is room for. Of each, in their order: the
    /// number of its entries, in a byte or, behind 255, in two; the entries, 8 bytes each. All little-endian.
    /// </summary>
    /// <param name="destination">At least <see cref="ChainBytesMax"/> bytes.</param>
    /// <param name="lines">Chains to copy at most.</param>
    /// <returns>Bytes written.</returns>
    public int Copy(Span<byte> destination, int lines)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, ChainBytesMax);
        var written = 0;
        for (var end = Math.Min(Lines, Next + lines); Next < end && destination.Length - written >= ChainBytesMax; Next++)
        {
            var chain = destination[written..];
            var entries = CopyEntries((ulong*)(table.Lines + (Next * IndexTable.LineBytes)), chain);
            written += entries < LongCount ? sizeof(byte) + (entries * sizeof(ulong)) : Lengthen(chain, entries);
            Entries += entries;
            FurtherLines += IndexTable.FurtherLinesOf(entries);
        }
        return written;
    }

    /// <summary>Entries behind a count of one byte.</summary>
    private int CopyEntries(ulong* line, Span<byte> chain)
    {
        var count = 0;
        fixed (byte* place = &chain[1])
        {
            var target = (ulong*)place;
            for (; line is not null; line = table.Next(line))
                for (var i = 0; i < IndexTable.EntriesOfLine; i++)
                {
                    // What lies below the begin is free to FASTER; so is what no operation has finished.
                    var entry = line[i];
                    if ((entry & Tentative) != 0 || (entry & IndexTable.AddressMask) < begin) continue;
                    if (count == 1 << IndexTable.TagBits) throw new InvalidOperationException("a chain of the hash index holds a tag twice");
                    target[count++] = entry;
                }
        }
        chain[0] = (byte)Math.Min(count, LongCount);
        return count;
    }

    private static int Lengthen(Span<byte> chain, int entries)
    {
        chain.Slice(1, entries * sizeof(ulong)).CopyTo(chain[CountBytesMax..]);
        MemoryMarshal.Write(chain[1..], (ushort)entries);
        return CountBytesMax + (entries * sizeof(ulong));
    }
}
