using ReadStateStream.Host.Http;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Health;

/// <summary>Where a partition is in its life, for people and probes.</summary>
public sealed record PartitionHealth(int Partition, string State, long Position, long LagEvents, long LagMs, int DeadLetters);

/// <summary>All partitions run.</summary>
public sealed record Readiness(string Status, IReadOnlyList<PartitionHealth> Partitions);

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: all of its partitions run.</summary>
public static class HealthEndpoints
{
    /// <summary>Adds both.</summary>
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/health").ExcludeFromDescription();
        group.MapGet("/live", (HttpContext context) => context.Response.WriteAsJsonAsync(new { status = "live" }, Problem.Json));
        group.MapGet("/ready", (HttpContext context, IProcessorParts parts, IHostApplicationLifetime lifetime) =>
            ReadyAsync(context, parts.Partitions, lifetime.ApplicationStopping.IsCancellationRequested));
    }

    private static Task ReadyAsync(HttpContext context, IReadOnlyList<IPartitionQueries> partitions, bool stopping)
    {
        var states = partitions.Select(StateOf).ToArray();
        if (!stopping && partitions.All(partition => partition.State == PartitionState.Running))
            return context.Response.WriteAsJsonAsync(new Readiness("ready", states), Problem.Json);
        var waiting = partitions.Where(partition => partition.State != PartitionState.Running)
            .Select(partition => partition.Number);
        return new Problem(503, "not-ready", "Not all partitions run",
            stopping ? "the process stops" : $"partitions that do not run: {string.Join(", ", waiting)}")
        {
            Extensions = { ["partitions"] = states },
        }.WriteAsync(context);
    }

    private static PartitionHealth StateOf(IPartitionQueries partition) => new(
        partition.Number, partition.State.ToString().ToLowerInvariant(), partition.Position,
        partition.LagEvents, partition.LagMs, partition.DeadLetters);
}
