using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using ReadStateStream.QueryApi.Telemetry;

namespace ReadStateStream.QueryApi.Http;

/// <summary>Turns whatever ends a request early into a problem document.</summary>
internal sealed class ProblemHandling(ILogger<ProblemHandling> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext context, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }
        var problem = Translate(exception);
        if (problem is null)
        {
            log.RequestFailed(exception, context.Request.Method, context.Request.Path);
            problem = new ProblemException(Problems.OfStatus(500, "the log of this process has the details"));
        }
        await WriteAsync(context, problem);
        return true;
    }

    /// <summary>Writes the problem as the whole response.</summary>
    public static async Task WriteAsync(HttpContext context, ProblemException problem)
    {
        if (problem.RetryAfterSeconds > 0)
            context.Response.Headers.RetryAfter = problem.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        await WriteAsync(context, problem.Problem);
    }

    /// <summary>Writes the problem as the whole response.</summary>
    public static Task WriteAsync(HttpContext context, ProblemDetails problem)
    {
        problem.Instance = context.Request.Path;
        context.Response.StatusCode = problem.Status!.Value;
        return context.Response.WriteAsJsonAsync(problem, options: null, "application/problem+json", context.RequestAborted);
    }

    private static ProblemException? Translate(Exception exception) => exception switch
    {
        ProblemException problem => problem,
        BadHttpRequestException { InnerException: JsonException json } => OfJson(json),
        JsonException json => OfJson(json),
        BadHttpRequestException bad => new ProblemException(Problems.OfStatus(bad.StatusCode, bad.Message)),
        _ => null,
    };

    // Lines and columns from 1, as editors show them; a column counts bytes.
    private static ProblemException OfJson(JsonException json) =>
        Problems.MalformedJson(json.Message, json.LineNumber + 1, json.BytePositionInLine + 1, json.Path);
}
