using Google.Protobuf;
using ReadStateStream.Schemas;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Kafka;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Verbs.DeadLetters;

/// <summary>A dead letter, and what has become of it by the log's own records.</summary>
/// <param name="Kept">The letter.</param>
/// <param name="Outcome">outstanding, resolved, or waived.</param>
/// <param name="Note">Why it was waived.</param>
internal sealed record BookedLetter(KeptLetter Kept, string Outcome, string? Note)
{
    public const string Outstanding = "outstanding";
    public const string Resolved = "resolved";
    public const string Waived = "waived";
}

/// <summary>All dead letters of a topic with their outcomes, which the log tells, not their topic.</summary>
internal static class DeadLetterBook
{
    /// <summary>Reads the topic of dead letters, and the log from the first of them on.</summary>
    public static async Task<IReadOnlyList<BookedLetter>> ReadAsync(VerbSurroundings around, KafkaTopic topic, int partitions, CancellationToken cancellation)
    {
        using var reader = topic.OpenReader();
        var kept = await ShareProgress.RunAsync(around, "reading dead letters", progress => reader.ReadDeadLetters(progress, cancellation));
        var from = Enumerable.Repeat(long.MaxValue, partitions).ToArray();
        foreach (var one in kept)
            if (one.Letter.Partition < partitions)
                from[one.Letter.Partition] = Math.Min(from[one.Letter.Partition], one.Letter.Offset);
        var outcomes = new Dictionary<(int, long), (string, string?)>();
        await ShareProgress.RunAsync(around, "reading the log for what became of them", progress =>
        {
            reader.ReadLog(from, progress, record => Note(outcomes, record.Value), cancellation);
            return 0;
        });
        return [.. kept.Select(one => outcomes.TryGetValue((one.Letter.Partition, one.Letter.Offset), out var found)
            ? new BookedLetter(one, found.Item1, found.Item2) : new BookedLetter(one, BookedLetter.Outstanding, null))];
    }

    private static void Note(Dictionary<(int, long), (string, string?)> outcomes, byte[] value)
    {
        // Small, as all control records are: the bulk of a log is not parsed.
        if (value.Length > 8 << 10) return;
        try
        {
            var e = ChannelEvent.Parser.ParseUntrusted(value);
            if (e.DeadLetterResolved is { } resolved) outcomes[((int)resolved.Partition, (long)resolved.Offset)] = (BookedLetter.Resolved, null);
            else if (e.DeadLetterWaived is { } waived) outcomes[((int)waived.Partition, (long)waived.Offset)] = (BookedLetter.Waived, waived.Reason);
        }
        catch (MalformedMessageException)
        {
            // A dead letter itself, or behind a Confluent header: no record that this tool writes.
        }
    }
}
