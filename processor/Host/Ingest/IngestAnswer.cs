using System.Globalization;
using ReadStateStream.Host.Http;

namespace ReadStateStream.Host.Ingest;

/// <summary>An event that is in the log. Numbers that may pass 2^53 are strings.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="EventId">Its event id, stamped or its own.</param>
/// <param name="Token">To be passed to queries that must not answer from before this event.</param>
public sealed record EventAccepted(int Partition, string Offset, string EventId, string Token);

/// <summary>One event of a batch: with <see cref="Status"/> 200 its position, else what is wrong with it.</summary>
public sealed record EventResult(
    int Status, int? Partition = null, string? Offset = null, string? EventId = null, string? Token = null,
    Problem? Problem = null);

/// <summary>A batch, event by event.</summary>
/// <param name="Results">In the order of the events.</param>
/// <param name="Accepted">Events that are in the log.</param>
/// <param name="Rejected">The others.</param>
/// <param name="Token">Covers all accepted events; absent where there are none.</param>
public sealed record BatchResult(IReadOnlyList<EventResult> Results, int Accepted, int Rejected, string? Token);

/// <summary>Turns outcomes into what the endpoint answers.</summary>
public sealed class IngestAnswer(string topicIdentity, IngestOptions options)
{
    /// <summary>Answer to a single event; ProblemException where it was not taken.</summary>
    public EventAccepted Single(PostedEvents posted, EventOutcome outcome)
    {
        if (outcome.Fault is { } fault) throw new ProblemException(ProblemOf(fault, outcome.EventId, posted.PointerTo(0)));
        return new EventAccepted(outcome.Partition, Text(outcome.Offset), Text(outcome.EventId), TokenOf([outcome])!);
    }

    /// <summary>
    /// Answer to a batch. ProblemException (503) where none was taken and the log is why: the caller may
    /// then simply send all of it again. It carries the results, so that invalid ones are known already.
    /// </summary>
    public BatchResult Batch(PostedEvents posted, EventOutcome[] outcomes)
    {
        var accepted = outcomes.Count(outcome => outcome.Fault is null);
        var results = outcomes.Select((outcome, index) => ResultOf(outcome, posted.PointerTo(index))).ToArray();
        if (accepted == 0 && Array.Find(outcomes, outcome => outcome.Fault?.Status == 503).Fault is { } unavailable)
            throw new ProblemException(new Problem(503, unavailable.Code, unavailable.Title,
                "no event of the batch was taken: " + unavailable.Detail)
            {
                RetryAfterSeconds = options.RetryAfterSeconds,
                Extensions = { ["results"] = results },
            });
        return new BatchResult(results, accepted, outcomes.Length - accepted, TokenOf(outcomes));
    }

    private EventResult ResultOf(EventOutcome outcome, string pointer) => outcome.Fault is { } fault
        ? new EventResult(fault.Status, Problem: ProblemOf(fault, outcome.EventId, pointer))
        : new EventResult(200, outcome.Partition, Text(outcome.Offset), Text(outcome.EventId), TokenOf([outcome]));

    private Problem ProblemOf(EventFault fault, ulong eventId, string pointer)
    {
        var problem = new Problem(fault.Status, fault.Code, fault.Title, fault.Detail)
        {
            Pointer = pointer + fault.Pointer,
            RetryAfterSeconds = fault.Status == 503 ? options.RetryAfterSeconds : 0,
        };
        // With it the caller can post again what may be in the log already.
        if (fault.Status == 503 && eventId != 0) problem.Extensions["eventId"] = Text(eventId);
        return problem;
    }

    private string? TokenOf(IEnumerable<EventOutcome> outcomes)
    {
        var taken = outcomes.Where(outcome => outcome.Fault is null)
            .Select(outcome => (outcome.Partition, outcome.Offset)).ToArray();
        return taken.Length == 0 ? null : PublishTokens.Of(topicIdentity, taken);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(ulong number) => number.ToString(CultureInfo.InvariantCulture);
}
