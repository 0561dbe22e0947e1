// One partition's life: recover its state, read the log, decode, fold into the store, advance the position, answer
// questions, take checkpoints.
//
// Invariants:
// - One writer: Step() is called by one thread at a time, and is bounded.
// - The position moves only forward, and only past records that were folded or noted as dead letters.
// - Questions see the state between two batches: every part of an answer is of one position.
// - Nothing computed from damaged records is published: damage is asked for before the position moves and before
//   an answer leaves, and fails the partition, which then recovers from another source.
using System.Runtime.ExceptionServices;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Partition;

/// <summary>What a partition is made of.</summary>
/// <param name="Number">Its number, 0 .. partition count - 1.</param>
/// <param name="Count">Partitions of the topic.</param>
/// <param name="Policy">What counts.</param>
/// <param name="EventIdEpochUnixMs">Epoch of event ids, milliseconds since the Unix epoch.</param>
/// <param name="MaxAheadMs">How far an event id's time may lie past its record's append time, milliseconds; beyond it: a dead letter.</param>
/// <param name="Time">Clock.</param>
public sealed record PartitionSettings(
    int Number, int Count, PolicyOptions Policy, long EventIdEpochUnixMs, long MaxAheadMs, TimeProvider Time);

/// <summary>A partition: log position, store and life cycle.</summary>
public sealed partial class StatePartition : IPartitionQueries, IDisposable
{
    /// <summary>Records of a batch at most.</summary>
    public const int BatchMax = 256;

    /// <summary>A batch ends after this time, so that questions wait no longer.</summary>
    private static readonly TimeSpan BatchTime = TimeSpan.FromMicroseconds(200);

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromMinutes(1);

    /// <summary>Records whose state is brought into the processor's cache together.</summary>
    private const int WarmGroup = 32;

    private readonly PartitionSettings settings;
    private readonly IEventLog log;
    private readonly IStateRecovery recovery;
    private readonly PartitionTelemetry? telemetry;
    private readonly DeadLetterSink? deadLetterSink;
    private readonly IDeadLetters? deadLetters;
    private readonly QuestionQueue questions;
    private readonly AnswerWriter answers;
    private readonly FactBatch batch;
    private readonly CancellationTokenSource stopping = new();
    private volatile OpenState? opened;
    private Task<RecoveredState>? recovering;
    private Task? keeping;
    private IEventLogReader? reader;
    private long recoverUntil;
    private long liveFrom;
    private long position;
    private long oldestWaitingUnixMs;
    private long drainedSeen;
    private DateTimeOffset retryAt;
    private TimeSpan retry = FirstRetry;
    private Exception? failureBeside;
    private Exception? recoversFrom;
    private volatile PartitionState state = PartitionState.Initializing;
    private PartitionState told = PartitionState.Initializing;

    /// <summary>What there is while the partition is open.</summary>
    private sealed record OpenState(StateStore Store, Aggregates Aggregates, StateReaders Readers, PartitionPersistence? Persistence)
    {
        /// <exception cref="DamageException">A record read from disk is not what was written.</exception>
        public void RequireWhole()
        {
            if (Persistence?.Device.Damage is { } damage) throw damage;
        }
    }

    /// <summary>A partition whose state is recovered by its first steps.</summary>
    public StatePartition(
        PartitionSettings settings, IEventLog log, IStateRecovery recovery, Func<StatePartition, PartitionTelemetry>? telemetry = null,
        DeadLetterSink? deadLetterSink = null, IDeadLetters? deadLetters = null)
    {
        this.deadLetters = deadLetters;
        this.settings = settings;
        this.log = log;
        this.recovery = recovery;
        this.deadLetterSink = deadLetterSink;
        questions = new QuestionQueue(settings.Number);
        answers = new AnswerWriter(settings.Number, settings.Policy.MuteZeroes, settings.EventIdEpochUnixMs);
        batch = new FactBatch(settings, copiesDeadLetters: deadLetters is not null);
        log.OnGrown = () => OnWork?.Invoke();
        this.telemetry = telemetry?.Invoke(this);
    }

