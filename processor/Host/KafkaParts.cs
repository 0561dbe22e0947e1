// Partitions of a Kafka topic, as the consumer group gives them to this process.
//
// Invariants:
// - A partition that is taken away stops at once; what it applied is checkpointed and shipped after, for a while, and
//   the next owner does not wait for it: rows say by their offsets which is newer.
// - One that comes back waits until its files were let go of.
// - One that is another's already writes nothing more.
using System.Collections.Concurrent;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Kafka;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Host;

/// <summary>The partitions of a topic that this member of the group owns now.</summary>
public sealed class KafkaParts : IProcessorParts
{
    private static readonly IFaultPoints Faults = FaultPoints.FromEnvironment();
    private static readonly TimeSpan ReleaseLook = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan BrokerRetry = TimeSpan.FromSeconds(2);

    private readonly ProcessorSettings settings;
    private readonly TimeProvider time;
    private readonly Telemetry telemetry;
    private readonly ILogger<KafkaParts> logger;
    private readonly IHostApplicationLifetime lifetime;
    private readonly CancellationTokenSource stopping = new();
    private readonly ISnapshotStore snapshots;
    private readonly KafkaTopic topic;
    private readonly Lock gate = new();
    private readonly SemaphoreSlim asking = new(1);
    private readonly ConcurrentDictionary<int, Task> leaving = new();
    private readonly Dictionary<KafkaLog, Owned> owned = [];
    private volatile StatePartition[] stepped = [];
    private volatile StatePartition[] partitions = [];
    private Task<LineageEntry>? lineage;
    private Task? joining;
    private Task? stopped;
    private FileStream? folderLock;
    private PartitionFactory? factory;
    private IKafkaMember[] members = [];
    private PartitionWorker[] workers = [];
    private PersistenceWorker? persistence;

    private sealed record Owned(StatePartition Partition, PartitionWorker Worker);

    /// <summary>Nothing is opened yet.</summary>
    /// <exception cref="SettingException">There is no Kafka here, or a setting is refused.</exception>
    public KafkaParts(
        ProcessorSettings settings, TimeProvider time, Telemetry telemetry, ILoggerFactory loggers, IHostApplicationLifetime lifetime)
    {
        (this.settings, this.time, this.telemetry, this.lifetime) = (settings, time, telemetry, lifetime);
        logger = loggers.CreateLogger<KafkaParts>();
        snapshots = SnapshotStores.Open(settings, Faults, time, loggers.CreateLogger<ISnapshotStore>());
        Names = new LogNames("kafka", settings.Processor.Topic, settings.Kafka.Group);
        try
        {
            topic = new KafkaTopic(
                settings.Kafka, settings.Processor.Topic, settings.Ingest.MaxEventBytes, settings.Ingest.AppendTimeoutMs, time, new KafkaNotes(logger));
        }
        catch (KafkaSettingException refused)
        {
            throw new SettingException(refused.Message);
        }
    }

    public event Action? StateChanged;

    public IEventPublisher Topic => topic.Publisher;

    public IReadOnlyList<IPartitionQueries> Partitions => partitions;

    public LogNames Names { get; }

    public ulong Lineage => lineage is { IsCompletedSuccessfully: true } known ? (ulong)known.Result.Number : 0;

    public string? RefusalOf(int partition) =>
        Array.Find(partitions, one => one.Number == partition)?.Persistence?.Device.Stuck is { } stuck
            ? $"the store of partition {partition} cannot be written: {stuck.Error.Message}" : null;

    public async Task StartAsync(CancellationToken cancellation)
    {
        LockFolder();
        await OpenTopicAsync(cancellation);
        factory = new PartitionFactory(settings, Names, snapshots, Faults, time, telemetry, logger, () => StateChanged?.Invoke());
        var isWhole = topic.IsWhole();
        lineage = await new LineageLookup(snapshots, settings, time, logger)
            .FindAsync(topic.Publisher.TopicIdentity, isWhole, cancellation, stopping.Token);
        var threads = settings.Processor.ThreadsOf(settings.Processor.Partitions);
        workers = [.. Enumerable.Range(0, threads).Select(static number => new PartitionWorker(number, []))];
        persistence = new PersistenceWorker(() => stepped, time);
        joining = JoinAsync(isWhole);
    }

