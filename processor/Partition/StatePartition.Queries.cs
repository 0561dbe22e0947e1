// Questions to a partition: asked from any thread, executed by the writer between two batches.
using ReadStateStream.Partition.Query;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Partition;

public sealed partial class StatePartition
{
    /// <summary>
    /// Questions between two batches end after this time: callers who ask again at once may keep neither new records
    /// nor the worker's other partitions waiting.
    /// </summary>
    private static readonly TimeSpan QueryTime = TimeSpan.FromMicroseconds(200);

    private const int MissesBeforeWaiting = 3;
    private const string NotOwned = "the log was not heard of for so long that another process may own it";

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

    private Task<FreshnessFigures> Ask(PartitionQuestion question)
    {
        if (state == PartitionState.Failed) throw new PartitionUnavailableException(Number, $"it failed: {Failure?.Message}");
        if (state is PartitionState.Stopping) throw new PartitionUnavailableException(Number, "it is being stopped");
        if (state is not PartitionState.Running) throw new PartitionUnavailableException(Number, "it is recovering");
        if (!log.IsOwned) throw new PartitionUnavailableException(Number, NotOwned);
        var completion = question.Completion();
        questions.Add(question);
        OnWork?.Invoke();
        return completion;
    }

    private bool AnswerQuestions(OpenState open, bool recordsWait)
    {
        var store = open.Store;
        if (!questions.HasWork(Position)) return false;
        var started = settings.Time.GetTimestamp();
        store.Enter();
        try
        {
            // While there is something to fold, what was asked for may come during the next batch.
            if (questions.HasCold && store.CompleteAsked(wait: !recordsWait)) questions.Reheat();
            while (questions.TryTake(Position, out var question))
            {
                Answer(open, question);
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

    private void Answer(OpenState open, PartitionQuestion question)
    {
        var readers = open.Readers;
        readers.Records.Begin(wait: question.Misses >= MissesBeforeWaiting);
        try
        {
            question.Execute(readers);
            open.RequireWhole();
        }
        catch (Exception error)
        {
            // It is no longer in the queue, whose closing fails all others.
            questions.Done();
            question.Fail(new PartitionUnavailableException(Number, $"it failed: {error.Message}"));
            throw;
        }
        if (readers.Records.Missed)
        {
            question.Misses++;
            questions.Chill(question);
            return;
        }
        questions.Done();
        if (log.IsOwned) question.Complete(new FreshnessFigures(Position, LagEvents, LagMs, DeadLetters));
        else question.Fail(new PartitionUnavailableException(Number, NotOwned));
    }
}
