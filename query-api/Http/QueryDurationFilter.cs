using ReadStateStream.QueryApi.Telemetry;

namespace ReadStateStream.QueryApi.Http;

/// <summary>Measures each question and command by its operation's name and by how it ended: ok, or the problem's name.</summary>
internal sealed class QueryDurationFilter(QueryMetrics metrics, TimeProvider time) : IEndpointFilter
{
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var name = context.HttpContext.GetEndpoint()?.Metadata.GetMetadata<IEndpointNameMetadata>()?.EndpointName ?? "unnamed";
        var started = time.GetTimestamp();
        var outcome = "ok";
        try
        {
            return await next(context);
        }
        catch (Exception e)
        {
            outcome = e switch
            {
                ProblemException problem => problem.Code,
                OperationCanceledException => "canceled",
                _ => "internal",
            };
            throw;
        }
        finally
        {
            metrics.QueryAnswered(name, outcome, time.GetElapsedTime(started));
        }
    }
}
