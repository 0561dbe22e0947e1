// Makes a partition's state durable: the writer folds its store over and goes on; the rest happens beside it.
//
// Invariants:
// - The position is noted before the fold-over, in the same quiet moment between two batches.
// - A manifest is written only after everything it names was synced, read back and found right.
// - Two manifests are kept. A segment of the record log goes only after the manifest that drops the last
//   checkpoint in need of it is durable, and never before what lies in it was shipped.
// - An error gives this checkpoint up and changes nothing; the next one covers it.
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>What a checkpointer is about.</summary>
/// <param name="Lineage">Lineage of the state.</param>
/// <param name="Partition">Number of the partition.</param>
/// <param name="Partitions">Number of all: they take turns within the interval.</param>
/// <param name="Options">When and how.</param>
/// <param name="Time">Clock.</param>
public sealed record CheckpointSettings(long Lineage, int Partition, int Partitions, CheckpointOptions Options, TimeProvider Time);

/// <summary>Takes checkpoints of one partition. The writer asks <see cref="Due"/> and calls <see cref="Begin"/>; another thread steps.</summary>
public sealed class Checkpointer
{
    /// <summary>Manifests kept: should the newest be damaged, the one before has everything it needs.</summary>
    public const int Kept = 2;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);

    private readonly CheckpointSettings settings;
    private readonly IEventLog log;
    private readonly StateDevice device;
    private readonly StateStore store;
    private readonly CheckpointFolder folder;
    private readonly IndexImages images;
    private readonly Func<ShippedMark> shipped;
    private readonly IFaultPoints faults;
    private readonly List<CheckpointManifest> kept;
    private long sequence;
    private volatile CheckpointManifest? newest;
    private volatile Taken? taken;
    private Taken? last;
    private Phase phase;
    private volatile bool isAlone;
    private long verified;
    private DateTimeOffset nextAt;
    private TimeSpan retry = FirstRetry;

    private enum Phase { Idle, Flushing, Syncing, Verifying, Imaging, Saving, Deleting }

    private sealed record Taken(long Position, FoldMark Fold, DateTimeOffset At);

    /// <param name="settings">What it is about.</param>
    /// <param name="log">Log of the partition, for fingerprints.</param>
    /// <param name="device">Device of the store.</param>
    /// <param name="store">The store; only <see cref="Begin"/> changes it.</param>
    /// <param name="folder">Where manifests lie.</param>
    /// <param name="images">Copies of the hash index.</param>
    /// <param name="found">Manifests that are kept, newest first, and the greatest number ever used.</param>
    /// <param name="shipped">What the snapshot store has acknowledged; from any thread.</param>
    /// <param name="faults">Named steps at which a test may stop the process.</param>
    public Checkpointer(
        CheckpointSettings settings, IEventLog log, StateDevice device, StateStore store, CheckpointFolder folder, IndexImages images,
        (IReadOnlyList<CheckpointManifest> Kept, long Sequence) found, Func<ShippedMark> shipped, IFaultPoints faults)
    {
        this.settings = settings;
        this.log = log;
        this.device = device;
        this.store = store;
        this.folder = folder;
        this.images = images;
        this.shipped = shipped;
        this.faults = faults;
        kept = [.. found.Kept];
        sequence = found.Sequence;
        newest = kept.FirstOrDefault();
        isAlone = kept.Count == 1;
        var options = settings.Options;
        // Partitions begin their turns spread over the interval, so that their bursts do not meet.
        nextAt = settings.Time.GetUtcNow() + (options.Interval * ((settings.Partition + 1.0) / settings.Partitions));
    }

    /// <summary>The newest durable checkpoint; null where there is none yet. From any thread.</summary>
    public CheckpointManifest? Newest => newest;

    /// <summary>Position of the older of the two checkpoints that are kept; 0 while there are not two. The thread that steps.</summary>
    public long OlderPosition => kept.Count < Kept ? 0 : kept[^1].Mark.Position;

    /// <summary>Why the last attempt was given up; null after one that succeeded. From any thread.</summary>
    public Exception? LastError { get; private set; }

    /// <summary>Checkpoints made durable.</summary>
    public long Completed { get; private set; }

    /// <summary>Attempts given up.</summary>
    public long GivenUp { get; private set; }

    /// <summary>Attempts given up because the disk did not take the log in time.</summary>
    public long Overdue { get; private set; }

    /// <summary>Called, by the stepping thread, with what happened to an attempt: its manifest, or its error.</summary>
    public Action<CheckpointManifest?, Exception?>? OnEnded { get; set; }

    /// <summary>Whether it is time to take one: the writer asks between two batches.</summary>
    public bool Due(long position) =>
        taken is null && IsWorthwhile(position)
        && (settings.Time.GetUtcNow() >= nextAt || (Grown >= settings.Options.IntervalBytes && LastError is null));

    /// <summary>
    /// Something was applied or copied since the last one was taken, or that one was given up, or there is only one: damage of
    /// it would cost a replay of everything, which a partition at rest need not risk.
    /// </summary>
    public bool IsWorthwhile(long position) =>
        !IsEmpty && (Grown != 0 || position != (last?.Position ?? newest?.Mark.Position ?? 0) || isAlone);

    private long Grown => store.TailAddress - (last?.Fold.Tail ?? newest?.Fold.Tail ?? store.BeginAddress);

    // A log in which nothing was ever written has no sector to prove, and nothing to lose.
    private bool IsEmpty => store.TailAddress == store.BeginAddress;

    /// <summary>The same of the checkpoint of an orderly stop, after which a start is to have little to scan.</summary>
    public bool IsLastWorthwhile(long position) => IsWorthwhile(position) || (!IsEmpty && images.IsWanted(isLast: true));

    /// <summary>Nothing is under way.</summary>
    public bool IsIdle => taken is null;

    /// <summary>
    /// What the writer does between two batches while one is due: copies a slice of the hash index where the checkpoint is
    /// to have a copy, then takes it. False where it could do nothing now.
    /// </summary>
    public bool Prepare(long position)
    {
        if (!images.CopySome(sequence + 1, out var worked)) return worked;
        Take(position);
        return true;
    }

    /// <summary>Takes one at this position, unless nothing was stored yet: the writer, between two batches.</summary>
    /// <param name="position">Next offset to apply.</param>
    /// <param name="isLast">Whether it is that of an orderly stop.</param>
    public void Begin(long position, bool isLast = false)
    {
        if (IsEmpty) return;
        images.CopyAll(sequence + 1, isLast);
        Take(position);
    }

    private void Take(long position)
    {
        if (taken is not null) throw new InvalidOperationException("a checkpoint is under way");
        faults.Reach("checkpoint-before-fold");
        last = new Taken(position, store.Fold(), settings.Time.GetUtcNow());
        nextAt = last.At + settings.Options.Interval;
        taken = last;
        faults.Reach("checkpoint-after-fold");
    }

    /// <summary>A bounded part of the work; false where there is nothing to do now.</summary>
    /// <exception cref="DamageException">The log does not read back as it was written: the partition is to recover.</exception>
    /// <exception cref="LogForkedException">The event log is another.</exception>
    public bool Step()
    {
        if (taken is not { } under) return images.Step();
        try
        {
            return Advance(under);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CheckpointOverdueException)
        {
            GiveUp(error);
            return true;
        }
    }

    private bool Advance(Taken under)
    {
        switch (phase)
        {
            case Phase.Idle:
                phase = Phase.Flushing;
                return true;
            case Phase.Flushing:
                return AwaitFlush(under) || images.Step();
            case Phase.Syncing:
                faults.Reach("checkpoint-before-sync");
                device.Flush();
                faults.Reach("checkpoint-after-sync");
                verified = newest?.Fold.Tail ?? under.Fold.Begin;
                phase = Phase.Verifying;
                return true;
            case Phase.Verifying:
                if (verified < under.Fold.Tail) verified = device.Verify(verified, under.Fold.Tail);
                if (verified < under.Fold.Tail) return true;
                faults.Reach("checkpoint-after-verify");
                phase = Phase.Imaging;
                return true;
            case Phase.Imaging:
                if (!images.Step()) phase = Phase.Saving;
                return true;
            case Phase.Saving:
                Save(under);
                phase = Phase.Deleting;
                return true;
            default:
                Delete();
                phase = Phase.Idle;
                taken = null;
                return true;
        }
    }

    private bool AwaitFlush(Taken under)
    {
        if (store.FlushedUntil >= under.Fold.Tail)
        {
            phase = Phase.Syncing;
            return true;
        }
        device.TryComplete();
        if (settings.Time.GetUtcNow() - under.At <= settings.Options.Deadline) return false;
        Overdue++;
        throw new CheckpointOverdueException(
            $"the record log did not reach the disk within {settings.Options.DeadlineSeconds} s: it is at {store.FlushedUntil} of {under.Fold.Tail}"
            + (device.Stuck is { } stuck ? $"; {stuck.Error.Message}" : ""));
    }

    private void Save(Taken under)
    {
        var fingerprint = FingerprintBelow(under.Position);
        RequireSameLog();
        var sums = device.SaveSums(under.Fold.Tail);
        faults.Reach("checkpoint-before-manifest");
        var manifest = new CheckpointManifest(
            ++sequence, settings.Lineage, settings.Partition,
            new SnapshotMark(under.Position, fingerprint, under.At.ToUnixTimeMilliseconds()),
            under.Fold, store.Geometry, sums, shipped(), images.For(under.Fold));
        folder.Write(manifest, faults);
        faults.Reach("checkpoint-after-manifest");
        kept.Insert(0, manifest);
        newest = manifest;
        isAlone = kept.Count == 1;
        LastError = null;
        retry = FirstRetry;
        Completed++;
        OnEnded?.Invoke(manifest, null);
    }

    private RecordFingerprint FingerprintBelow(long position)
    {
        if (position == 0) return default;
        return log.TryFingerprint(position - 1, out var below)
            ? below : throw new LogForkedException($"the log no longer has its record {position - 1}, which is applied");
    }

    /// <summary>Now and then: the log below the last checkpoint is still the one that was applied.</summary>
    private void RequireSameLog()
    {
        if (newest is { Mark: { Position: > 0 } mark } && log.TryFingerprint(mark.Position - 1, out var now) && now != mark.Fingerprint)
            throw new LogForkedException(
                $"the log's record {mark.Position - 1} is another than the one that was applied: the log was cut back and has grown again");
    }

    private void Delete()
    {
        while (kept.Count > Kept)
        {
            folder.Delete(kept[^1].Sequence);
            kept.RemoveAt(kept.Count - 1);
            faults.Reach("checkpoint-after-delete");
        }
        images.DeleteUnnamed(kept);
        faults.Reach("checkpoint-before-segments");
        device.RemoveSegmentsBelow(Math.Min(kept.Min(manifest => manifest.Fold.Begin), shipped().Tail));
        faults.Reach("checkpoint-after-segments");
    }

    private void GiveUp(Exception error)
    {
        LastError = error;
        // What was saved stays; only the clean-up waits for the next one.
        if (phase != Phase.Deleting)
        {
            GivenUp++;
            last = null;
        }
        phase = Phase.Idle;
        nextAt = settings.Time.GetUtcNow() + retry;
        retry = retry * 2 < settings.Options.Interval ? retry * 2 : settings.Options.Interval;
        taken = null;
        OnEnded?.Invoke(null, error);
    }
}

/// <summary>The disk did not take the record log in time.</summary>
public sealed class CheckpointOverdueException(string message) : Exception(message);

/// <summary>The event log is not the one that was applied: it was cut back, or the topic was created anew.</summary>
public sealed class LogForkedException(string message) : Exception(message);
