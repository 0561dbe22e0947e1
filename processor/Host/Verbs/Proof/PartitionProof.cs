// Proves one partition: opens the state that a start would open, replays the rest of the log, recounts from the log's
// first record, and compares.
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Snapshot.Files;
using ReadStateStream.Snapshot.None;

namespace ReadStateStream.Host.Verbs.Proof;

/// <summary>What proving a partition showed.</summary>
/// <param name="Partition">Its number.</param>
/// <param name="Source">What a start would begin with.</param>
/// <param name="SourcePosition">Position of that.</param>
/// <param name="PassedOver">What a start would pass over, and why.</param>
/// <param name="Events">Events of the log.</param>
/// <param name="State">The state against the recount.</param>
/// <param name="RowsPosition">Position of the snapshot store's rows; null where there are none.</param>
/// <param name="Rows">The rows against the recount at that position.</param>
internal sealed record ProvenPartition(
    int Partition, RecoverySource Source, long SourcePosition, IReadOnlyList<string> PassedOver, long Events, ComparedState State, long? RowsPosition,
    ComparedState? Rows)
{
    /// <summary>Records and rows that differ.</summary>
    public long Differences => State.Differences + (Rows?.Differences ?? 0);
}

/// <summary>Proves partitions in a work folder.</summary>
internal sealed class PartitionProof(ProcessorSettings settings, long lineage, ISnapshotStore snapshots, string workFolder, TimeProvider time)
{
    /// <summary>Proves one; says how many events more were applied, twice those of the log in all.</summary>
    public async Task<ProvenPartition> RunAsync(int number, IEventLog log, Action<long> progress, CancellationToken cancellation)
    {
        var folder = Path.Combine(workFolder, $"{number}");
        try
        {
            return await RunAsync(number, log, folder, progress, cancellation).ConfigureAwait(false);
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<ProvenPartition> RunAsync(int number, IEventLog log, string folder, Action<long> progress, CancellationToken cancellation)
    {
        var place = new ReplayPlace(settings, lineage, number, Path.Combine(folder, "started"), time);
        CopyStore(StoreFolders.Of(settings.Processor.DataFolder, lineage, number), place.Folder);
        using var notes = new Notes();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, notes.Unavailable);
        var partition = new SnapshotPartition(lineage, number);
        var end = log.EndOffset;
        try
        {
            using var started = new ReplayedPartition(place, new LimitedLog(log), snapshots, notes);
            started.Replay(end, progress, either.Token);
            await using var nothing = new NoneSnapshotStore(new FilesSnapshotOptions { Folder = folder }, time);
            using var recount = new ReplayedPartition(place with { Folder = Path.Combine(folder, "recounted") }, new LimitedLog(log), nothing, notes);
            var shipped = await ReadProgressAsync(partition, cancellation).ConfigureAwait(false);
            ComparedState? rows = null;
            if (shipped?.Shipped is { } mark)
            {
                recount.Replay(mark.Position, progress, cancellation);
                rows = await new StateComparison(recount.Contents(cancellation)).WithRowsAsync(snapshots, partition, shipped, cancellation).ConfigureAwait(false);
            }
            recount.Replay(end, progress, cancellation);
            var state = new StateComparison(recount.Contents(cancellation)).With(started.Contents(cancellation), cancellation);
            return new ProvenPartition(
                number, started.Recovered.Source, started.Recovered.Position, notes.PassedOverReasons, end, state, shipped?.Shipped?.Position, rows);
        }
        catch (OperationCanceledException) when (notes.WhyUnavailable is { } why && !cancellation.IsCancellationRequested)
        {
            throw why;
        }
    }

    /// <summary>Null where the rows are damaged: the start has passed them over, and said so.</summary>
    private async Task<SnapshotProgress?> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation)
    {
        try
        {
            return await snapshots.ReadProgressAsync(partition, cancellation).ConfigureAwait(false);
        }
        catch (SnapshotDamagedException)
        {
            return null;
        }
    }

    // Copied, not linked: the writer goes on where the last checkpoint ends, in the same file.
    private static void CopyStore(string from, string to)
    {
        Directory.CreateDirectory(to);
        if (!Directory.Exists(from)) return;
        foreach (var file in Directory.EnumerateFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }

    /// <summary>Keeps what a recovery says; one that would wait for the snapshot store is given up.</summary>
    private sealed class Notes : IRecoveryObserver, IDisposable
    {
        private readonly CancellationTokenSource unavailable = new();

        public List<string> PassedOverReasons { get; } = [];

        public Exception? WhyUnavailable { get; private set; }

        public CancellationToken Unavailable => unavailable.Token;

        public void Waiting(int partition, Exception why)
        {
            WhyUnavailable = why;
            unavailable.Cancel();
        }

        public void PassedOver(int partition, RecoverySource source, long position, string why) =>
            PassedOverReasons.Add(position < 0 ? $"{source}: {why}" : $"{source} at position {position}: {why}");

        public void ImagePassedOver(int partition, long position, string why) =>
            PassedOverReasons.Add($"the index image of the checkpoint at position {position}: {why}");

        public void ImageUsed(int partition, long position, long scanned)
        {
        }

        public void Recovered(int partition, RecoverySource source, long position, long replay, TimeSpan took)
        {
        }

        public void Assembled(int partition, PartitionPersistence persistence)
        {
        }

        public void Dispose() => unavailable.Dispose();
    }
}
