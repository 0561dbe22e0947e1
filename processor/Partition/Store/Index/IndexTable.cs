// Where FASTER's hash index lies. 2.6.5 tells nobody: its fields are read by reflection, once, and this is the one
// place that knows them. Where a field is named otherwise, there is no table, and what needs one does without.
//
// Layout (FASTER 2.6.5): lines of 64 bytes, 7 entries and in the eighth word the number of the next line of the chain,
// 0 at its end; further lines lie in pages of 2^16. An entry: bit 63 tentative, 14 bits of tag above 48 of address.
using System.Reflection;
using FASTER.core;

namespace ReadStateStream.Partition.Store;

/// <summary>The hash index of a store, as it lies in memory.</summary>
internal sealed unsafe class IndexTable
{
    /// <summary>Entries of a line; the word behind them is the number of the chain's next line.</summary>
    public const int EntriesOfLine = 7;

    /// <summary>Bytes of a line.</summary>
    public const int LineBytes = 64;

    /// <summary>Bits of an entry's address; above them is its tag.</summary>
    public const int AddressBits = 48;

    /// <summary>The address in an entry, or the number in a line's last word.</summary>
    public const ulong AddressMask = (1UL << AddressBits) - 1;

    /// <summary>Bits of a tag: the highest of a key's hash.</summary>
    public const int TagBits = 14;

    /// <summary>Further lines are numbered from here on: FASTER keeps the first ones to itself.</summary>
    public const int FirstFurtherLine = 16;

    /// <summary>Binary logarithm of the lines of a page of further lines.</summary>
    public const int FurtherPageBits = 16;

    private const ulong TagMask = (1UL << TagBits) - 1;
    private const ulong Tentative = 1UL << 63;
    private const int FurtherPageMask = (1 << FurtherPageBits) - 1;

    private readonly nint[] furtherPages;

    private IndexTable(byte* lines, long count, nint[] furtherPages)
    {
        Lines = lines;
        Count = count;
        this.furtherPages = furtherPages;
    }

    /// <summary>The first lines of all chains.</summary>
    public byte* Lines { get; }

    /// <summary>Number of them, a power of two.</summary>
    public long Count { get; }

    /// <summary>The index of this store; null where FASTER's fields are not found.</summary>
    public static IndexTable? Of(FasterKV<Key16, SpanByte> faster)
    {
        var table = (Field(faster, "state") as Array)?.GetValue(0);
        return Field(table, "tableAligned") is Pointer lines && Field(table, "size_mask") is long mask
               && Field(Field(faster, "overflowBucketsAllocator"), "pointers") is nint[] pages
            ? new IndexTable((byte*)Pointer.Unbox(lines), mask + 1, pages) : null;
    }

    /// <summary>The value of a field of an object or of what it derives from; null where there is none.</summary>
    public static object? Field(object? owner, string name)
    {
        const BindingFlags declared = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly;
        for (var type = owner?.GetType(); type is not null; type = type.BaseType)
            if (type.GetField(name, declared) is { } field)
                return field.GetValue(owner);
        return null;
    }

    /// <summary>The first line of a hash's chain. Any thread.</summary>
    public ulong* LineOf(ulong hash) => (ulong*)(Lines + ((hash & ((ulong)Count - 1)) * LineBytes));

    /// <summary>
    /// Address of the newest record in the chain of a hash with its tag; 0 where the first line has none, since further
    /// lines are the writer's alone. Any thread.
    /// </summary>
    public long NewestOf(ulong hash)
    {
        var tag = hash >> (64 - TagBits);
        var line = LineOf(hash);
        for (var i = 0; i < EntriesOfLine; i++)
        {
            var entry = Volatile.Read(ref line[i]);
            if (((entry >> AddressBits) & TagMask) == tag && (entry & Tentative) == 0 && entry != 0) return (long)(entry & AddressMask);
        }
        return 0;
    }

    /// <summary>The line behind this one in its chain; null at the end. The writer.</summary>
    public ulong* Next(ulong* line)
    {
        var number = line[EntriesOfLine] & AddressMask;
        return number == 0 ? null : (ulong*)(furtherPages[number >> FurtherPageBits] + (nint)((number & FurtherPageMask) * LineBytes));
    }

    /// <summary>Lines that a chain of so many entries needs beside its first.</summary>
    public static int FurtherLinesOf(int entries) => entries <= EntriesOfLine ? 0 : (entries - 1) / EntriesOfLine;
}
