// Ships what a checkpoint made immutable to the snapshot store: the newest version of each record changed since
// what was acknowledged last, aggregate by aggregate, then the position.
//
// Invariants:
// - Only records of a durable checkpoint are shipped; the intent is durable before the first row.
// - The position is written only after every row of it was acknowledged.
// - What was acknowledged moves only forward, unless the store says that it has lost it: then everything is shipped.
// - Any error gives the ship up: what was under way when it came is never completed. The next ship takes its stretch
//   along: the backlog is one stretch of the log, however long the store was away.
// - The writer is never waited for and never waits.

using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>Figures of a shipper.</summary>
/// <param name="Ships">Ships completed.</param>
/// <param name="Rows">Rows acknowledged.</param>
/// <param name="Bytes">Bytes of their values.</param>
/// <param name="Failures">Ships given up.</param>
public readonly record struct ShipFigures(long Ships, long Rows, long Bytes, long Failures);

/// <summary>Ships one partition's checkpoints; stepped by one thread, which is not the writer's.</summary>
public sealed class Shipper : IDisposable
{
    private const int RecordsAStep = 4_096;
    private const int AggregatesAStep = 64;

    /// <summary>Share of the interval over which the rows are spread.</summary>
    private const double SpreadOver = 0.8;

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(30);

    private readonly CheckpointSettings settings;
    private readonly ISnapshotStore store;
    private readonly Func<CheckpointManifest?> newest;
    private readonly IFaultPoints faults;
    private readonly SegmentChanges changes;
    private readonly List<SnapshotRow> rows = [];
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stop = new();
    private ShippedMark shipped;
    private long positionBefore;
    private CheckpointManifest? target;
    private IShipment? shipment;
    private Task? waiting;
    private Phase phase;
    private volatile bool hurry;
    private volatile bool unknown;
    private long rowsSent;
    private long bytesSent;
    private DateTimeOffset startedAt;
    private DateTimeOffset retryAt;
    private TimeSpan retry = FirstRetry;

    private enum Phase { Idle, Beginning, Scanning, Writing, Completing }

    /// <param name="settings">What it is about.</param>
    /// <param name="store">Where to.</param>
    /// <param name="changes">Finds what changed in the partition's record log.</param>
    /// <param name="newest">The newest durable checkpoint.</param>
    /// <param name="shipped">What was acknowledged so far.</param>
    /// <param name="isUnknown">The store knows nothing of the partition yet: it is told at once, that there is nothing.</param>
    /// <param name="faults">Named steps at which a test may stop the process.</param>
    public Shipper(
        CheckpointSettings settings, ISnapshotStore store, SegmentChanges changes, Func<CheckpointManifest?> newest, ShippedMark shipped,
        bool isUnknown, IFaultPoints faults)
    {
        unknown = isUnknown && store.KeepsRows;
        this.settings = settings;
        this.store = store;
        this.changes = changes;
        this.newest = newest;
        this.shipped = shipped;
        this.faults = faults;
    }

    /// <summary>What the snapshot store has acknowledged; from any thread.</summary>
    public ShippedMark Shipped
    {
        get { lock (gate) return shipped; }
    }

    /// <summary>
    /// Position of the rows that were acknowledged before those of <see cref="Shipped"/>; 0 where that is not known, as
    /// after a start until the first ship. From any thread.
    /// </summary>
    public long PositionBefore
    {
        get { lock (gate) return positionBefore; }
    }

    /// <summary>Whether rows outlive this machine.</summary>
    public bool KeepsRows => store.KeepsRows;

    /// <summary>Bytes of the record log that are durable and not yet acknowledged; from any thread.</summary>
    public long BacklogBytes => newest() is { } manifest ? Math.Max(0, manifest.Fold.Tail - Shipped.Tail) : 0;

    /// <summary>Records of the event log that are durable here and not yet in the snapshot store; from any thread.</summary>
    public long BacklogEvents => newest() is { } manifest ? Math.Max(0, manifest.Mark.Position - Shipped.Position) : 0;

    /// <summary>What it did so far.</summary>
    public ShipFigures Figures { get; private set; }

    /// <summary>Why the last ship was given up; null after one that completed. From any thread.</summary>
    public Exception? LastError { get; private set; }

    /// <summary>Called, by the stepping thread, when a ship ended: its manifest, rows, or its error.</summary>
    public Action<CheckpointManifest, long, Exception?>? OnEnded { get; set; }

    /// <summary>The port's call that is waited for, for whoever steps it to wake by; null where none is.</summary>
    public Task? Waiting => waiting;

    /// <summary>The process stops: what is left goes as fast as it can. From any thread.</summary>
    public void Hurry() => hurry = true;

    /// <summary>A bounded part of the work; false where there is nothing to do now.</summary>
    /// <exception cref="DamageException">The log does not read back as it was written: the partition is to recover.</exception>
    /// <exception cref="LineageGoneException">The lineage was dropped.</exception>
    public bool Step()
    {
        if (waiting is { IsCompleted: false }) return false;
        try
        {
            waiting?.GetAwaiter().GetResult();
            waiting = null;
            return Advance();
        }
        catch (Exception error) when (error is SnapshotBehindException or SnapshotDamagedException)
        {
            // What was acknowledged is no longer there: everything is shipped again.
            lock (gate) (shipped, positionBefore) = (default, 0);
            GiveUp(error);
            return true;
        }
        catch (Exception error) when (error is SnapshotUnavailableException or IOException or TimeoutException)
        {
            GiveUp(error);
            return true;
        }
        catch (Exception error)
        {
            // Whatever was gathered up to here lacks what could not be read: it must not be completed by a later step,
            // which comes before the writer has heard of the error.
            GiveUp(error);
            throw;
        }
    }