    /// <summary>A partition over an empty store (which it owns); it recovers by replay from the log's start.</summary>
    public StatePartition(
        PartitionSettings settings, IEventLog log, StateStore store, Func<StatePartition, PartitionTelemetry>? telemetry = null,
        DeadLetterSink? deadLetterSink = null)
        : this(settings, log, new EmptyState(store), telemetry, deadLetterSink)
    {
    }

    /// <summary>Called, from any thread, when there may be work for <see cref="Step"/>.</summary>
    public Action? OnWork { get; set; }

    /// <summary>Called, by the thread that steps, after <see cref="State"/> changed.</summary>
    public Action<StatePartition>? OnStateChanged { get; set; }

    /// <summary>Why the partition failed; null while it has not.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Where its state was taken from; null before.</summary>
    public RecoverySource? Source { get; private set; }

    public int Number => settings.Number;

    /// <summary>Its state; a partition that another process may own by now is not running, whatever it holds.</summary>
    public PartitionState State => state == PartitionState.Running && !log.IsOwned ? PartitionState.Recovering : state;

    public long Position => Volatile.Read(ref position);
    public long LagEvents => Math.Max(0, log.EndOffset - Position);
    public int DeadLetters => opened?.Aggregates.OutstandingDeadLetters ?? 0;

    public long LagMs
    {
        get
        {
            var oldest = Volatile.Read(ref oldestWaitingUnixMs);
            return LagEvents == 0 || oldest == 0 ? 0 : Math.Max(0, settings.Time.GetUtcNow().ToUnixTimeMilliseconds() - oldest);
        }
    }

    /// <summary>Memory of the store, index included, bytes; from any thread.</summary>
    public long StoreMemoryBytes => StoreFigures.MemoryBytes;

    /// <summary>Figures of the store; zeros while there is none.</summary>
    public StoreFigures StoreFigures => opened?.Store.Figures ?? default;

    /// <summary>What makes its state outlive the process; null while it is not open, or where nothing does. Stepped beside the writer.</summary>
    public PartitionPersistence? Persistence => opened?.Persistence;

    /// <summary>When a failed partition recovers again; null where it does not.</summary>
    public DateTimeOffset? RecoversAt => state == PartitionState.Failed && Failure is not RecoveryRefusedException && recovery is not EmptyState ? retryAt : null;

    /// <summary>
    /// One batch of records, then questions; bounded. False where there was nothing to do. An error fails
    /// the partition, loudly: the others go on. It recovers anew after a while.
    /// </summary>
    public bool Step()
    {
        if (state is PartitionState.Stopping) return false;
        try
        {
            if (opened is not { } open) return Open();
            if (Interlocked.Exchange(ref failureBeside, null) is { } beside) ExceptionDispatchInfo.Throw(beside);
            open.RequireWhole();
            // A store that cannot write would wait for room inside an update: nothing is admitted until it can.
            var applied = open.Persistence?.Device.Stuck is null ? ApplyBatch(open) : 0;
            var answered = AnswerQuestions(open, recordsWait: LagEvents > 0);
            var kept = Persist(open);
            if (state == PartitionState.Recovering && Position >= recoverUntil) Enter(PartitionState.Running);
            // The log is this process's, or is not known to be, without a step.
            Tell();
            return applied > 0 || answered || kept;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Fail(opened?.Persistence?.Device.Damage ?? error);
            return false;
        }
    }

    /// <summary>What runs beside the writer met an error that the state does not survive: the next step fails the partition.</summary>
    public void FailBeside(Exception error)
    {
        Interlocked.CompareExchange(ref failureBeside, error, null);
        OnWork?.Invoke();
    }

    /// <summary>Ends it: whoever asks is told so. Called by the thread that calls <see cref="Step"/>.</summary>
    public void Stop()
    {
        if (state is PartitionState.Stopping) return;
        stopping.Cancel();
        if (state is not PartitionState.Failed) Enter(PartitionState.Stopping);
        questions.Close(new PartitionUnavailableException(Number, "it is being stopped"));
    }

