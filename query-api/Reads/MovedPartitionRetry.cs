using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Telemetry;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>Answers by one routing table, and once more by a newer one where a partition moved meanwhile; then 503.</summary>
internal sealed class MovedPartitionRetry(
    Router router, IOptions<AnswerOptions> answers, IOptions<RoutingOptions> routing, QueryMetrics metrics,
    TimeProvider time, ILogger<MovedPartitionRetry> log)
{
    private readonly int retryAfterSeconds = answers.Value.RetryAfterSeconds;
    private readonly TimeSpan movedWait = TimeSpan.FromMilliseconds(routing.Value.MovedWaitMs);

    public async Task<T> AnswerAsync<T>(Func<RoutingTable, Task<T>> question, PositionWait wait, CancellationToken cancellation)
    {
        var table = router.Current;
        try
        {
            return await AskAsync(question, table, wait);
        }
        catch (PartitionMovedException e)
        {
            log.PartitionMoved(e.Message);
            metrics.PartitionMoved();
        }
        try
        {
            return await AskAsync(question, await NextTableAsync(table, cancellation), wait);
        }
        catch (PartitionMovedException e)
        {
            throw Problems.PartitionUnavailable(e.Message, retryAfterSeconds);
        }
    }

    /// <summary>The owner; a 503 where the partition has none.</summary>
    public ProcessorClaims OwnerOf(RoutingTable table, int partition) =>
        table.TryOwner(partition, out var owner) ? owner
            : throw Problems.PartitionUnavailable($"partition {partition} has no processor now", retryAfterSeconds);

    private Task<T> AskAsync<T>(Func<RoutingTable, Task<T>> question, RoutingTable table, PositionWait wait)
    {
        if (table.PartitionCount == 0) throw Problems.PartitionUnavailable("no processor is known now", retryAfterSeconds);
        wait.EnsureTopic(table);
        return question(table);
    }

    // The old owner's word that it gave the partition up often comes before the new owner's claim: wait for both.
    // Without them in time the present table is tried.
    private async Task<RoutingTable> NextTableAsync(RoutingTable table, CancellationToken cancellation)
    {
        using var expiry = new CancellationTokenSource(movedWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, expiry.Token);
        try
        {
            return await router.WaitForAsync(t => !t.RoutesAs(table) && t.RoutedCount >= table.RoutedCount, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return router.Current;
        }
    }
}
