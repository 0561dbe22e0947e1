using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;

namespace ReadStateStream.QueryApi.Http;

/// <summary>Live: this process runs. Ready: every partition has an owner, so that every question can be answered.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", (Router router) => Of("live", router.Current))
            .WithName("live").WithSummary("Whether this process runs").WithTags("health");
        app.MapGet("/health/ready", (Router router, IOptions<AnswerOptions> options) => Ready(router.Current, options.Value))
            .WithName("ready").WithSummary("Whether every partition has an owner").WithTags("health").ProducesProblem(503);
    }

    private static HealthAnswer Ready(RoutingTable table, AnswerOptions options)
    {
        if (table.Complete) return Of("ready", table);
        throw Problems.PartitionUnavailable(
            table.PartitionCount == 0 ? "no processor is known now" : $"without a processor: partitions {string.Join(", ", table.Unrouted)}",
            options.RetryAfterSeconds);
    }

    private static HealthAnswer Of(string status, RoutingTable table) => new(status, table.PartitionCount, table.RoutedCount);
}
