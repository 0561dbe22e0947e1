namespace ReadStateStream.Host.Http;

/// <summary>Answers every failure of the HTTP endpoints as a problem; the query's own protocol has its own.</summary>
internal sealed class ProblemMiddleware(RequestDelegate next, ILogger<ProblemMiddleware> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
                await Problem.OfStatus(context.Response.StatusCode).WriteAsync(context);
        }
        catch (ProblemException refused)
        {
            await refused.Problem.WriteAsync(context);
        }
        catch (BadHttpRequestException bad)
        {
            await new Problem(bad.StatusCode, "bad-request", "The request is not valid HTTP", bad.Message).WriteAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller hung up: nobody is left to answer.
        }
        catch (Exception failed) when (!context.Response.HasStarted)
        {
            logger.RequestFailed(context.Request.Method, context.Request.Path, failed);
            await new Problem(500, "internal", "The service failed", "the fault is in the service's log").WriteAsync(context);
        }
    }
}