    /// <summary>
    /// Begins a last checkpoint where something was applied since the one before; after <see cref="Stop"/>, by the same
    /// thread. Its end is awaited by stepping <see cref="Persistence"/>.
    /// </summary>
    public void BeginLastCheckpoint()
    {
        if (state is not PartitionState.Stopping || opened is not { Persistence: { Checkpointer: { IsIdle: true } checkpointer } persistence }) return;
        if (Position >= liveFrom && persistence.Device.Stuck is null && persistence.Device.Damage is null && checkpointer.IsLastWorthwhile(Position))
            checkpointer.Begin(Position, isLast: true);
        persistence.Shipper.Hurry();
    }

    public void Dispose()
    {
        Stop();
        // A recovery under way ends by its token; what it still opens is closed here.
        if (recovering is { } left) CloseRecovered(left);
        Close();
        telemetry?.Dispose();
        stopping.Dispose();
    }

    private bool Open()
    {
        if (recovering is null)
        {
            if (state == PartitionState.Failed && (RecoversAt is not { } at || settings.Time.GetUtcNow() < at)) return false;
            if (state == PartitionState.Failed) Enter(PartitionState.Initializing);
            recovering = recovery.RecoverAsync(recoversFrom, stopping.Token);
            if (!recovering.IsCompleted) _ = recovering.ContinueWith(_ => OnWork?.Invoke(), TaskScheduler.Default);
        }
        if (!recovering.IsCompleted) return false;
        var recovered = recovering;
        recovering = null;
        Take(recovered.GetAwaiter().GetResult());
        return true;
    }

    private void Take(RecoveredState recovered)
    {
        var store = recovered.Store;
        store.Lists = batch.Lists;
        var aggregates = new Aggregates(store, StoredPolicy.From(settings.Policy));
        var records = new RecordReader(store);
        var readers = new StateReaders(records, new ChannelReader(records, AnswerPolicy.From(settings.Policy), store.MaxValueBytes));
        opened = new OpenState(store, aggregates, readers, recovered.Persistence);
        if (log.BeginOffset > recovered.Position)
            throw new InvalidDataException(
                $"partition {Number}: the log begins at offset {log.BeginOffset}, the state ends at {recovered.Position}; a new lineage starts at a log's first record");
        store.Enter();
        aggregates.Restore();
        store.Exit();
        opened.RequireWhole();
        recoversFrom = null;
        Source = recovered.Source;
        liveFrom = recovered.LiveFrom;
        recoverUntil = Math.Max(log.EndOffset, liveFrom);
        drainedSeen = 0;
        Volatile.Write(ref position, recovered.Position);
        reader = log.OpenReader(recovered.Position);
        questions.Open();
        Enter(PartitionState.Recovering);
    }

    private void Enter(PartitionState next)
    {
        state = next;
        if (next == PartitionState.Running) retry = FirstRetry;
        Tell();
    }

    private void Tell()
    {
        if (State is var now && now == told) return;
        told = now;
        OnStateChanged?.Invoke(this);
    }

    private int ApplyBatch(OpenState open)
    {
        var store = open.Store;
        var started = settings.Time.GetTimestamp();
        var count = keeping is null ? ReadBatch() : batch.Items.Length;
        if (count == 0 || !AreDeadLettersKept()) return 0;
        var decoded = settings.Time.GetTimestamp();
        store.Enter();
        try
        {
            if (store.HasRecordsOnDisk) store.Prefetch(batch.Keys(0, count));
            var prefetched = settings.Time.GetTimestamp();
            Apply(open);
            Record(store, started, decoded, prefetched, count);
        }
        finally
        {
            store.Exit();
        }
        open.RequireWhole();
        // Only now is the batch part of the state that questions see.
        Volatile.Write(ref oldestWaitingUnixMs, batch.LastAppendedUnixMs);
        Volatile.Write(ref position, reader!.NextOffset);
        return count;
    }

    private int ReadBatch()
    {
        var count = batch.Read(reader!, settings.Time, BatchTime);
        if (count > 0) return count;
        Volatile.Write(ref oldestWaitingUnixMs, 0);
        // Past offsets that hold no record.
        Volatile.Write(ref position, reader!.NextOffset);
        return 0;
    }

