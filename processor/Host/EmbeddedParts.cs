using ReadStateStream.Fold;
using ReadStateStream.Host.Settings;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host;

/// <summary>
/// Everything on one machine: the embedded log of the data folder, and all its partitions, whose stores are
/// rebuilt from the log at each start.
/// </summary>
public sealed class EmbeddedParts(ProcessorSettings settings, TimeProvider time, Telemetry telemetry, ILoggerFactory loggers)
    : IProcessorParts
{
    // Lineages below 256 would make write timestamps that real clocks may have made; this one is rebuilt at each start.
    private const ulong FirstLineage = 256;

    // A record's key is an id in decimal digits.
    private const int KeyBytesMax = 20;

    private readonly ProcessorOptions processor = settings.Processor;
    private readonly ILogger<EmbeddedParts> logger = loggers.CreateLogger<EmbeddedParts>();
    private EmbeddedTopic? topic;
    private StatePartition[] partitions = [];
    private PartitionWorker[] workers = [];

    public event Action? StateChanged;

    public IEventPublisher Topic => topic ?? throw new InvalidOperationException("the topic is not open yet");

    public IReadOnlyList<IPartitionQueries> Partitions => partitions;

    public LogNames Names { get; } = new("embedded", settings.Processor.Topic, $"readstate-{FirstLineage}");

    public ulong Lineage => FirstLineage;

    public Task StartAsync(CancellationToken cancellation)
    {
        topic = OpenTopic();
        RequireEpochOf(topic.Partitions);
        var stores = Path.Combine(processor.DataFolder, "store");
        if (Directory.Exists(stores)) Directory.Delete(stores, recursive: true);
        partitions = [.. topic.Partitions.Select((log, number) => Create(number, log, stores))];
        var threads = Math.Clamp(processor.Workers == 0 ? Environment.ProcessorCount : processor.Workers, 1, partitions.Length);
        workers = [.. Enumerable.Range(0, threads)
            .Select(worker => new PartitionWorker(worker, [.. partitions.Where(p => p.Number % threads == worker)]))];
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellation) =>
        Task.Run(() => DisposeAsync().AsTask(), CancellationToken.None).WaitAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in workers) worker.Dispose();
        workers = [];
        foreach (var partition in partitions) partition.Dispose();
        partitions = [];
        if (topic is not null) await topic.DisposeAsync().ConfigureAwait(false);
        topic = null;
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

    private StatePartition Create(int number, EmbeddedLog log, string folder)
    {
        var device = new FileDevice(Path.Combine(folder, $"{number}", "records"), new FileDeviceOptions { DeleteOnClose = true });
        var store = new StateStore(settings.PartitionStore, StoredPolicy.From(settings.Policy), device);
        var partition = new StatePartition(
            new PartitionSettings(
                number, processor.Partitions, settings.Policy, settings.EventIds.EpochUnixMs, settings.EventIds.MaxAheadSeconds * 1_000L, time), log, store,
            handle => telemetry.AddPartition(handle, Names, () => handle.StoreMemoryBytes),
            (at, offset, reason) => logger.DeadLetter(at, offset, reason));
        partition.OnStateChanged = changed =>
        {
            if (changed.Failure is { } failure) logger.PartitionFailed(failure, changed.Number, changed.Position);
            else logger.PartitionEntered(changed.Number, changed.State, changed.Position);
            StateChanged?.Invoke();
        };
        return partition;
    }
}
