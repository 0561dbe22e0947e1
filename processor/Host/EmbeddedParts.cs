using ReadStateStream.Fold;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;

namespace ReadStateStream.Host;

/// <summary>
/// Everything on one machine: the embedded log of the data folder, and all its partitions, whose states are
/// recovered from checkpoints, from the snapshot store, or by a replay.
/// </summary>
public sealed class EmbeddedParts(ProcessorSettings settings, TimeProvider time, Telemetry telemetry, ILoggerFactory loggers)
    : IProcessorParts
{
    // A record's key is an id in decimal digits.
    private const int KeyBytesMax = 20;

    private static readonly TimeSpan StopLook = TimeSpan.FromMilliseconds(10);

    private static readonly IFaultPoints Faults = FaultPoints.FromEnvironment();

    private readonly ProcessorOptions processor = settings.Processor;
    private readonly ILogger<EmbeddedParts> logger = loggers.CreateLogger<EmbeddedParts>();
    private readonly CancellationTokenSource stopping = new();
    private readonly ISnapshotStore snapshots = SnapshotStores.Open(settings, Faults, time, loggers.CreateLogger<ISnapshotStore>());
    private EmbeddedTopic? topic;
    private Task<LineageEntry>? lineage;
    private StatePartition[] partitions = [];
    private PartitionWorker[] workers = [];
    private PersistenceWorker? persistence;

    public event Action? StateChanged;

    public IEventPublisher Topic => topic ?? throw new InvalidOperationException("the topic is not open yet");

    public IReadOnlyList<IPartitionQueries> Partitions => partitions;

    public LogNames Names { get; } = new("embedded", settings.Processor.Topic, "readstate");

    public ulong Lineage => lineage is { IsCompletedSuccessfully: true } known ? (ulong)known.Result.Number : 0;

    public string? RefusalOf(int partition) => partitions[partition].Persistence?.Device.Stuck is { } stuck
        ? $"the store of partition {partition} cannot be written: {stuck.Error.Message}" : null;

    public async Task StartAsync(CancellationToken cancellation)
    {
        topic = OpenTopic();
        RequireEpochOf(topic.Partitions);
        lineage = await new LineageLookup(snapshots, settings, time, logger)
            .FindAsync(topic.TopicIdentity, isLogWhole: topic.Partitions.All(log => log.BeginOffset == 0), cancellation, stopping.Token);
        var factory = new PartitionFactory(settings, Names, snapshots, Faults, time, telemetry, logger, () => StateChanged?.Invoke());
        partitions = [.. topic.Partitions.Select((log, number) => factory.Create(number, log, lineage))];
        var threads = processor.ThreadsOf(partitions.Length);
        workers = [.. Enumerable.Range(0, threads)
            .Select(worker => new PartitionWorker(worker, [.. partitions.Where(p => p.Number % threads == worker)]))];
        persistence = new PersistenceWorker(() => partitions, time);
    }

    public Task StopAsync(CancellationToken cancellation) =>
        Task.Run(() => StopAllAsync(cancellation), CancellationToken.None).WaitAsync(cancellation);

    public ValueTask DisposeAsync() => new(StopAllAsync(new CancellationToken(canceled: true)));

    /// <summary>Partitions stop, take a last checkpoint and ship it as long as there is time, then the log closes.</summary>
    private async Task StopAllAsync(CancellationToken cancellation)
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        foreach (var worker in workers) worker.Dispose();
        workers = [];
        foreach (var partition in partitions) partition.BeginLastCheckpoint();
        while (!cancellation.IsCancellationRequested && partitions.Any(static partition => partition.Persistence is { IsHopeful: true })) await Task.Delay(StopLook, time, CancellationToken.None).ConfigureAwait(false);
        if (partitions.Any(p => p.Persistence is { IsBusy: true })) logger.StopCutShort();
        persistence?.Dispose();
        persistence = null;
        foreach (var partition in partitions) partition.Dispose();
        partitions = [];
        if (topic is not null) await topic.DisposeAsync().ConfigureAwait(false);
        topic = null;
        await snapshots.DisposeAsync().ConfigureAwait(false);
    }

    private EmbeddedTopic OpenTopic()
    {
        try
        {
            return EmbeddedTopic.Open(
                new EmbeddedTopicOptions
                {
                    Folder = Path.Combine(processor.DataFolder, "log"), PartitionCount = processor.Partitions,
                    PartitionCountSetting = "Processor__Partitions",
                    Log = new EmbeddedLogOptions { MaxRecordBytes = Math.Max(settings.Ingest.MaxEventBytes + KeyBytesMax, 1 << 20) },
                },
                time, loggers.CreateLogger<EmbeddedTopic>());
        }
        catch (Exception refused) when (refused is ArgumentException or InvalidOperationException or InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new SettingException(refused.Message);
        }
    }

    /// <summary>
    /// Under a later epoch the ids that were stamped into this log lie ahead of their own append times: a replay would
    /// make a dead letter of every record, and all counts 0.
    /// </summary>
    private void RequireEpochOf(IReadOnlyList<EmbeddedLog> logs)
    {
        var aheadMs = logs.Where(log => log.Refusal is null && log.GreatestStampedEventId != 0)
            .Select(log => (long)(log.GreatestStampedEventId >> EventIdTime.Shift) + settings.EventIds.EpochUnixMs - log.LastAppendedUnixMs)
            .DefaultIfEmpty().Max();
        if (aheadMs > settings.EventIds.MaxAheadSeconds * 1_000L)
            throw new SettingException(
                $"EventIds__Epoch and EventIds__MaxAheadSeconds must be those that the log of '{processor.DataFolder}' was written with; "
                + $"with these an event id lies {aheadMs / 1_000} s past the time its record was appended");
    }
}
