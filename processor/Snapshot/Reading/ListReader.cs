using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot.Reading;

/// <summary>Reads the lists of users.</summary>
public static class ListReader
{
    /// <summary>Appends the ids of a list; of blocks those that are on.</summary>
    public static void Read(IRecordSource records, ulong user, SubKind subKind, bool blocksOnly, List<ulong> ids)
    {
        var root = records.Read(Key16.OfUser(user, subKind));
        var chunks = IdListRecord.ChunksOf(root);
        Add(root, blocksOnly, ids);
        for (var number = 1; number < chunks; number++)
            Add(records.Read(Key16.OfUser(user, subKind, (uint)number)), blocksOnly, ids);
    }

    private static void Add(ReadOnlySpan<byte> chunk, bool blocksOnly, List<ulong> ids)
    {
        var entries = IdListRecord.EntriesOf(chunk);
        for (var i = 0; i < entries; i++)
            if (!blocksOnly || IdListRecord.IsBlockOn(IdListRecord.ValueOf(chunk, i)))
                ids.Add(IdListRecord.IdOf(chunk, i, hasValues: blocksOnly));
    }
}
