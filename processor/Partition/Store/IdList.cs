// Changes lists of ids (layout and invariants: IdListRecord).
using System.Runtime.InteropServices;

namespace ReadStateStream.Partition.Store;

/// <summary>Lists of ids in chunks, each an aggregate of its own.</summary>
public sealed class IdList(StateStore store, SubKind subKind, bool hasValues)
{
    private readonly byte[] chunk = new byte[store.MaxValueBytes];
    private readonly byte[] root = new byte[store.MaxValueBytes];

    private int EntryLength => hasValues ? 16 : 8;

    /// <summary>
    /// Adds an id, or changes its value where <paramref name="replaces"/> says so of the old one. No-op at or below
    /// the applied offset. True where the list now holds an id more.
    /// </summary>
    public bool Set(ulong user, ulong id, ulong value, long offset, Func<ulong, ulong, bool>? replaces = null)
    {
        var chunks = LoadRoot(user);
        if (RecordHeader.Applied(root) >= offset) return false;
        for (var number = 0; number < chunks; number++)
        {
            Load(user, number);
            var at = IndexOf(id);
            if (at < 0) continue;
            if (!hasValues || replaces is null || !replaces(IdListRecord.ValueAt(chunk, at), value)) return false;
            MemoryMarshal.Write(chunk.AsSpan(at + 8), value);
            Save(user, number, offset);
            return false;
        }
        Append(user, chunks, id, value, offset);
        return true;
    }

    /// <summary>Ids that the list holds.</summary>
    public int Count(ulong user)
    {
        var count = 0;
        for (int number = 0, chunks = LoadRoot(user); number < chunks; number++)
        {
            Load(user, number);
            count += IdListRecord.EntriesOf(chunk);
        }
        return count;
    }

    /// <summary>Takes an id out; false where it is not there, or at or below the applied offset.</summary>
    public bool Remove(ulong user, ulong id, long offset)
    {
        var chunks = LoadRoot(user);
        if (RecordHeader.Applied(root) >= offset) return false;
        for (var number = 0; number < chunks; number++)
        {
            Load(user, number);
            var at = IndexOf(id);
            if (at < 0) continue;
            var last = IdListRecord.FixedLength + ((IdListRecord.EntriesOf(chunk) - 1) * EntryLength);
            chunk.AsSpan(last, EntryLength).CopyTo(chunk.AsSpan(at));
            SetEntries(chunk, IdListRecord.EntriesOf(chunk) - 1);
            Save(user, number, offset);
            return true;
        }
        return false;
    }

    private static void SetEntries(Span<byte> value, int entries) =>
        MemoryMarshal.Write(value[(RecordHeader.Length + 2)..], checked((ushort)entries));

    private int LoadRoot(ulong user)
    {
        Copy(store.Read(Key16.OfUser(user, subKind)), root);
        return IdListRecord.ChunksOf(root);
    }

    private void Load(ulong user, int number)
    {
        if (number == 0) root.CopyTo(chunk, 0);
        else Copy(store.Read(Key16.OfUser(user, subKind, (uint)number)), chunk);
    }

    private static void Copy(ReadOnlySpan<byte> value, byte[] target)
    {
        target.AsSpan().Clear();
        value.CopyTo(target);
    }

    private int IndexOf(ulong id)
    {
        var end = IdListRecord.FixedLength + (IdListRecord.EntriesOf(chunk) * EntryLength);
        for (var at = IdListRecord.FixedLength; at < end; at += EntryLength)
            if (MemoryMarshal.Read<ulong>(chunk.AsSpan(at)) == id)
                return at;
        return -1;
    }

    private void Append(ulong user, int chunks, ulong id, ulong value, long offset)
    {
        var number = Math.Max(0, chunks - 1);
        Load(user, number);
        if (IdListRecord.FixedLength + ((IdListRecord.EntriesOf(chunk) + 1) * EntryLength) > chunk.Length)
        {
            number++;
            chunk.AsSpan().Clear();
        }
        var entries = IdListRecord.EntriesOf(chunk);
        var at = IdListRecord.FixedLength + (entries * EntryLength);
        MemoryMarshal.Write(chunk.AsSpan(at), id);
        if (hasValues) MemoryMarshal.Write(chunk.AsSpan(at + 8), value);
        SetEntries(chunk, entries + 1);
        var chunksNow = (ushort)Math.Max(chunks, number + 1);
        if (number == 0) MemoryMarshal.Write(chunk.AsSpan(RecordHeader.Length), chunksNow);
        else MemoryMarshal.Write(root.AsSpan(RecordHeader.Length), chunksNow);
        Save(user, number, offset);
    }

    private void Save(ulong user, int number, long offset)
    {
        if (number != 0) Write(user, 0, root, offset);
        Write(user, number, chunk, offset);
    }

    private void Write(ulong user, int number, byte[] value, long offset)
    {
        var used = IdListRecord.FixedLength + (MemoryMarshal.Read<ushort>(value.AsSpan(RecordHeader.Length + 2)) * EntryLength);
        RecordHeader.Write(value, offset, used);
        value.AsSpan(0, used).CopyTo(store.Scratch);
        store.Replace(
            Key16.OfUser(user, subKind, (uint)number), used, Math.Min(store.MaxValueBytes, RecordHeader.CapacityFor(used)));
    }
}
