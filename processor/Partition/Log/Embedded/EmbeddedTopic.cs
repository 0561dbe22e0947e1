using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// A topic on this machine's disk, without a broker: <c>topic.json</c>, a lock file, and one
/// <see cref="EmbeddedLog"/> a partition in a folder of its own. One process at a time. Thread-safe.
/// </summary>
public sealed class EmbeddedTopic : IEventPublisher, IAsyncDisposable
{
    private readonly FileStream _lock;
    private readonly EmbeddedLog[] _partitions;
    private readonly EmbeddedLogOptions _options;

    private EmbeddedTopic(FileStream folderLock, TopicFile file, EmbeddedLog[] partitions, EmbeddedLogOptions options)
    {
        _lock = folderLock;
        _partitions = partitions;
        _options = options;
        TopicIdentity = file.Identity.ToString("D");
    }

    /// <summary>
    /// Opens the topic in a folder, or creates it. Reads every partition through; a damaged one is refused
    /// (<see cref="EmbeddedLog.Refusal"/>) and the others go on.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    /// <exception cref="InvalidOperationException">The topic has another partition count.</exception>
    /// <exception cref="InvalidDataException">The folder's topic.json cannot be read, or partitions lie in a folder without one.</exception>
    /// <exception cref="IOException">Another process has the folder open, or the disk does not answer.</exception>
    public static EmbeddedTopic Open(EmbeddedTopicOptions options, TimeProvider time, ILogger<EmbeddedTopic>? logger = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PartitionCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.PartitionCount, 1024);
        var log = options.Log.Validated();
        // A verb that only looks at a topic writes nothing; a topic that there is has its folder.
        if (log.Disk.Length(Path.Combine(options.Folder, TopicFile.Name)) is null) log.Disk.CreateFolderDurably(options.Folder);
        var folderLock = Lock(options.Folder);
        try
        {
            var file = ReadOrCreate(options, log, time);
            log = (log with { PageSizeBytes = file.PageSizeBytes, SegmentSizeBytes = file.SegmentSizeBytes }).Validated();
            var partitions = OpenPartitions(options.Folder, file, log, time, (ILogger?)logger ?? NullLogger.Instance);
            return new EmbeddedTopic(folderLock, file, partitions, log);
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public string TopicIdentity { get; }

    /// <inheritdoc/>
    public int PartitionCount => _partitions.Length;

    /// <summary>The partitions' logs, by number.</summary>
    public IReadOnlyList<EmbeddedLog> Partitions => _partitions;

    /// <inheritdoc/>
    public ulong GreatestStampedEventId => _partitions.Max(static log => log.GreatestStampedEventId);

    /// <inheritdoc/>
    /// <remarks>
    /// Errors of records: <see cref="LogUnavailableException"/> (try again later),
    /// <see cref="LogRecordTooLargeException"/>, <see cref="ArgumentOutOfRangeException"/> (no such partition),
    /// <see cref="LogDamagedException"/> (the partition is refused), and
    /// <see cref="OperationCanceledException"/> for those that were cancelled before a commit took them. The
    /// memory of keys and values must stay as it is until the call has completed.
    /// </remarks>
    public Task<PublishResult[]> PublishAsync(IReadOnlyList<OutgoingRecord> records, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested) return Task.FromCanceled<PublishResult[]>(cancellation);
        var call = new PublishCall(records, cancellation);
        var counts = new int[_partitions.Length];
        for (var i = 0; i < records.Count; i++)
        {
            if (ErrorOf(records[i]) is { } error) call.Results[i] = new PublishResult(-1, error);
            else counts[records[i].Partition]++;
        }
        foreach (var request in Grouped(call, counts))
        {
            call.Open();
            if (!_partitions[request.Partition].TryAppend(request.Append)) call.Close();
        }
        call.Close();
        return call.Completion;
    }

