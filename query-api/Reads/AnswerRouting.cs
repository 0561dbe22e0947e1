using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Snapshots;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>Whether an answer may be older than the present.</summary>
internal enum Staleness
{
    /// <summary>Only owners answer: commands are validated against the present state.</summary>
    Refused,
    /// <summary>The snapshot store answers for partitions without an owner.</summary>
    Accepted,
}

/// <summary>A processor that was asked does not answer: ask another by a newer table, or the snapshot store.</summary>
/// <param name="message">What it said.</param>
/// <param name="processor">Which one; null: it takes no part in answers.</param>
/// <param name="late">It has the partition, but did not answer in time: no use in asking it again.</param>
/// <param name="inner">Cause.</param>
internal sealed class PartitionMovedException(string message, ProcessorClient? processor, bool late = false, Exception? inner = null)
    : Exception(message, inner)
{
    public ProcessorClient? Processor { get; } = processor;
    public bool Late { get; } = late;
}

/// <summary>The snapshot is older than the positions wanted: only an owner can answer.</summary>
internal sealed class SnapshotTooOldException(IReadOnlyList<PartitionPosition> reached) : Exception("the snapshot is older than the position asked for")
{
    /// <summary>The partitions read, with the positions that their snapshot has.</summary>
    public IReadOnlyList<PartitionPosition> Reached { get; } = reached;
}

/// <summary>
/// Answers by one routing table, and once more by a newer one where a partition moved meanwhile. A processor that
/// fails again, or answers too late, is left out: the snapshot store answers for its partitions, or 503. Where the
/// snapshot is older than the caller's token, an owner is waited for until the deadline; then 409.
/// </summary>
internal sealed class AnswerRouting(
    Router router, ProcessorQuestions questions, SnapshotAnswers snapshots, IOptions<AnswerOptions> answers, IOptions<RoutingOptions> routing,
    QueryMetrics metrics, TimeProvider time, ILogger<AnswerRouting> log)
{
    // Each may cost Answers__CallTimeoutMs.
    private const int GivenUpMax = 3;

    private readonly int retryAfterSeconds = answers.Value.RetryAfterSeconds;
    private readonly TimeSpan movedWait = TimeSpan.FromMilliseconds(routing.Value.MovedWaitMs);

    public async Task<T> AnswerAsync<T>(
        Func<AnswerSources, Task<T>> question, Staleness staleness, PositionWait wait, CancellationToken cancellation)
    {
        var degrades = staleness == Staleness.Accepted && snapshots.Enabled;
        var givenUp = new HashSet<ProcessorClient>();
        var table = router.Current;
        var moved = false;
        while (true)
        {
            try
            {
                return await question(await SourcesAsync(table, degrades, wait, cancellation));
            }
            catch (PartitionMovedException e) when (!moved && !e.Late)
            {
                moved = true;
                log.PartitionMoved(e.Message);
                metrics.PartitionMoved();
                table = (await NextTableAsync(table, cancellation)).Without(givenUp);
            }
            catch (PartitionMovedException e)
            {
                if (!degrades || e.Processor is null || givenUp.Count == GivenUpMax || !givenUp.Add(e.Processor))
                    throw Problems.PartitionUnavailable(e.Message, retryAfterSeconds);
                log.ProcessorGivenUp(e.Message);
                table = table.Without(givenUp);
            }
            catch (SnapshotTooOldException e)
            {
                if (wait.Left <= TimeSpan.Zero) wait.EnsureApplied(e.Reached);
                table = await OwnedTableAsync(e.Reached, givenUp, wait, cancellation);
            }
        }
    }

    private async Task<AnswerSources> SourcesAsync(RoutingTable table, bool degrades, PositionWait wait, CancellationToken cancellation)
    {
        if (table.PartitionCount == 0)
            table = degrades ? await snapshots.TableAsync(cancellation)
                : throw Problems.PartitionUnavailable("no processor is known now", retryAfterSeconds);
        wait.EnsureTopic(table);
        return new AnswerSources(table, questions, degrades ? snapshots.SourceOf(table) : null, retryAfterSeconds);
    }

    // The old owner's word that it gave the partition up often comes before the new owner's claim: wait for both.
    // Without them in time the present table is tried.
    private Task<RoutingTable> NextTableAsync(RoutingTable table, CancellationToken cancellation) =>
        TableAsync(t => !t.RoutesAs(table) && t.RoutedCount >= table.RoutedCount, movedWait, cancellation);

    // Without one in time the present table: the snapshot may have grown.
    private async Task<RoutingTable> OwnedTableAsync(
        IReadOnlyList<PartitionPosition> behind, HashSet<ProcessorClient> givenUp, PositionWait wait, CancellationToken cancellation)
    {
        var lacking = behind.Where(p => !wait.IsReached([p])).Select(p => (int)p.Partition).ToList();
        var table = await TableAsync(
            t => lacking.TrueForAll(p => t.TryOwner(p, out var owner) && !givenUp.Contains(owner.Processor)), wait.Left, cancellation);
        return table.Without(givenUp);
    }

    private async Task<RoutingTable> TableAsync(Func<RoutingTable, bool> condition, TimeSpan most, CancellationToken cancellation)
    {
        using var expiry = new CancellationTokenSource(most > TimeSpan.Zero ? most : TimeSpan.Zero, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, expiry.Token);
        try
        {
            return await router.WaitForAsync(condition, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return router.Current;
        }
    }
}
