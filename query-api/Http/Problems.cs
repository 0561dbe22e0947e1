using System.Globalization;
using Microsoft.AspNetCore.Mvc;

namespace ReadStateStream.QueryApi.Http;

/// <summary>Ends a request with a problem document (RFC 9457).</summary>
internal sealed class ProblemException(ProblemDetails problem, int retryAfterSeconds = 0) : Exception(problem.Detail)
{
    public ProblemDetails Problem { get; } = problem;

    /// <summary>Retry-After, seconds; 0: none.</summary>
    public int RetryAfterSeconds { get; } = retryAfterSeconds;

    /// <summary>Last part of the problem's type.</summary>
    public string Code => Problem.Type![(Problem.Type!.LastIndexOf(':') + 1)..];
}

/// <summary>
/// Every problem that this API answers, each with a type that never changes its meaning. 400: the request
/// itself is wrong. 404: no such route, or the user has no state in that channel. 409: true later or under
/// another policy. 422: well-formed, refused by the present state. 429, 503: later, see Retry-After.
/// </summary>
internal static class Problems
{
    public const string TypePrefix = "urn:readstatestream:problem:";

    public static ProblemException InvalidParameter(string name, string detail) =>
        new(Of(400, "invalid-parameter", "A parameter is not valid", detail, ("parameter", name)));

    public static ProblemException InvalidToken(string detail) =>
        new(Of(400, "invalid-token", "The token is not one of this topic", detail));

    public static ProblemException MalformedJson(string detail, long? line, long? column, string? path) =>
        new(Of(400, "malformed-json", "The body is not the JSON expected", detail, ("line", line), ("column", column), ("path", path)));

    /// <param name="user">The user.</param>
    /// <param name="channels">Where there is no state.</param>
    /// <param name="stale">What that is the truth of, where it is not the present.</param>
    public static ProblemException NotAMember(ulong user, IReadOnlyList<ulong> channels, FreshnessAnswer? stale = null) =>
        new(Of(404, "not-a-member", "The user has no state in the channel",
            $"user {user} is not a member of channel {string.Join(", ", channels)}, or the channel was deleted",
            ("user", Id(user)), ("channels", channels.Select(Id).ToArray()), ("freshness", stale)));

    public static ProblemException ThreadsInline() =>
        new(Of(409, "threads-inline", "Threads are read with their channel",
            "this deployment's policy keeps no state for a thread of its own: ask for the channel"));

    public static ProblemException NotYetApplied(IReadOnlyDictionary<string, string> reached, IReadOnlyDictionary<string, string> wanted) =>
        new(Of(409, "not-yet-applied", "The position asked for is not applied yet",
            $"waited for {Text(wanted)}, reached {Text(reached)}; ask again, or with a longer waitMs",
            ("reached", reached), ("wanted", wanted)));

    public static ProblemException MessageNotFound(ulong channel, ulong message) =>
        new(Of(422, "message-not-found", "There is no such message",
            $"message {message} does not exist in channel {channel}: never sent, deleted, purged or out of the window"));

    public static ProblemException OwnMessage(ulong message) =>
        new(Of(422, "own-message", "One's own message cannot be marked unread",
            $"message {message} is the user's own, and this deployment's policy refuses that"));

    public static ProblemException InvalidCommand(string detail) =>
        new(Of(422, "invalid-command", "The command contradicts itself", detail));

    public static ProblemException PartitionUnavailable(string detail, int retryAfterSeconds) =>
        new(Of(503, "partition-unavailable", "A partition has no processor now", detail), retryAfterSeconds);

    public static ProblemException ProcessorOverloaded(string detail, int retryAfterSeconds) =>
        new(Of(503, "processor-overloaded", "A processor has too many questions waiting", detail), retryAfterSeconds);

    /// <summary>No owner, and the snapshot store does not answer, or not of that.</summary>
    public static ProblemException SnapshotUnavailable(string detail, int retryAfterSeconds) =>
        new(Of(503, "snapshot-unavailable", "A partition has no processor now, nor does the snapshot store answer for it", detail), retryAfterSeconds);

    public static ProblemException SnapshotDamaged(string detail, int retryAfterSeconds) =>
        new(Of(503, "snapshot-damaged", "A partition has no processor now, and its snapshot is damaged", detail), retryAfterSeconds);

    public static ProblemException SnapshotOverloaded(string detail, int retryAfterSeconds) =>
        new(Of(503, "snapshot-overloaded", "A partition has no processor now, and this is too much to read from the snapshot store", detail),
            retryAfterSeconds);

    public static ProblemException ProcessorFailed(string detail) =>
        new(Of(502, "processor-failed", "A processor answered against the protocol", detail));

    public static ProblemException PublishUnconfirmed(string detail, int retryAfterSeconds) =>
        new(Of(503, "publish-unconfirmed", "It is not known whether the event log took the command", detail), retryAfterSeconds);

    /// <summary>The event log's endpoint said no; status 503 and 429 are passed on, anything else is our fault or its.</summary>
    public static ProblemException PublishRefused(int status, string detail, int retryAfterSeconds)
    {
        var passedOn = status is 429 or 503 ? status : 502;
        return new(Of(passedOn, "publish-refused", "The event log did not take the command", detail, ("ingestStatus", status)),
            passedOn == 502 ? 0 : retryAfterSeconds);
    }

    public static ProblemException TooManyRequests(int retryAfterSeconds) =>
        new(Of(429, "too-many-requests", "Too many requests at the same time", "the limit is the setting Answers__ConcurrencyMax"), retryAfterSeconds);

    /// <summary>A problem of the HTTP layer itself, by its status.</summary>
    public static ProblemDetails OfStatus(int status, string? detail) => status switch
    {
        400 => Of(status, "bad-request", "The request is not valid", detail),
        404 => Of(status, "not-found", "There is no such resource", detail),
        405 => Of(status, "method-not-allowed", "The resource does not take this method", detail),
        408 => Of(status, "request-timeout", "The request came too slowly", detail),
        413 => Of(status, "payload-too-large", "The body is too large", detail ?? "the limit is the setting Answers__BodyBytesMax"),
        415 => Of(status, "unsupported-media-type", "The body must be application/json", detail),
        >= 500 => Of(status, "internal", "Something failed here", detail),
        _ => Of(status, $"http-{status.ToString(CultureInfo.InvariantCulture)}", "The request was refused", detail),
    };

    private static ProblemDetails Of(int status, string code, string title, string? detail, params (string Name, object? Value)[] extensions)
    {
        var problem = new ProblemDetails { Status = status, Type = TypePrefix + code, Title = title, Detail = detail };
        foreach (var (name, value) in extensions)
            if (value is not null) problem.Extensions[name] = value;
        return problem;
    }

    private static string Id(ulong id) => id.ToString(CultureInfo.InvariantCulture);

    private static string Text(IReadOnlyDictionary<string, string> positions) =>
        string.Join(", ", positions.Select(p => $"{p.Value} of partition {p.Key}"));
}
