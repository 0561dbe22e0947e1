using System.Buffers.Binary;
using System.Globalization;
using ReadStateStream.Fold;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Contracts.Snapshot;

/// <summary>Rows, marks and short ways to ship and read them.</summary>
public static class SnapshotSamples
{
    public static readonly AnswerSettings Answers = new(new PolicyOptions { Window = 77, CountKinds = [MessageKind.Notice] }, 1_420_070_400_000, 8192);

    /// <summary>Of the test that runs.</summary>
    public static CancellationToken Token => Xunit.TestContext.Current.CancellationToken;

    public static LineageIdentity Identity(string topic = "topic-a") => new(topic, 8, 1, "window=77");

    public static SnapshotMark Mark(long position, ulong hash = 0) =>
        new(position, new RecordFingerprint(hash == 0 ? Key16.Mix((ulong)position) : hash, 1_000 + position), 2_000 + position);

    /// <summary>A value that tells its offset, so that rows can be told apart.</summary>
    public static byte[] Value(long offset, int length = 44)
    {
        var value = new byte[length];
        for (var i = 0; i < length; i++) value[i] = (byte)(i * 31 + offset);
        BinaryPrimitives.WriteInt64LittleEndian(value, offset);
        return value;
    }

    public static SnapshotRow State(ulong user, ulong channel, long offset, int length = 44)
    {
        var key = Key16.ReadState(user, channel);
        return new SnapshotRow(key, key, offset, Value(offset, length));
    }

    public static SnapshotRow Part(ulong channel, SubKind kind, uint number, long offset, int length = 44) =>
        new(Key16.OfChannel(channel, SubKind.ChannelRecord), Key16.OfChannel(channel, kind, number), offset, Value(offset, length));

    public static SnapshotRow OfUser(ulong user, SubKind kind, uint number, long offset) =>
        new(Key16.OfUser(user, kind), Key16.OfUser(user, kind, number), offset, Value(offset));

    public static SnapshotRow Thread(ulong user, ulong channel, ulong root, long offset) =>
        new(Key16.ReadState(user, channel), Key16.Thread(user, channel, root), offset, Value(offset));

    public static SnapshotRow Dropped(this in SnapshotRow row, long offset) => row with { Offset = offset, Value = default };

    /// <summary>Ships rows, each root by a call of its own.</summary>
    public static async Task ShipAsync(this ISnapshotStore store, SnapshotPartition partition, long since, long target, params SnapshotRow[] rows)
    {
        await using var ship = await store.BeginShipAsync(partition, since, Mark(target), Token);
        await ship.WriteAllAsync(rows);
        await ship.CompleteAsync(default);
    }

    public static async Task WriteAllAsync(this IShipment ship, params SnapshotRow[] rows)
    {
        foreach (var aggregate in rows.GroupBy(static row => row.Root)) await ship.WriteAsync([.. aggregate], Token);
    }

    public static async Task<Dictionary<Key16, SnapshotRow>> ReadAllAsync(this ISnapshotStore store, SnapshotPartition partition)
    {
        Dictionary<Key16, SnapshotRow> rows = [];
        await foreach (var row in store.ReadPartitionAsync(partition, 0, Token)) rows.Add(row.Key, row);
        return rows;
    }

    /// <summary>Rows as text, to be compared.</summary>
    public static string Describe(IEnumerable<SnapshotRow> rows) => string.Join('\n', rows
        .Select(row => string.Create(CultureInfo.InvariantCulture,
            $"{row.Root.A:x}.{row.Root.B:x} {row.Key.A:x}.{row.Key.B:x} @{row.Offset} {Convert.ToHexString(row.Value.Span)}"))
        .Order(StringComparer.Ordinal));

    public static async Task<string> DescribeAsync(this ISnapshotStore store, SnapshotPartition partition) =>
        Describe((await store.ReadAllAsync(partition)).Values);
}
