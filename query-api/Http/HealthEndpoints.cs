using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Snapshots;

namespace ReadStateStream.QueryApi.Http;

/// <summary>
/// Live: this process runs. Ready: every question can be answered, because every partition has an owner, or (then
/// the status is degraded) a snapshot store stands in. Commands need owners all the same.
/// </summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", (Router router) => Of("live", router.Current))
            .WithName("live").WithSummary("Whether this process runs").WithTags("health");
        app.MapGet("/health/ready", ReadyAsync)
            .WithName("ready").WithSummary("Whether every partition has an owner, or is answered from the snapshot store").WithTags("health").ProducesProblem(503);
    }

    private static async Task<HealthAnswer> ReadyAsync(
        Router router, SnapshotAnswers snapshots, IOptions<AnswerOptions> answers, CancellationToken cancellation)
    {
        var (table, options) = (router.Current, answers.Value);
        if (table.Complete) return Of("ready", table);
        if (snapshots.Enabled) return Of("degraded", await snapshots.EnsureLineageAsync(table, cancellation));
        throw Problems.PartitionUnavailable(
            table.PartitionCount == 0 ? "no processor is known now" : $"without a processor: partitions {string.Join(", ", table.Unrouted)}",
            options.RetryAfterSeconds);
    }

    private static HealthAnswer Of(string status, RoutingTable table) => new(status, table.PartitionCount, table.RoutedCount);
}
