// One partition's life: read the log, decode, fold into the store, advance the position, answer questions.
//
// Invariants:
// - One writer: Step() is called by one thread at a time, and is bounded.
// - The position moves only forward, and only past records that were folded or noted as dead letters.
// - Questions see the state between two batches: every part of an answer is of one position.
using ReadStateStream.Fold;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Partition.Log;
using ReadStateStream.Partition.Query;
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
public sealed class StatePartition : IPartitionQueries, IDisposable
{
    /// <summary>Records of a batch at most.</summary>
    public const int BatchMax = 256;

    /// <summary>A batch ends after this time, so that questions wait no longer.</summary>
    private static readonly TimeSpan BatchTime = TimeSpan.FromMicroseconds(200);

    /// <summary>
    /// Questions between two batches end after this time: callers who ask again at once may keep neither new records
    /// nor the worker's other partitions waiting.
    /// </summary>
    private static readonly TimeSpan QueryTime = TimeSpan.FromMicroseconds(200);

    /// <summary>Records whose state is brought into the processor's cache together.</summary>
    private const int WarmGroup = 32;

    private const int MissesBeforeWaiting = 3;

    private readonly PartitionSettings settings;
    private readonly IEventLog log;
    private readonly StateStore store;
    private readonly Aggregates aggregates;
    private readonly PartitionTelemetry? telemetry;
    private readonly DeadLetterSink? deadLetterSink;
    private readonly QuestionQueue questions;
    private readonly StateReaders readers;
    private readonly AnswerWriter answers;
    private readonly FactBatch batch;
    private IEventLogReader? reader;
    private long recoverUntil;
    private long position;
    private long oldestWaitingUnixMs;
    private long drainedSeen;
    private volatile PartitionState state = PartitionState.Initializing;

    /// <summary>A partition over an empty store (which it owns); it recovers by replay from the log's start.</summary>
    public StatePartition(
        PartitionSettings settings, IEventLog log, StateStore store, Func<StatePartition, PartitionTelemetry>? telemetry = null,
        DeadLetterSink? deadLetterSink = null)
    {
        this.settings = settings;
        this.log = log;
        this.store = store;
        this.deadLetterSink = deadLetterSink;
        aggregates = new Aggregates(store, StoredPolicy.From(settings.Policy));
        questions = new QuestionQueue(settings.Number);
        var records = new RecordReader(store);
        readers = new StateReaders(
            records, new ChannelReader(records, AnswerPolicy.From(settings.Policy), store.MaxValueBytes));
        answers = new AnswerWriter(settings.Number, settings.Policy.MuteZeroes, settings.EventIdEpochUnixMs);
        batch = new FactBatch(settings);
        store.Lists = batch.Lists;
        log.OnGrown = () => OnWork?.Invoke();
        this.telemetry = telemetry?.Invoke(this);
    }

    /// <summary>Called, from any thread, when there may be work for <see cref="Step"/>.</summary>
    public Action? OnWork { get; set; }

    /// <summary>Called, by the thread that steps, after <see cref="State"/> changed.</summary>
    public Action<StatePartition>? OnStateChanged { get; set; }

    /// <summary>Why the partition failed; null while it has not.</summary>
    public Exception? Failure { get; private set; }

    public int Number => settings.Number;
    public PartitionState State => state;
    public long Position => Volatile.Read(ref position);
    public long LagEvents => Math.Max(0, log.EndOffset - Position);
    public int DeadLetters => aggregates.OutstandingDeadLetters;

    public long LagMs
    {
        get
        {
            var oldest = Volatile.Read(ref oldestWaitingUnixMs);
            return LagEvents == 0 || oldest == 0 ? 0 : Math.Max(0, settings.Time.GetUtcNow().ToUnixTimeMilliseconds() - oldest);
        }
    }

    /// <summary>Memory of the store, index included, bytes; from any thread.</summary>
    public long StoreMemoryBytes => state is PartitionState.Stopping or PartitionState.Failed ? 0 : store.Figures.MemoryBytes;

    /// <summary>Figures of the store.</summary>
    public StoreFigures StoreFigures => store.Figures;

