using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Records;
using ReadStateStream.Unit.Partition;
using ChannelKind = ReadStateStream.Schemas.V1.ChannelKind;

namespace ReadStateStream.QueryApiTests;

/// <summary>Real partitions, stepped by the test, whose records are shipped to a <see cref="FakeSnapshotStore"/> when it says so.</summary>
internal sealed class ShippedTopic : IDisposable
{
    private readonly List<ChannelEvent> facts = [];
    private readonly PolicyOptions policy;
    private ulong lastEventId = 1_000;

    public ShippedTopic(int partitions, PolicyOptions? policy = null, long lineage = 300, string identity = "topic-1", FakeSnapshotStore? store = null)
    {
        (this.policy, Lineage) = (policy ?? new PolicyOptions(), lineage);
        Store = store ?? new FakeSnapshotStore();
        Product = new PartitionTester(this.policy, partitions);
        Store.AddLineage(lineage, identity, partitions, this.policy, Product.Stores[0].MaxValueBytes);
    }

    public FakeSnapshotStore Store { get; }
    public PartitionTester Product { get; }
    public long Lineage { get; }

    public int PartitionOf(ulong id) => Partitioner.PartitionOf(id, Product.Partitions.Count);

    public SnapshotPartition Of(int partition) => new(Lineage, partition);

    public SnapshotPartition Of(ulong id) => Of(PartitionOf(id));

    public ShippedTopic Add(ChannelEvent fact)
    {
        if (fact.EventId == 0) fact.EventId = ++lastEventId;
        facts.Add(fact);
        Product.Append(fact);
        return this;
    }

    public ShippedTopic Created(ulong channel, params ulong[] members) => Created(channel, ChannelKind.Guild, members);

    public ShippedTopic Created(ulong channel, ChannelKind kind, params ulong[] members) =>
        Add(new ChannelEvent { ChannelCreated = new ChannelCreated { ChannelId = channel, Kind = kind, MemberIds = { members } } });

    public ShippedTopic Sent(ulong channel, ulong id, ulong author, ulong thread = 0, params ulong[] named) => Add(new ChannelEvent
    {
        MessageSent = new MessageSent { ChannelId = channel, MessageId = id, AuthorId = author, ThreadRootId = thread, MentionedUserIds = { named } },
    });

    public ShippedTopic Blocked(ulong user, ulong other) =>
        Add(new ChannelEvent { UserBlocked = new UserBlocked { UserId = user, BlockedUserId = other, On = true } });

    /// <summary>Folds everything and ships it: rows and positions.</summary>
    public ShippedTopic Ship(long writtenUnixMs = 0)
    {
        ShipRows();
        for (var p = 0; p < Product.Partitions.Count; p++) Store.SetPosition(Of(p), Product.Partitions[p].Position, writtenUnixMs);
        return this;
    }

    /// <summary>As a ship that was abandoned before its position was written.</summary>
    public ShippedTopic ShipRows()
    {
        Product.Run();
        var universe = KeyUniverse.Of(facts);
        for (var p = 0; p < Product.Partitions.Count; p++) Store.Put(Of(p), Rows(Product.Stores[p], universe));
        return this;
    }

    /// <summary>Ships everything to another store, under a lineage of its own.</summary>
    public async Task ShipToAsync(ISnapshotStore other, CancellationToken cancellation)
    {
        Product.Run();
        var entry = (await Store.ListLineagesAsync(cancellation)).Single(l => l.Number == Lineage);
        var created = await other.CreateLineageAsync(entry.Identity, entry.Answers, cancellation);
        var universe = KeyUniverse.Of(facts);
        for (var p = 0; p < Product.Partitions.Count; p++)
        {
            var mark = new SnapshotMark(Product.Partitions[p].Position, default, 0);
            await using var ship = await other.BeginShipAsync(new SnapshotPartition(created.Number, p), 0, mark, cancellation);
            foreach (var aggregate in Rows(Product.Stores[p], universe).GroupBy(row => row.Root))
                await ship.WriteAsync([.. aggregate], cancellation);
            await ship.CompleteAsync(cancellation);
        }
        await other.DisposeAsync();
    }

    public void Dispose() => Product.Dispose();

    private static List<SnapshotRow> Rows(StateStore store, KeyUniverse universe)
    {
        var rows = new List<SnapshotRow>();
        store.Enter();
        try
        {
            foreach (var channel in universe.Channels) TakeChannel(store, channel, rows);
            foreach (var user in universe.Users)
            {
                TakeList(store, user, SubKind.ChannelList, rows);
                TakeList(store, user, SubKind.Blocked, rows);
                foreach (var channel in universe.Channels)
                {
                    Take(store, Key16.ReadState(user, channel), rows);
                    foreach (var root in universe.Threads) Take(store, Key16.Thread(user, channel, root), rows);
                }
            }
            TakeList(store, 0, SubKind.DeadLetters, rows);
        }
        finally
        {
            store.Exit();
        }
        return rows;
    }

    private static void TakeChannel(StateStore store, ulong channel, List<SnapshotRow> rows)
    {
        var record = new ChannelRecord();
        record.Decode(Take(store, Key16.OfChannel(channel, SubKind.ChannelRecord), rows));
        for (var number = 0U; number < record.NextNumber; number++)
        {
            Take(store, Key16.OfChannel(channel, SubKind.Block, number), rows);
            Take(store, Key16.OfChannel(channel, SubKind.Mentions, number), rows);
        }
        var perRecord = BlockDirectory.EntriesPerRecord(store.MaxValueBytes);
        for (var number = 0; number * perRecord < record.BlockCount; number++)
            Take(store, Key16.OfChannel(channel, SubKind.Directory, (uint)number), rows);
    }

    private static void TakeList(StateStore store, ulong user, SubKind subKind, List<SnapshotRow> rows)
    {
        var chunks = IdListRecord.ChunksOf(Take(store, Key16.OfUser(user, subKind), rows));
        for (var number = 1; number < chunks; number++) Take(store, Key16.OfUser(user, subKind, (uint)number), rows);
    }

    private static byte[] Take(StateStore store, Key16 key, List<SnapshotRow> rows)
    {
        var read = store.Read(key);
        var value = read[..RecordHeader.Used(read)].ToArray();
        if (value.Length > 0) rows.Add(new SnapshotRow(AggregateRoot.Of(key, value), key, RecordHeader.Applied(value), value));
        return value;
    }
}
