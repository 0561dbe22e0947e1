using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ReadStateStream.Host.Http;

/// <summary>
/// An RFC 9457 problem. Written whatever the request accepts: who sends an Accept header without problems in
/// it still learns what is wrong.
/// </summary>
public sealed class Problem
{
    /// <summary>Content type of a problem.</summary>
    public const string ContentType = "application/problem+json";

    /// <summary>Prefix of every <see cref="Type"/>; what follows is stable.</summary>
    public const string TypePrefix = "urn:readstatestream:problem:";

    /// <summary>A problem of a kind of its own.</summary>
    public Problem(int status, string code, string title, string detail)
    {
        Status = status;
        Type = TypePrefix + code;
        Title = title;
        Detail = detail;
    }

    /// <summary>Names the kind of problem.</summary>
    [JsonPropertyOrder(0)] public string Type { get; }
    /// <summary>The same for all problems of this type.</summary>
    [JsonPropertyOrder(1)] public string Title { get; }
    /// <summary>HTTP status.</summary>
    [JsonPropertyOrder(2)] public int Status { get; }
    /// <summary>What is wrong this time.</summary>
    [JsonPropertyOrder(3)] public string Detail { get; }
    /// <summary>JSON pointer into the request's body; absent where it concerns no part of it.</summary>
    [JsonPropertyOrder(4)] public string? Pointer { get; init; }

    /// <summary>What else this type of problem says.</summary>
    [JsonExtensionData] public Dictionary<string, object?> Extensions { get; init; } = [];

    /// <summary>Retry-After, seconds; 0: retrying does not help.</summary>
    [JsonIgnore] public int RetryAfterSeconds { get; init; }

    /// <summary>Answers with it, where the answer has not begun yet.</summary>
    public Task WriteAsync(HttpContext context)
    {
        var response = context.Response;
        if (response.HasStarted) return Task.CompletedTask;
        response.StatusCode = Status;
        if (RetryAfterSeconds > 0)
            response.Headers.RetryAfter = RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
        return response.WriteAsJsonAsync(this, Json, ContentType, context.RequestAborted);
    }

    /// <summary>A problem without a type of its own: the status says it all.</summary>
    public static Problem OfStatus(int status) => status switch
    {
        404 => new(404, "not-found", "There is nothing at this address", "the path is none of this service's"),
        405 => new(405, "method-not-allowed", "The method is not offered here", "the header Allow names those that are"),
        _ => new(status, "http-" + status.ToString(CultureInfo.InvariantCulture),
            Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status), "the request was not served"),
    };

    /// <summary>How JSON is written here: camel case, absent instead of null.</summary>
    public static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}

/// <summary>A request that is refused as a whole.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail)
{
    /// <summary>What to answer.</summary>
    public Problem Problem { get; } = problem;
}