    /// <summary>
    /// One batch of records, then questions; bounded. False where there was nothing to do. An error fails
    /// the partition, loudly: the others go on.
    /// </summary>
    public bool Step()
    {
        if (state is PartitionState.Failed or PartitionState.Stopping) return false;
        try
        {
            if (reader is null) Open();
            var applied = ApplyBatch();
            var answered = AnswerQuestions(recordsWait: LagEvents > 0);
            if (state == PartitionState.Recovering && Position >= recoverUntil) Enter(PartitionState.Running);
            return applied > 0 || answered;
        }
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            Fail(error);
            return false;
        }
    }

    /// <summary>Ends it: whoever asks is told so. Called by the thread that calls <see cref="Step"/>.</summary>
    public void Stop()
    {
        if (state is PartitionState.Failed or PartitionState.Stopping) return;
        Enter(PartitionState.Stopping);
        questions.Close(new PartitionUnavailableException(Number, "it is being stopped"));
    }

    public async Task<(IReadOnlyList<Schemas.V1.ReadState> States, PartitionFreshness Freshness)> GetStatesAsync(
        IReadOnlyList<GetStatesRequest.Types.Key> keys, BlockedLookup blocked, long atLeast, CancellationToken cancellation)
    {
        var question = new StatesQuestion(keys, blocked, atLeast, cancellation);
        var figures = await Ask(question).ConfigureAwait(false);
        var states = new Schemas.V1.ReadState[keys.Count];
        var lost = 0;
        for (var i = 0; i < states.Length; i++)
        {
            states[i] = answers.State(keys[i].UserId, keys[i].ChannelId, question.Answers[i]);
            if (question.Answers[i].Lost) lost++;
        }
        return (states, answers.Freshness(figures, lost));
    }

    public async Task<GetUserResponse> GetUserAsync(
        GetUserRequest request, BlockedLookup blocked, long atLeast, CancellationToken cancellation)
    {
        var question = new UserQuestion(request, blocked, atLeast, cancellation);
        var figures = await Ask(question).ConfigureAwait(false);
        return answers.User(request.UserId, question.Found, figures);
    }

    public async Task<BlockedUsers> GetBlockedUsersAsync(ulong user, long atLeast, CancellationToken cancellation)
    {
        var question = new BlockedQuestion(user, atLeast, cancellation);
        var figures = await Ask(question).ConfigureAwait(false);
        var blocked = new BlockedUsers { UserId = user, AsOf = new PartitionPosition { Partition = (uint)Number, Position = (ulong)figures.Position } };
        blocked.BlockedUserIds.AddRange(question.Blocked);
        return blocked;
    }

    public void Dispose()
    {
        Stop();
        reader?.Dispose();
        store.Dispose();
        telemetry?.Dispose();
    }

    private Task<FreshnessFigures> Ask(PartitionQuestion question)
    {
        if (state == PartitionState.Failed) throw new PartitionUnavailableException(Number, $"it failed: {Failure?.Message}");
        if (state is PartitionState.Stopping) throw new PartitionUnavailableException(Number, "it is being stopped");
        if (state is not PartitionState.Running) throw new PartitionUnavailableException(Number, "it is recovering");
        var completion = question.Completion();
        questions.Add(question);
        OnWork?.Invoke();
        return completion;
    }

    private void Open()
    {
        if (log.BeginOffset != 0)
            throw new InvalidDataException(
                $"partition {Number}: the log begins at offset {log.BeginOffset}; a new lineage starts at a log's first record");
        recoverUntil = log.EndOffset;
        store.Enter();
        aggregates.Restore();
        store.Exit();
        reader = log.OpenReader(0);
        Enter(PartitionState.Recovering);
    }

    private void Enter(PartitionState next)
    {
        state = next;
        OnStateChanged?.Invoke(this);
    }

    private int ApplyBatch()
    {
        var started = settings.Time.GetTimestamp();
        var count = batch.Read(reader!, settings.Time, BatchTime);
        if (count == 0)
        {
            Volatile.Write(ref oldestWaitingUnixMs, 0);
            return 0;
        }
        var decoded = settings.Time.GetTimestamp();
        store.Enter();
        try
        {
            if (store.HasRecordsOnDisk) store.Prefetch(batch.Keys(0, count));
            var prefetched = settings.Time.GetTimestamp();
            Apply();
            Record(started, decoded, prefetched, count);
        }
        finally
        {
            store.Exit();
        }
        // Only now is the batch part of the state that questions see.
        Volatile.Write(ref oldestWaitingUnixMs, batch.LastAppendedUnixMs);
        Volatile.Write(ref position, reader!.NextOffset);
        return count;
    }

    private void Apply()
    {
        for (var first = 0; first < batch.Items.Length; first += WarmGroup)
        {
            var length = Math.Min(WarmGroup, batch.Items.Length - first);
            store.Warm(batch.Keys(first, length));
            foreach (ref readonly var item in batch.Items.Slice(first, length)) Apply(item);
        }
    }

    private void Apply(in BatchItem item)
    {
        if (item.Error is null)
        {
            aggregates.Apply(item.Fact, batch.Lists);
            return;
        }
        aggregates.AddDeadLetter(item.Fact.Offset);
        telemetry?.RecordDeadLetters(1);
        deadLetterSink?.Invoke(Number, item.Fact.Offset, item.Error);
    }

    private void Record(long started, long decoded, long prefetched, int count)
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

    private bool AnswerQuestions(bool recordsWait)
    {
        if (!questions.HasWork(Position)) return false;
        var started = settings.Time.GetTimestamp();
        store.Enter();
        try
        {
            // While there is something to fold, what was asked for may come during the next batch.
            if (questions.HasCold && store.CompleteAsked(wait: !recordsWait)) questions.Reheat();
            while (questions.TryTake(Position, out var question))
            {
                Answer(question);
                if (settings.Time.GetElapsedTime(started) > QueryTime) break;
            }
        }
        finally
        {
            store.Exit();
        }
        telemetry?.RecordStage(Stage.Query, settings.Time.GetElapsedTime(started));
        return true;
    }

    private void Answer(PartitionQuestion question)
    {
        readers.Records.Begin(wait: question.Misses >= MissesBeforeWaiting);
        question.Execute(readers);
        if (readers.Records.Missed)
        {
            question.Misses++;
            questions.Chill(question);
            return;
        }
        questions.Done();
        question.Complete(new FreshnessFigures(Position, LagEvents, LagMs, DeadLetters));
    }

    private void Fail(Exception error)
    {
        Failure = error;
        questions.Close(new PartitionUnavailableException(Number, $"it failed: {error.Message}"));
        Enter(PartitionState.Failed);
    }
}

/// <summary>Told of each record that could not be folded: partition, offset, reason.</summary>
public delegate void DeadLetterSink(int partition, long offset, string reason);
