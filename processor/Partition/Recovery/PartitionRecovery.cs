// Finds the state a partition goes on from.
//
// Candidates: the checkpoints of this machine, the rows of the snapshot store, and the log's start where that is
// the lineage's first record. The one of the highest position wins whose checksums and fingerprint hold and from
// which the log still reaches on. Every candidate that is passed over is reported with its reason.
//
// Invariants:
// - A store that cannot be reached is not an empty one: it is waited for.
// - Rows computed from another log than this one stop the partition: they would outlive the replay.
// - Files of a candidate that was passed over are gone before the state that was chosen is written to.
// - After damage no index image is used: the record log is proven whole first.
using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Store;

using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Partition.Recovery;

/// <summary>What one partition recovers with.</summary>
/// <param name="Checkpoint">Lineage, number, when to take checkpoints, clock.</param>
/// <param name="Folder">Folder of its record log and manifests.</param>
/// <param name="Store">Its share of memory, and the layout of a new record log.</param>
/// <param name="Policy">What is stored.</param>
/// <param name="Device">How the record log's device works; the segment size is the layout's.</param>
/// <param name="Faults">Named steps at which a test may stop the process.</param>
public sealed record RecoverySettings(
    CheckpointSettings Checkpoint, string Folder, StoreOptions Store, StoredPolicy Policy, StateDeviceOptions Device, IFaultPoints Faults)
{
    /// <summary>Cuts the event log; null where it is kept whole or sees to that itself.</summary>
    public LogRetention? Retention { get; init; }
}