    private void LockFolder()
    {
        try
        {
            DiskOperations.Real.CreateFolderDurably(Path.GetFullPath(settings.Processor.DataFolder));
            folderLock = StoreFolders.Lock(settings.Processor.DataFolder);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new SettingException(refused.Message);
        }
    }

    /// <summary>The group's name holds the lineage: whoever does not know it cannot join.</summary>
    private async Task JoinAsync(bool isWhole)
    {
        try
        {
            var known = await lineage!.WaitAsync(stopping.Token).ConfigureAwait(false);
            if (!isWhole) await LookAtRetentionAsync(known.Number).ConfigureAwait(false);
            members = [.. workers.Select((_, number) => topic.Join(known.Number, number, workers.Length, new WorkerAssignments(this, number)))];
        }
        catch (OperationCanceledException)
        {
            // It stops before it knew.
        }
        catch (Exception failed)
        {
            // Whoever does not join serves nothing, and nobody else looks at this task.
            Fatal(failed is SettingException ? failed.Message : failed.ToString());
        }
    }

    /// <summary>
    /// Said before partitions come: which of them have lost records that their rows need. A processor with a checkpoint above
    /// may still serve them, so it is their recovery that refuses.
    /// </summary>
    private async Task LookAtRetentionAsync(long number)
    {
        for (var partition = 0; partition < settings.Processor.Partitions; partition++)
        {
            try
            {
                var progress = await snapshots.ReadProgressAsync(new SnapshotPartition(number, partition), stopping.Token).ConfigureAwait(false);
                var shipped = progress.Shipped?.Position ?? 0;
                if (topic.BeginOf(partition) is var begin && begin > shipped) logger.RowsBelowLog(partition, shipped, begin);
            }
            catch (SnapshotDamagedException)
            {
                // Its recovery says it.
            }
            catch (Exception away) when (away is LogUnavailableException or SnapshotUnavailableException or LineageGoneException)
            {
                // So it is for the others: their recoveries say it.
                return;
            }
        }
    }