    private static List<(int Partition, AppendRequest Append)> Grouped(PublishCall call, int[] counts)
    {
        var indexes = new int[counts.Length][];
        for (var i = 0; i < counts.Length; i++) indexes[i] = counts[i] == 0 ? [] : new int[counts[i]];
        var filled = new int[counts.Length];
        for (var i = 0; i < call.Results.Length; i++)
        {
            if (call.Results[i].Error is not null) continue;
            var partition = call.Records[i].Partition;
            indexes[partition][filled[partition]++] = i;
        }
        var requests = new List<(int, AppendRequest)>();
        for (var i = 0; i < counts.Length; i++)
            if (counts[i] > 0)
                requests.Add((i, new AppendRequest(call, indexes[i], counts[i])));
        return requests;
    }

    private Exception? ErrorOf(in OutgoingRecord record)
    {
        if ((uint)record.Partition >= (uint)_partitions.Length)
            return new ArgumentOutOfRangeException(nameof(record),
                $"There is no partition {record.Partition}; the topic has {_partitions.Length}.");
        var bytes = (long)record.Key.Length + record.Value.Length;
        if (bytes > _options.MaxRecordBytes || record.Key.Length > ushort.MaxValue)
            return new LogRecordTooLargeException(
                $"The record has {bytes} bytes of key and value (key: {record.Key.Length}); the limit is {_options.MaxRecordBytes} (key: {ushort.MaxValue}).");
        return null;
    }

    /// <summary>Identity of the topic in a folder, which may be open in another process; null where there is none.</summary>
    /// <exception cref="InvalidDataException">The folder's topic.json cannot be read.</exception>
    public static string? IdentityIn(string folder) => TopicFile.Read(folder)?.Identity.ToString("D");

    /// <summary>Keeps other processes out of a topic's folder, which must exist, until it is disposed.</summary>
    /// <exception cref="IOException">Another process has the folder open.</exception>
    public static FileStream Lock(string folder) => FolderLock.Take(folder, "topic");

    private static TopicFile ReadOrCreate(EmbeddedTopicOptions options, EmbeddedLogOptions log, TimeProvider time)
    {
        var found = TopicFile.Read(options.Folder);
        if (found is null)
        {
            // A lost topic.json may not turn into a new, empty topic beside the old records.
            if (Directory.Exists(PartitionFolder(options.Folder, 0)))
                throw new InvalidDataException(
                    $"'{options.Folder}' holds partitions but no {TopicFile.Name}. Restore that file, or name another folder.");
            var made = new TopicFile(Guid.NewGuid(), options.PartitionCount, time.GetUtcNow(), TopicFile.CurrentFormat,
                log.PageSizeBytes, log.SegmentSizeBytes);
            made.Create(options.Folder, log.Disk);
            return made;
        }
        if (found.Partitions != options.PartitionCount)
            throw new InvalidOperationException(
                $"The topic in '{options.Folder}' has {found.Partitions} partitions; {options.PartitionCountSetting} says "
                + $"{options.PartitionCount}. Set {options.PartitionCountSetting}={found.Partitions}. Another partition count means "
                + "another topic, into which the log is republished: the records lie where the present count put them.");
        return found;
    }

    private static EmbeddedLog[] OpenPartitions(
        string folder, TopicFile file, EmbeddedLogOptions log, TimeProvider time, ILogger logger)
    {
        var partitions = new EmbeddedLog[file.Partitions];
        Parallel.For(0, partitions.Length, i =>
            partitions[i] = EmbeddedLog.Open(PartitionFolder(folder, i), file.Identity, i, log, time, logger));
        log.Disk.SyncFolder(folder);
        return partitions;
    }

    private static string PartitionFolder(string folder, int partition) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"partition-{partition:D4}"));

    /// <summary>Finishes what was admitted, closes every partition and gives the folder free.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_partitions.Select(static log => log.DisposeAsync().AsTask())).ConfigureAwait(false);
        await _lock.DisposeAsync().ConfigureAwait(false);
    }
}