/// <summary>Recovers one partition.</summary>
public sealed class PartitionRecovery(
    RecoverySettings settings, IEventLog log, ISnapshotStore snapshots, IRecoveryObserver observer) : IStateRecovery
{
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastWait = TimeSpan.FromSeconds(30);

    /// <summary>As many at once as there are processors: more would only read across each other.</summary>
    private static readonly SemaphoreSlim Turns = new(Environment.ProcessorCount);

    private readonly CheckpointFolder folder = new(settings.Device.Disk, settings.Folder);
    private readonly SnapshotPartition rows = new(settings.Checkpoint.Lineage, settings.Checkpoint.Partition);

    private int Number => settings.Checkpoint.Partition;

    public async Task<RecoveredState> RecoverAsync(Exception? failure, CancellationToken cancellation)
    {
        // What a partition that met damage goes on from is read whole before: by an image it would meet it again and again.
        var trustsImages = failure is not DamageException;
        // A writer calls; inline where the simulator does.
        if (settings.Device.Mode == DeviceMode.Threads) await Task.Yield();
        var started = settings.Checkpoint.Time.GetTimestamp();
        var progress = await ReadProgressAsync(cancellation).ConfigureAwait(false);
        settings.Device.Disk.CreateFolderDurably(settings.Folder);
        var found = folder.Read();
        foreach (var damaged in found.Where(f => f.Damage is not null))
            observer.PassedOver(Number, RecoverySource.Checkpoint, -1, damaged.Damage!.Message);
        var sequence = found.Count == 0 ? 0 : found[0].Sequence;
        var manifests = found.Where(f => f.Manifest is not null).Select(f => f.Manifest!).ToList();

        var untried = 0;
        while (untried < manifests.Count || progress?.Shipped is { Position: > 0 })
        {
            var shipped = progress?.Shipped?.Position ?? 0;
            if (untried < manifests.Count && manifests[untried].Mark.Position >= shipped)
            {
                var next = untried++;
                if (await LongAsync(() => TryCheckpoint(manifests, next, progress, sequence, trustsImages), cancellation).ConfigureAwait(false) is { } local)
                    return Report(local, started);
                continue;
            }
            if (await TrySnapshotAsync(progress!, sequence, untried < manifests.Count, cancellation).ConfigureAwait(false) is { } restored)
                return Report(restored, started);
            // Damaged rows are known to the store now: an older catalog may be whole.
            progress = await ReadProgressAsync(cancellation).ConfigureAwait(false);
            if (progress?.Shipped?.Position >= shipped) progress = null;
        }
        if (log.BeginOffset == 0) return Report(FromStart(sequence), started);
        throw new RecoveryRefusedException(
            $"partition {Number} of lineage {settings.Checkpoint.Lineage} has no state that can be trusted, and its log begins at offset {log.BeginOffset}: "
            + "restore the data folder or the snapshot store from a backup, or republish the log into a new topic");
    }

    /// <summary>
    /// Reads a record log, rows, or the event log: not on the pool's few threads, which answer questions, and behind these and the
    /// writers of other partitions where processors are short. Where the simulator is the caller: at once.
    /// </summary>
    private async Task<T> LongAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        if (settings.Device.Mode != DeviceMode.Threads) return work();
        await Turns.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await BackgroundThread.RunAsync("recovery", work, cancellation).ConfigureAwait(false);
        }
        finally
        {
            Turns.Release();
        }
    }

    private RecoveredState Report(RecoveredState recovered, long started)
    {
        observer.Recovered(
            Number, recovered.Source, recovered.Position, log.EndOffset - recovered.Position, settings.Checkpoint.Time.GetElapsedTime(started));
        return recovered;
    }

    /// <summary>How far the rows reach; null where they are damaged, so that nothing is known.</summary>
    private async Task<SnapshotProgress?> ReadProgressAsync(CancellationToken cancellation)
    {
        for (var wait = FirstWait; ; wait = wait * 2 < LastWait ? wait * 2 : LastWait)
        {
            try
            {
                var progress = await snapshots.ReadProgressAsync(rows, cancellation).ConfigureAwait(false);
                return await LongAsync(() => OfSameLog(progress), cancellation).ConfigureAwait(false);
            }
            catch (SnapshotUnavailableException away)
            {
                observer.Waiting(Number, away);
                await Task.Delay(wait, settings.Checkpoint.Time, cancellation).ConfigureAwait(false);
            }
            catch (LineageGoneException gone)
            {
                throw new RecoveryRefusedException($"partition {Number}: {gone.Message} Start again to begin with another one");
            }
            catch (SnapshotDamagedException damaged)
            {
                observer.PassedOver(Number, RecoverySource.Snapshot, -1, damaged.Message);
                return null;
            }
        }
    }

    private SnapshotProgress OfSameLog(SnapshotProgress progress)
    {
        if (progress.Shipped is { } mark) RequireSameLog(mark, "were shipped up to");
        foreach (var intent in progress.OpenIntents) RequireSameLog(intent, "may have been shipped up to");
        return progress;
    }

    private void RequireSameLog(SnapshotMark mark, string what)
    {
        if (Contradiction(mark) is not { } contradiction) return;
        throw new RecoveryRefusedException(
            $"partition {Number}: rows of lineage {settings.Checkpoint.Lineage} {what} position {mark.Position} of another log: {contradiction}. "
            + "The log was cut back and has grown again, or belongs to another topic. 'processor lineage create' begins a new lineage, "
            + "rebuilt from this log; the old one stays until 'processor lineage drop'");
    }

    /// <summary>Why a position is not one of this log; null where it is.</summary>
    private string? Contradiction(SnapshotMark mark)
    {
        if (mark.Position > log.EndOffset) return $"the log ends at {log.EndOffset}";
        if (mark.Position < log.BeginOffset) return $"the log begins at {log.BeginOffset}";
        if (mark.Position == 0) return null;
        if (!log.TryFingerprint(mark.Position - 1, out var now)) return $"the log no longer has its record {mark.Position - 1}";
        return now == mark.Fingerprint ? null : $"its record {mark.Position - 1} is another";
    }

    private RecoveredState? TryCheckpoint(List<CheckpointManifest> manifests, int index, SnapshotProgress? progress, long sequence, bool trustsImages)
    {
        var manifest = manifests[index];
        if (Contradiction(manifest.Mark) is { } contradiction)
        {
            observer.PassedOver(Number, RecoverySource.Checkpoint, manifest.Mark.Position, contradiction);
            return null;
        }
        // The manifest may be of an attempt whose last fsync failed: it is counted on only once its name is durable.
        settings.Device.Disk.SyncFolder(settings.Folder);
        OpenedCheckpoint opened;
        try
        {
            opened = new CheckpointOpening(settings, OpenDevice, observer).Open(manifest, trustsImages);
        }
        catch (Exception error) when (error is DamageException or InvalidDataException)
        {
            observer.PassedOver(Number, RecoverySource.Checkpoint, manifest.Mark.Position, error.Message);
            return null;
        }
        try
        {
            settings.Faults.Reach("recovery-before-drop-newer");
            DropNewer(manifest.Sequence);
            settings.Faults.Reach("recovery-after-drop-newer");
            var recovered = Assemble(
                // More than two where a crash came before the third was deleted: the next checkpoint does that.
                opened.Store, opened.Device, [.. manifests.Skip(index)], sequence, ShippedOf(manifest, progress), manifest.Mark.Position,
                manifest.Mark.Position, RecoverySource.Checkpoint, opened.Image);
            if (opened.Image is { } image) observer.ImageUsed(Number, manifest.Mark.Position, manifest.Fold.Tail - image.Start);
            return recovered;
        }
        catch
        {
            opened.Store.Dispose();
            throw;
        }
    }

    /// <summary>What of a checkpoint the snapshot store holds, by its own word where that is known.</summary>
    private static ShippedMark ShippedOf(CheckpointManifest manifest, SnapshotProgress? progress)
    {
        var shipped = progress?.Shipped?.Position ?? 0;
        if (progress is not null && shipped == manifest.Mark.Position) return new ShippedMark(shipped, manifest.Fold.Tail);
        // Rows that were acknowledged and are gone (another folder, a dropped lineage): all of them are shipped again.
        return progress is null || shipped < manifest.Shipped.Position ? new ShippedMark(0, manifest.Fold.Begin) : manifest.Shipped;
    }

    private async Task<RecoveredState?> TrySnapshotAsync(
        SnapshotProgress progress, long sequence, bool hasOlder, CancellationToken cancellation)
    {
        var mark = progress.Shipped!.Value;
        if (hasOlder && !await IsWholeAsync(mark, cancellation).ConfigureAwait(false)) return null;
        Clear();
        var device = OpenDevice(StoreGeometry.From(settings.Store));
        var store = new StateStore(settings.Store, settings.Policy, device);
        try
        {
            var restore = new SnapshotRestore(store, device, settings.Faults);
            var found = snapshots.ReadPartitionAsync(rows, mark.Position, cancellation);
            var greatest = settings.Device.Mode == DeviceMode.Threads
                ? await LongAsync(() => restore.Run(found.ToBlockingEnumerable(cancellation)), cancellation).ConfigureAwait(false)
                : await restore.RunAsync(found).ConfigureAwait(false);
            settings.Faults.Reach("recovery-after-rows");
            // What changes from now on must lie above: without the fold-over it would change where it lies.
            var shipped = new ShippedMark(mark.Position, store.Fold().Tail);
            return Assemble(
                store, device, [], sequence, shipped, mark.Position, Math.Max(mark.Position, greatest + 1), RecoverySource.Snapshot);
        }
        catch (Exception error) when (error is SnapshotDamagedException or DamageException)
        {
            store.Dispose();
            observer.PassedOver(Number, RecoverySource.Snapshot, mark.Position, error.Message);
            return null;
        }
        catch (Exception)
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Older checkpoints are given up for the rows: only where all of these can be read.</summary>
    private async Task<bool> IsWholeAsync(SnapshotMark mark, CancellationToken cancellation)
    {
        try
        {
            await foreach (var _ in snapshots.ReadPartitionAsync(rows, mark.Position, cancellation).ConfigureAwait(false))
            {
            }
            return true;
        }
        catch (SnapshotDamagedException damaged)
        {
            observer.PassedOver(Number, RecoverySource.Snapshot, mark.Position, damaged.Message);
            return false;
        }
    }

    private RecoveredState FromStart(long sequence)
    {
        Clear();
        var device = OpenDevice(StoreGeometry.From(settings.Store));
        var store = new StateStore(settings.Store, settings.Policy, device);
        return Assemble(store, device, [], sequence, new ShippedMark(0, store.BeginAddress), 0, 0, RecoverySource.LogStart);
    }

    private RecoveredState Assemble(
        StateStore store, StateDevice device, IReadOnlyList<CheckpointManifest> kept, long sequence, ShippedMark shipped, long position,
        long liveFrom, RecoverySource source, IndexImageMark? image = null)
    {
        Checkpointer? checkpointer = null;
        var shipper = new Shipper(
            settings.Checkpoint, snapshots, new SegmentChanges(device, 1 << store.Geometry.PageBits), () => checkpointer?.Newest, shipped,
            isUnknown: source == RecoverySource.LogStart, settings.Faults);
        var images = new IndexImages(settings.Checkpoint, store, settings.Device.Disk, settings.Folder, image, settings.Faults);
        images.DeleteUnnamed(kept);
        checkpointer = new Checkpointer(
            settings.Checkpoint, log, device, store, folder, images, (kept, sequence), () => shipper.Shipped, settings.Faults);
        var compactor = new Compactor(settings.Checkpoint.Options, store, device, () => checkpointer.Newest, () => shipper.Shipped, settings.Faults);
        var persistence = new PartitionPersistence(device, checkpointer, shipper, compactor)
        {
            Images = images, Retention = settings.Retention,
            Scrub = image is null ? null : new LogScrub(store, device, kept[0].Fold, settings.Checkpoint.Time),
        };
        Hold(device, true);
        observer.Assembled(Number, persistence);
        return new RecoveredState(store, position, liveFrom, source, persistence);
    }

    private StateDevice OpenDevice(StoreGeometry geometry)
    {
        var device = new StateDevice(settings.Folder, settings.Device with { SegmentBytes = 1L << geometry.SegmentBits });
        Hold(device, false);
        return device;
    }

    // FASTER's own recovery waits without asking the device to do anything.
    private void Hold(StateDevice device, bool holds)
    {
        if (settings.Device.Mode == DeviceMode.Held) device.IsHolding = holds;
    }

    private void DropNewer(long sequence)
    {
        foreach (var newer in folder.Read().Where(f => f.Sequence > sequence)) folder.Delete(newer.Sequence);
    }

    /// <summary>No file of an earlier life is left: manifests first, so that none names what is gone.</summary>
    private void Clear()
    {
        var disk = settings.Device.Disk;
        foreach (var manifest in folder.Read()) folder.Delete(manifest.Sequence);
        settings.Faults.Reach("recovery-after-clear-manifests");
        foreach (var name in disk.List(settings.Folder) ?? []) disk.Delete(Path.Combine(settings.Folder, Path.GetFileName(name)));
        disk.SyncFolder(settings.Folder);
        settings.Faults.Reach("recovery-after-clear");
    }
}