    /// <summary>Whether the batch may be applied: what of it cannot be folded is durable elsewhere, or need not be.</summary>
    private bool AreDeadLettersKept()
    {
        if (deadLetters is null || batch.DeadLetters.Count == 0) return true;
        if (keeping is null)
        {
            keeping = deadLetters.KeepAsync(batch.DeadLetters, stopping.Token);
            if (!keeping.IsCompleted) _ = keeping.ContinueWith(_ => OnWork?.Invoke(), TaskScheduler.Default);
        }
        if (!keeping.IsCompleted) return false;
        var kept = keeping;
        keeping = null;
        kept.GetAwaiter().GetResult();
        return true;
    }

    private void Apply(OpenState open)
    {
        for (var first = 0; first < batch.Items.Length; first += WarmGroup)
        {
            var length = Math.Min(WarmGroup, batch.Items.Length - first);
            open.Store.Warm(batch.Keys(first, length));
            foreach (ref readonly var item in batch.Items.Slice(first, length)) Apply(open.Aggregates, item);
        }
    }

    private void Apply(Aggregates aggregates, in BatchItem item)
    {
        if (item.Error == DecodeError.None)
        {
            aggregates.Apply(item.Fact, batch.Lists);
            return;
        }
        aggregates.AddDeadLetter(item.Fact.Offset);
        telemetry?.RecordDeadLetters(1);
        deadLetterSink?.Invoke(Number, item.Fact.Offset, item.Error.Describe());
    }

    private void Record(StateStore store, long started, long decoded, long prefetched, int count)
    {
        if (telemetry is null) return;
        var time = settings.Time;
        telemetry.RecordStage(Stage.Decode, time.GetElapsedTime(started, decoded));
        telemetry.RecordStage(Stage.Prefetch, time.GetElapsedTime(decoded, prefetched));
        telemetry.RecordStage(Stage.Apply, time.GetElapsedTime(prefetched));
        telemetry.RecordProcess(time.GetElapsedTime(started));
        telemetry.RecordConsumed(count);
        var drained = store.Figures.Drained;
        if (drained == drainedSeen) return;
        telemetry.RecordPending((int)(drained - drainedSeen));
        drainedSeen = drained;
    }

    /// <summary>Takes a checkpoint where it is time, copies a few records for the compaction.</summary>
    private bool Persist(OpenState open)
    {
        if (open.Persistence is not { } persistence || persistence.Device.Stuck is not null) return false;
        // Rows that were restored ahead of the position would be in it, and whoever opens it would not know how far.
        var prepared = Position >= liveFrom && persistence.Checkpointer.Due(Position) && persistence.Checkpointer.Prepare(Position);
        if (!persistence.Compactor.IsReady) return prepared;
        open.Store.Enter();
        try
        {
            return persistence.Compactor.CopySome();
        }
        finally
        {
            open.Store.Exit();
        }
    }

    private void Fail(Exception error)
    {
        Failure = error;
        // Damage is what a recovery has to know of, whatever else went wrong before it came off.
        if (recoversFrom is not DamageException) recoversFrom = error;
        questions.Close(new PartitionUnavailableException(Number, $"it failed: {error.Message}"));
        retryAt = settings.Time.GetUtcNow() + retry;
        retry = retry * 2 < LastRetry ? retry * 2 : LastRetry;
        Enter(PartitionState.Failed);
        Close();
    }

    private void Close()
    {
        var open = opened;
        opened = null;
        keeping = null;
        reader?.Dispose();
        reader = null;
        if (open is null) return;
        open.Persistence?.Close();
        open.Store.Dispose();
    }

    private static void CloseRecovered(Task<RecoveredState> left) => _ = left.ContinueWith(
        static ended =>
        {
            if (!ended.IsCompletedSuccessfully) return;
            ended.Result.Persistence?.Close();
            ended.Result.Store.Dispose();
        }, TaskScheduler.Default);
}

/// <summary>Told of each record that could not be folded: partition, offset, reason.</summary>
public delegate void DeadLetterSink(int partition, long offset, string reason);
