using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>What a source answered, and how fresh each partition's part of it is.</summary>
internal sealed record Answered<T>(T Response, IReadOnlyList<PartFreshness> Parts);

/// <summary>
/// Answers for some partitions by one routing table: the processor that owns them, or the snapshot store for
/// those without an owner. Equal by reference: one object a source.
/// </summary>
internal abstract class AnswerSource
{
    /// <summary>The policy keeps threads apart.</summary>
    public abstract Task<bool> ThreadsSeparateAsync(CancellationToken cancellation);

    /// <summary>States in the order of the keys; the partitions are those of their channels, and of users read here.</summary>
    public abstract Task<Answered<GetStatesResponse>> AskAsync(
        GetStatesRequest request, IReadOnlyCollection<int> partitions, PositionWait wait, CancellationToken cancellation);

    /// <summary>A user's states or sums, in one response or several: each ends at a horizon of its own.</summary>
    public abstract Task<Answered<IReadOnlyList<GetUserResponse>>> AskAsync(
        GetUserRequest request, PositionWait wait, CancellationToken cancellation);

    /// <summary>Whom a user blocked; the partition is the user's own.</summary>
    public abstract Task<Answered<BlockedUsers>> AskAsync(
        GetBlockedUsersRequest request, int partition, PositionWait wait, CancellationToken cancellation);
}

/// <summary>A processor, for the partitions that it owns.</summary>
internal sealed class ProcessorSource(ProcessorQuestions questions, ProcessorClaims owner, RoutingTable table) : AnswerSource
{
    public override Task<bool> ThreadsSeparateAsync(CancellationToken cancellation) => Task.FromResult(owner.Claims.ThreadsSeparate);

    public override async Task<Answered<GetStatesResponse>> AskAsync(
        GetStatesRequest request, IReadOnlyCollection<int> partitions, PositionWait wait, CancellationToken cancellation)
    {
        var response = await questions.AskAsync(owner, request, partitions, wait, cancellation);
        return new Answered<GetStatesResponse>(response, [.. response.Partitions.Select(PartFreshness.OfOwner)]);
    }

    public override async Task<Answered<IReadOnlyList<GetUserResponse>>> AskAsync(
        GetUserRequest request, PositionWait wait, CancellationToken cancellation)
    {
        var response = await questions.AskAsync(owner, request, wait, cancellation);
        return new Answered<IReadOnlyList<GetUserResponse>>([response], [.. response.Partitions.Select(PartFreshness.OfOwner)]);
    }

    // The lag of a user's own partition is the owner's claim.
    public override async Task<Answered<BlockedUsers>> AskAsync(
        GetBlockedUsersRequest request, int partition, PositionWait wait, CancellationToken cancellation)
    {
        var blocked = await questions.AskAsync(owner, request, partition, wait, cancellation);
        var claim = table.ClaimOf(partition);
        return new Answered<BlockedUsers>(blocked, [PartFreshness.OfOwner(new PartitionFreshness
        {
            Partition = blocked.AsOf.Partition, Position = blocked.AsOf.Position,
            LagEvents = claim?.LagEvents ?? 0, Incomplete = claim?.DeadLetters ?? 0,
        })]);
    }
}

/// <summary>The source of every partition, by one routing table.</summary>
/// <param name="table">Who owns what.</param>
/// <param name="questions">Asks owners.</param>
/// <param name="snapshot">Answers for partitions without an owner; null: nobody does.</param>
/// <param name="retryAfterSeconds">Retry-After where nobody answers.</param>
internal sealed class AnswerSources(RoutingTable table, ProcessorQuestions questions, AnswerSource? snapshot, int retryAfterSeconds)
{
    private readonly Dictionary<ProcessorClient, ProcessorSource> owners = [];

    public RoutingTable Table => table;

    /// <summary>The partition's owner, else the snapshot; a 503 where neither answers.</summary>
    public AnswerSource Of(int partition)
    {
        if (!table.TryOwner(partition, out var owner)) return snapshot ?? throw NoOwner(partition);
        if (!owners.TryGetValue(owner.Processor, out var source))
            owners[owner.Processor] = source = new ProcessorSource(questions, owner, table);
        return source;
    }

    /// <summary>The partition's owner; a 503 where it has none.</summary>
    public ProcessorClaims OwnerOf(int partition) => table.TryOwner(partition, out var owner) ? owner : throw NoOwner(partition);

    /// <summary>Every source with its partitions.</summary>
    public List<(AnswerSource Source, List<int> Partitions)> All() =>
        [.. Enumerable.Range(0, table.PartitionCount).GroupBy(Of).Select(g => (g.Key, g.ToList()))];

    private ProblemException NoOwner(int partition) =>
        Problems.PartitionUnavailable($"partition {partition} has no processor now", retryAfterSeconds);
}
