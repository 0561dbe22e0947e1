using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Snapshot;

namespace ReadStateStream.QueryApi.Snapshots;

/// <summary>
/// Every read of the snapshot store: with a time-out and measured, whatever the store does with the token. A store
/// that does not answer or is damaged ends the request with a 503, so that its silence is never taken for emptiness.
/// </summary>
internal sealed class SnapshotCalls : IDisposable
{
    private readonly ISnapshotStore store;
    private readonly SnapshotReadOptions options;
    private readonly string storeName;
    private readonly QueryMetrics metrics;
    private readonly TimeProvider time;
    private readonly ILogger<SnapshotCalls> log;
    private readonly ConcurrencyLimiter questions;
    private readonly TimeSpan questionTimeout;
    private readonly int retryAfterSeconds;
    private int failing;

    public SnapshotCalls(
        ISnapshotStore store, IOptions<SnapshotOptions> kind, IOptions<SnapshotReadOptions> options, IOptions<AnswerOptions> answers,
        QueryMetrics metrics, TimeProvider time, ILogger<SnapshotCalls> log)
    {
        (this.store, this.options, this.metrics, this.time, this.log) = (store, options.Value, metrics, time, log);
        storeName = kind.Value.Store;
        questionTimeout = TimeSpan.FromMilliseconds(answers.Value.CallTimeoutMs);
        retryAfterSeconds = answers.Value.RetryAfterSeconds;
        questions = new ConcurrencyLimiter(new ConcurrencyLimiterOptions
        {
            PermitLimit = this.options.ConcurrencyMax,
            QueueLimit = this.options.QueueMax,
        });
    }

    /// <summary>Answers one question in its turn; a 503 where too many wait, or where it takes longer than a processor may.</summary>
    public async Task<T> QuestionAsync<T>(Func<CancellationToken, Task<T>> answer, CancellationToken cancellation)
    {
        using var turn = await questions.AcquireAsync(1, cancellation);
        if (!turn.IsAcquired)
            throw Problems.SnapshotOverloaded(
                "too many questions wait for it: the limits are the settings SnapshotReads__ConcurrencyMax and SnapshotReads__QueueMax", retryAfterSeconds);
        using var expiry = new CancellationTokenSource(questionTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, expiry.Token);
        try
        {
            return await answer(either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw Problems.SnapshotUnavailable(
                $"the snapshot store took longer than {questionTimeout.TotalMilliseconds:0} ms for the question", retryAfterSeconds);
        }
    }

    public Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation) =>
        CallAsync("list_lineages", stop => store.ListLineagesAsync(stop), cancellation);

    public Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation) =>
        CallAsync("read_progress", stop => store.ReadProgressAsync(partition, stop), cancellation);

    public Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation) =>
        CallAsync("read_user", stop => store.ReadUserAsync(partition, user, stop), cancellation);

    public Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation) =>
        CallAsync("read_channel", stop => store.ReadChannelAsync(partition, channel, stop), cancellation);

    /// <summary>The problem of rows that do not decode although their checksums hold, or contradict one another.</summary>
    public ProblemException Damaged(string reason)
    {
        Fails(reason);
        return Problems.SnapshotDamaged(reason, retryAfterSeconds);
    }

    public void Dispose() => questions.Dispose();

    private async Task<T> CallAsync<T>(string operation, Func<CancellationToken, Task<T>> call, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        string? error = null;
        using var expiry = new CancellationTokenSource(TimeSpan.FromMilliseconds(options.ReadTimeoutMs), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, expiry.Token);
        try
        {
            var result = await call(either.Token).WaitAsync(either.Token);
            Answers();
            return result;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            error = "canceled";
            throw;
        }
        catch (OperationCanceledException)
        {
            error = "timeout";
            throw Unavailable($"the snapshot store did not answer {operation} within {options.ReadTimeoutMs} ms");
        }
        catch (SnapshotUnavailableException e)
        {
            error = "unavailable";
            throw Unavailable(e.Message);
        }
        catch (LineageGoneException e)
        {
            error = "gone";
            throw Problems.SnapshotUnavailable(e.Message, retryAfterSeconds);
        }
        catch (SnapshotDamagedException e)
        {
            error = "damaged";
            throw Damaged(e.Message);
        }
        finally
        {
            metrics.SnapshotRead(storeName, operation, error, time.GetElapsedTime(started));
        }
    }

    private ProblemException Unavailable(string reason)
    {
        Fails(reason);
        return Problems.SnapshotUnavailable(reason, retryAfterSeconds);
    }

    // One line for each change, not for each request that meets it.
    private void Fails(string reason)
    {
        if (Interlocked.Exchange(ref failing, 1) == 0) log.SnapshotFails(reason);
    }

    private void Answers()
    {
        if (Volatile.Read(ref failing) == 1 && Interlocked.Exchange(ref failing, 0) == 1) log.SnapshotAnswers();
    }
}
