using System.Globalization;
using Google.Protobuf;
using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Partition;

/// <summary>Partitions over logs in memory, stepped by the test's own thread.</summary>
public sealed class PartitionTester : IAsked, IDisposable
{
    public const long Epoch = IAsked.Epoch;

    private readonly string folder = Directory.CreateTempSubdirectory("readstate-test-").FullName;
    private readonly IEventLog[] logs;

    /// <param name="policy">What counts.</param>
    /// <param name="partitions">How many.</param>
    /// <param name="store">Options of each store; default: <see cref="Small"/>.</param>
    /// <param name="batchMax">Records of a batch at most.</param>
    /// <param name="replayFrom">Offset of the first record that is folded: what lies before was restored.</param>
    public PartitionTester(
        PolicyOptions policy, int partitions = 1, StoreOptions? store = null, int batchMax = int.MaxValue, long replayFrom = 0)
    {
        logs = [.. Enumerable.Range(0, partitions).Select(_ => new MemoryLog { BatchMax = batchMax, ReplayFrom = replayFrom })];
        Stores = [.. logs.Select((_, i) => OpenStore(policy, store ?? Small(), i))];
        Partitions = [.. logs.Select((log, i) => new StatePartition(
            new PartitionSettings(i, partitions, policy, Epoch, 3_600_000, TimeProvider.System), log, Stores[i], deadLetterSink: NoteDeadLetter))];
    }

    /// <summary>Partitions that recover as they are told, over logs that outlive them.</summary>
    public PartitionTester(PolicyOptions policy, IReadOnlyList<IEventLog> logs, Func<int, IEventLog, IStateRecovery> recovery, TimeProvider time)
    {
        this.logs = [.. logs];
        Stores = [];
        Partitions = [.. logs.Select((log, i) => new StatePartition(
            new PartitionSettings(i, logs.Count, policy, Epoch, 3_600_000, time), log, recovery(i, log), deadLetterSink: NoteDeadLetter))];
    }

    /// <summary>Reasons of the dead letters, by partition and offset.</summary>
    public Dictionary<(int Partition, long Offset), string> DeadLetterReasons { get; } = [];

    /// <summary>The partitions' stores, owned by them; between two steps.</summary>
    public IReadOnlyList<StateStore> Stores { get; }

    public IReadOnlyList<StatePartition> Partitions { get; }

    public int PartitionCount => Partitions.Count;

    /// <summary>Everything of a generated log fits.</summary>
    public static StoreOptions Small() => new() { LogMemoryBytes = 4 << 20, PageBytes = 64 << 10, IndexBytes = 64 << 10, SegmentBytes = 64 << 20 };

    /// <summary>Everything of some fifty generated logs fits.</summary>
    public static StoreOptions Large() => new() { LogMemoryBytes = 64 << 20, PageBytes = 64 << 10, IndexBytes = 256 << 10, SegmentBytes = 64 << 20 };

    /// <summary>Pages of 4 KiB, 64 KiB in all.</summary>
    public static StoreOptions Tiny(int segmentBytes = 16 << 20) =>
        new() { LogMemoryBytes = 64 << 10, PageBytes = 4 << 10, IndexBytes = 16 << 10, SegmentBytes = segmentBytes };

    public StateStore OpenStore(PolicyOptions policy, StoreOptions options, int number) => new(
        options, StoredPolicy.From(policy), new FileDevice(Path.Combine(folder, $"store-{number}"), new FileDeviceOptions { DeleteOnClose = true }));

    public void Append(ChannelEvent record)
    {
        var (partition, key) = record.FactCase switch
        {
            ChannelEvent.FactOneofCase.DeadLetterResolved => ((int)record.DeadLetterResolved.Partition, $"#{record.DeadLetterResolved.Partition}"),
            ChannelEvent.FactOneofCase.DeadLetterWaived => ((int)record.DeadLetterWaived.Partition, $"#{record.DeadLetterWaived.Partition}"),
            _ => Keyed(OwnerOf(record)),
        };
        InMemory(partition % logs.Length).Append(key, record);
    }

    public void Append(int partition, byte[] key, byte[] value) => InMemory(partition).Append(key, value);

    // A log on the disk is appended to by whoever opened it.
    private MemoryLog InMemory(int partition) => (MemoryLog)logs[partition];

    /// <summary>Steps until nothing is left to fold.</summary>
    public void Run()
    {
        foreach (var partition in Partitions)
        {
            while (partition.Step() || partition.LagEvents > 0)
                if (partition.Failure is { } failure) throw new InvalidOperationException("the partition failed", failure);
            if (partition.Failure is { } error) throw new InvalidOperationException("the partition failed", error);
        }
    }

    /// <summary>States by key; the keys' order is the answer's.</summary>
    public IReadOnlyList<Schemas.V1.ReadState> States(IReadOnlyList<GetStatesRequest.Types.Key> keys, BlockedLookup? blocked = null)
    {
        var states = new Schemas.V1.ReadState[keys.Count];
        foreach (var group in keys.Select((key, index) => (key, index)).GroupBy(k => Partitioner.PartitionOf(k.key.ChannelId, Partitions.Count)))
        {
            var asked = group.ToList();
            var answer = Ask(group.Key, p => p.GetStatesAsync([.. asked.Select(a => a.key)], blocked ?? new BlockedLookup(), 0, default));
            for (var i = 0; i < asked.Count; i++) states[asked[i].index] = answer.States[i];
        }
        return states;
    }

    public BlockedLookup Blocked(IEnumerable<ulong> users)
    {
        var blocked = new BlockedLookup();
        foreach (var user in users)
            blocked.Add(user, Ask(Partitioner.PartitionOf(user, Partitions.Count), p => p.GetBlockedUsersAsync(user, 0, default)).BlockedUserIds);
        return blocked;
    }

    /// <summary>Asks a partition, stepping it meanwhile.</summary>
    public T Ask<T>(int partition, Func<StatePartition, Task<T>> question)
    {
        var task = question(Partitions[partition]);
        while (!task.IsCompleted) Partitions[partition].Step();
        return task.GetAwaiter().GetResult();
    }

    public StoreFigures Figures => Partitions.Select(p => p.StoreFigures).Aggregate((a, b) => new StoreFigures(
        a.MemoryBytes + b.MemoryBytes, a.LogBytes + b.LogBytes, a.Drained + b.Drained, a.DiskReads + b.DiskReads, a.Updates + b.Updates, a.LiveBytes + b.LiveBytes));

    public void Dispose()
    {
        foreach (var partition in Partitions) partition.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private void NoteDeadLetter(int partition, long offset, string reason) => DeadLetterReasons[(partition, offset)] = reason;

    /// <summary>The channel or user whose key a record has.</summary>
    public static ulong OwnerOf(ChannelEvent record)
    {
        if (record.FactCase == ChannelEvent.FactOneofCase.UserBlocked) return record.UserBlocked.UserId;
        var fact = (IMessage)ChannelEvent.Descriptor.Fields.InFieldNumberOrder().Single(f => f.FieldNumber == (int)record.FactCase).Accessor.GetValue(record);
        return (ulong)fact.Descriptor.FindFieldByName("channel_id").Accessor.GetValue(fact);
    }

    private (int, string) Keyed(ulong owner) =>
        (Partitioner.PartitionOf(owner, logs.Length), owner.ToString(CultureInfo.InvariantCulture));
}