    /// <summary>A broker that is away is waited for; a topic that cannot be served from is refused.</summary>
    private async Task OpenTopicAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var found = await topic.OpenAsync();
                foreach (var warning in found.Warnings) logger.TopicWarning(warning);
                ServableTopic.Require(found, settings);
                return;
            }
            catch (LogUnavailableException away)
            {
                logger.BrokerAwaited(away.Message);
                await Task.Delay(BrokerRetry, time, cancellation);
            }
        }
    }

    // The polling threads' side

    /// <summary>Partitions of one worker's consumer.</summary>
    private sealed class WorkerAssignments(KafkaParts parts, int worker) : IAssignments
    {
        public void Assigned(KafkaLog log) => parts.Take(log, parts.workers[worker]);
        public void Revoked(KafkaLog log) => parts.Leave(log, keep: true);
        public void Lost(KafkaLog log) => parts.Leave(log, keep: false);
        public void Fatal(string reason) => parts.Fatal(reason);
    }

    private void Take(KafkaLog log, PartitionWorker worker)
    {
        if (log.Partition >= settings.Processor.Partitions)
        {
            Fatal($"the topic was given partition {log.Partition}, Processor__Partitions is {settings.Processor.Partitions}: keys belong to other partitions now. "
                + "Republish the log into a topic of the new count ('processor topics republish')");
            return;
        }
        logger.PartitionAssigned(log.Partition);
        var former = leaving.GetValueOrDefault(log.Partition, Task.CompletedTask);
        var partition = factory!.Create(log.Partition, log, lineage!, async cancellation =>
        {
            await former.WaitAsync(cancellation).ConfigureAwait(false);
            await RefreshAsync(log, cancellation).ConfigureAwait(false);
        }, topic.DeadLetters);
        log.Committable = () => partition.Persistence?.CommittablePosition(snapshots.KeepsRows) ?? 0;
        lock (gate)
        {
            // Given to a member that is about to leave: its leaving gives it back.
            if (stopping.IsCancellationRequested)
            {
                partition.Dispose();
                return;
            }
            owned[log] = new Owned(partition, worker);
            Publish();
            stepped = [.. stepped, partition];
        }
        worker.Add(partition);
        StateChanged?.Invoke();
    }

    private void Fatal(string reason)
    {
        if (stopping.IsCancellationRequested) return;
        logger.KafkaFatal(reason);
        Environment.ExitCode = 1;
        lifetime.StopApplication();
    }

    private void Leave(KafkaLog log, bool keep)
    {
        Owned left;
        lock (gate)
        {
            if (!owned.Remove(log, out var found)) return;
            left = found;
            Publish();
        }
        logger.PartitionTaken(log.Partition, keep);
        StateChanged?.Invoke();
        leaving[log.Partition] = Task.Run(() => ReleaseAsync(left, keep));
    }

    private async Task ReleaseAsync(Owned left, bool keep)
    {
        var partition = left.Partition;
        await left.Worker.ReleaseAsync(partition, keep).ConfigureAwait(false);
        var until = time.GetTimestamp();
        while (keep && partition.Persistence is { IsHopeful: true } && time.GetElapsedTime(until) < TimeSpan.FromSeconds(settings.Kafka.ReleaseSeconds))
            await Task.Delay(ReleaseLook, time, CancellationToken.None).ConfigureAwait(false);
        lock (gate) stepped = [.. stepped.Where(one => one != partition)];
        partition.Dispose();
    }

    private void Publish() => partitions = [.. owned.Values.Select(static one => one.Partition).OrderBy(static one => one.Number)];

    private async Task RefreshAsync(KafkaLog log, CancellationToken cancellation)
    {
        while (true)
        {
            // One after the other, as the probe asks anyway: the others wait without a thread.
            await asking.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                await Task.Run(log.Refresh, cancellation).ConfigureAwait(false);
                return;
            }
            catch (LogUnavailableException away)
            {
                logger.BrokerAwaited(away.Message);
            }
            finally
            {
                asking.Release();
            }
            await Task.Delay(BrokerRetry, time, cancellation).ConfigureAwait(false);
        }
    }

    // The end

    public Task StopAsync(CancellationToken cancellation) =>
        (stopped ??= Task.Run(() => StopAllAsync(cancellation), CancellationToken.None)).WaitAsync(cancellation);

    public ValueTask DisposeAsync() => new(stopped ??= StopAllAsync(new CancellationToken(canceled: true)));

    /// <summary>Partitions stop, take a last checkpoint and ship it as long as there is time; then the members leave the group.</summary>
    private async Task StopAllAsync(CancellationToken cancellation)
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        if (joining is not null) await joining.ConfigureAwait(false);
        List<KafkaLog> mine;
        lock (gate) mine = [.. owned.Keys];
        foreach (var log in mine) Leave(log, keep: true);
        var all = Task.WhenAll(leaving.Values);
        try
        {
            await all.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            logger.StopCutShort();
        }
        // Each waits for the broker, which may be away.
        await Task.WhenAll(members.Select(static member => Task.Run(member.Dispose))).ConfigureAwait(false);
        foreach (var worker in workers) worker.Dispose();
        persistence?.Dispose();
        foreach (var partition in stepped) partition.Dispose();
        stepped = partitions = [];
        await topic.DisposeAsync().ConfigureAwait(false);
        await snapshots.DisposeAsync().ConfigureAwait(false);
        if (folderLock is not null) await folderLock.DisposeAsync().ConfigureAwait(false);
    }
}
