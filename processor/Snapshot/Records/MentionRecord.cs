// Users named by one message where they are too many for a run: spread over numbered records of the
// channel by hash, so that "does it name U" reads one of them. Layout after the common prefix: users u64, ascending.
using System.Runtime.InteropServices;

namespace ReadStateStream.Snapshot.Records;

/// <summary>Records of mentions.</summary>
public static class MentionRecord
{
    /// <summary>Users a record of so many bytes holds.</summary>
    public static int Capacity(int valueBytes) => (valueBytes - RecordHeader.Length) / sizeof(ulong);

    /// <summary>Which of the records holds a user.</summary>
    public static int BucketOf(ulong user, int records) => (int)(Key16.Mix(user) % (uint)records);

    /// <summary>The least number of records of which none overflows; depends on the users alone.</summary>
    public static int RecordsFor(ReadOnlySpan<ulong> users, int perRecord)
    {
        Span<int> counts = stackalloc int[1024];
        for (var records = (users.Length + perRecord - 1) / perRecord; records <= counts.Length; records++)
            if (Fits(users, counts[..records], perRecord))
                return records;
        throw new InvalidOperationException($"{users.Length} mentions do not fit {counts.Length} records of {perRecord}");
    }

    /// <summary>Writes one record; returns the bytes used.</summary>
    public static int Encode(ReadOnlySpan<ulong> users, int bucket, int records, long applied, Span<byte> value)
    {
        var at = RecordHeader.Length;
        foreach (var user in users)
        {
            if (BucketOf(user, records) != bucket) continue;
            MemoryMarshal.Write(value[at..], user);
            at += sizeof(ulong);
        }
        RecordHeader.Write(value, applied, at);
        return at;
    }

    /// <summary>The user is in this record.</summary>
    public static bool Names(ReadOnlySpan<byte> value, ulong user) =>
        MemoryMarshal.Cast<byte, ulong>(value[RecordHeader.Length..RecordHeader.Used(value)]).BinarySearch(user) >= 0;

    private static bool Fits(ReadOnlySpan<ulong> users, Span<int> counts, int perRecord)
    {
        counts.Clear();
        foreach (var user in users)
            if (++counts[BucketOf(user, counts.Length)] > perRecord)
                return false;
        return true;
    }
}