    /// <summary>Gives up what is under way, for good. The thread that steps.</summary>
    public void Dispose()
    {
        stop.Cancel();
        stop.Dispose();
        if (shipment is { } left) _ = DisposeQuietly(left);
        Reset();
    }

    private bool Advance() => phase switch
    {
        Phase.Idle => Start(),
        Phase.Beginning => BeginScan(),
        Phase.Scanning => Scan(),
        Phase.Writing => Write(),
        _ => End(),
    };

    private bool Start()
    {
        if (settings.Time.GetUtcNow() < retryAt) return false;
        if (newest() is not { } manifest) return unknown && Introduce();
        unknown = false;
        var now = new ShippedMark(manifest.Mark.Position, manifest.Fold.Tail);
        if (now == Shipped) return false;
        if (!store.KeepsRows)
        {
            lock (gate) shipped = now;
            return true;
        }
        target = manifest;
        rowsSent = bytesSent = 0;
        startedAt = settings.Time.GetUtcNow();
        faults.Reach("ship-before-intent");
        var begun = store.BeginShipAsync(
            new SnapshotPartition(settings.Lineage, settings.Partition), Shipped.Position, manifest.Mark, stop.Token);
        waiting = Keep(begun);
        phase = Phase.Beginning;
        return true;

        async Task Keep(Task<IShipment> task) => shipment = await task.ConfigureAwait(false);
    }

    /// <summary>
    /// A partition without a record is whole at position 0. Said so that a user's states, which take all partitions,
    /// can be answered from the snapshot.
    /// </summary>
    private bool Introduce()
    {
        waiting = IntroduceAsync();
        return true;
    }

    private async Task IntroduceAsync()
    {
        var partition = new SnapshotPartition(settings.Lineage, settings.Partition);
        var nothing = new SnapshotMark(0, default, settings.Time.GetUtcNow().ToUnixTimeMilliseconds());
        var empty = await store.BeginShipAsync(partition, 0, nothing, stop.Token).ConfigureAwait(false);
        await using (empty.ConfigureAwait(false)) await empty.CompleteAsync(stop.Token).ConfigureAwait(false);
        unknown = false;
    }

    private bool BeginScan()
    {
        faults.Reach("ship-after-intent");
        var mark = Shipped;
        changes.Begin(From(mark), target!.Fold.Tail, mark.Position);
        phase = Phase.Scanning;
        return true;
    }

    // What lies below the log's begin was copied above it, or is gone for good.
    private long From(ShippedMark mark) => Math.Max(mark.Tail, target!.Fold.Begin);

    private bool Scan()
    {
        if (changes.Scan(RecordsAStep)) return true;
        faults.Reach("ship-after-scan");
        phase = Phase.Writing;
        return true;
    }

    private bool Write()
    {
        for (var i = 0; i < AggregatesAStep; i++)
        {
            if (TooEarly()) return i > 0;
            if (!changes.TryNext(target!.Mark.Position, rows))
            {
                Complete();
                return true;
            }
            if (rows.Count == 0) return true;
            rowsSent += rows.Count;
            foreach (var row in rows) bytesSent += row.Value.Length;
            faults.Reach("ship-row");
            var written = shipment!.WriteAsync(rows, stop.Token);
            if (written.IsCompletedSuccessfully) continue;
            waiting = written;
            return true;
        }
        return true;
    }

    private void Complete()
    {
        faults.Reach("ship-before-position");
        waiting = shipment!.CompleteAsync(stop.Token);
        phase = Phase.Completing;
    }

    /// <summary>No burst every interval: rows go at the pace that spreads them; a ship that is late goes as fast as it can.</summary>
    private bool TooEarly()
    {
        if (hurry || !ReferenceEquals(newest(), target)) return false;
        var elapsed = (settings.Time.GetUtcNow() - startedAt) / (settings.Options.Interval * SpreadOver);
        return elapsed < 1 && rowsSent > changes.Count * elapsed;
    }

    private bool End()
    {
        faults.Reach("ship-after-position");
        var done = target!;
        lock (gate) (positionBefore, shipped) = (shipped.Position, new ShippedMark(done.Mark.Position, done.Fold.Tail));
        faults.Reach("ship-acknowledged");
        Figures = new ShipFigures(Figures.Ships + 1, Figures.Rows + rowsSent, Figures.Bytes + bytesSent, Figures.Failures);
        LastError = null;
        retry = FirstRetry;
        var left = shipment!;
        Reset();
        waiting = left.DisposeAsync().AsTask();
        OnEnded?.Invoke(done, rowsSent, null);
        return true;
    }

    private void GiveUp(Exception error)
    {
        waiting = null;
        var failed = target;
        // After the position was acknowledged nothing is given up any more: only the shipment's end failed.
        if (failed is null && !unknown) return;
        LastError = error;
        Figures = Figures with { Failures = Figures.Failures + 1 };
        if (shipment is { } left) waiting = DisposeQuietly(left);
        Reset();
        retryAt = settings.Time.GetUtcNow() + retry;
        retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
        if (failed is not null) OnEnded?.Invoke(failed, rowsSent, error);
    }

    private void Reset()
    {
        shipment = null;
        target = null;
        phase = Phase.Idle;
        changes.Dispose();
    }

    private static async Task DisposeQuietly(IShipment left)
    {
        try
        {
            await left.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is SnapshotUnavailableException or IOException or OperationCanceledException)
        {
            // Abandoned: its intent stays open, and says so.
        }
    }
}
