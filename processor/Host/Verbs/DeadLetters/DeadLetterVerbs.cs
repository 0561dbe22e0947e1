using System.CommandLine;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using ReadStateStream.Schemas;
using ReadStateStream.Host.Ingest;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Host.Verbs.Topics;
using ReadStateStream.Kafka;
using ReadStateStream.Partition.Log;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Verbs.DeadLetters;

/// <summary>
/// <c>dlq list|show|redrive|waive</c>: what could not be folded. A redrive and a waiver are records of the log itself, so that
/// a failover, a replay and a rebuild count the same; both only say what they would do until <c>--yes</c>.
/// </summary>
internal static class DeadLetterVerbs
{
    private static readonly Argument<int> Partition = new("PARTITION") { Description = "Partition that the record lies in" };
    private static readonly Argument<long> Offset = new("OFFSET") { Description = "Its offset" };
    private static readonly Option<bool> Yes = new("--yes") { Description = "Do it; without, it is only said what would be done" };
    private static readonly Option<bool> Force = new("--force") { Description = "Also where it counts otherwise here than at its own place in the log" };
    private static readonly Option<string> Reason = new("--reason") { Description = "Why it is given up, for people", Required = true };
    private static readonly Option<bool> All = new("--all") { Description = "Also those that are resolved or waived" };

    public static Command Create(VerbSurroundings around)
    {
        var list = new Command("list", "Dead letters, one for each record that could not be folded.") { All };
        around.Bind(list, (settings, parsed, cancellation) => ListAsync(around, settings, parsed.GetValue(All), cancellation));
        var show = new Command("show", "One of them: why, key, headers, and the event where it can be decoded.") { Partition, Offset };
        around.Bind(show, (settings, parsed, cancellation) => ShowAsync(around, settings, parsed.GetValue(Partition), parsed.GetValue(Offset), cancellation));
        var redrive = new Command("redrive", "Publishes its event once more, under its own event id and right key, and that it is resolved.") { Partition, Offset, Yes, Force };
        around.Bind(redrive, (settings, parsed, cancellation) => RedriveAsync(
            around, settings, parsed.GetValue(Partition), parsed.GetValue(Offset), parsed.GetValue(Yes), parsed.GetValue(Force), cancellation));
        var waive = new Command("waive", "Gives it up: answers count it as incomplete no more.") { Partition, Offset, Yes, Reason };
        around.Bind(waive, (settings, parsed, cancellation) => WaiveAsync(
            around, settings, parsed.GetValue(Partition), parsed.GetValue(Offset), parsed.GetValue(Yes), parsed.GetRequiredValue(Reason), cancellation));
        return new Command("dlq", "Dead letters of a topic of Kafka.") { list, show, redrive, waive };
    }

    private static async Task<int> ListAsync(VerbSurroundings around, ProcessorSettings settings, bool all, CancellationToken cancellation)
    {
        await using var topic = await TopicVerbs.OpenCheckedAsync(around, settings);
        var letters = await DeadLetterBook.ReadAsync(around, topic, settings.Processor.Partitions, cancellation);
        var shown = letters.Where(one => all || one.Outcome == BookedLetter.Outstanding).ToList();
        VerbOutput.WriteTable(around.Output, ["partition>", "offset>", "kept", "outcome", "code", "reason"], shown.Select(static one => new[]
        {
            $"{one.Kept.Letter.Partition}", $"{one.Kept.Letter.Offset}", VerbOutput.Time(one.Kept.Letter.AppendedUnixMs),
            one.Note is null ? one.Outcome : $"{one.Outcome}: {one.Note}", one.Kept.Letter.Code, one.Kept.Letter.Reason,
        }));
        around.Output.WriteLine($"{letters.Count(static one => one.Outcome == BookedLetter.Outstanding)} outstanding of {letters.Count}");
        return VerbSurroundings.Fine;
    }

    private static async Task<int> ShowAsync(VerbSurroundings around, ProcessorSettings settings, int partition, long offset, CancellationToken cancellation)
    {
        await using var topic = await TopicVerbs.OpenCheckedAsync(around, settings);
        var booked = await FindAsync(around, settings, topic, partition, offset, cancellation);
        var letter = booked.Kept.Letter;
        VerbOutput.WriteJson(around.Output, new
        {
            letter.Partition, letter.Offset, booked.Outcome, booked.Note, letter.Code, letter.Reason, booked.Kept.Copies, Key = Text(letter.Key),
            Headers = RecordHeaders.Read(letter.Headers).ToDictionary(static one => one.Name, static one => one.Value is null ? null : Text(one.Value)),
            ValueBytes = letter.Value.Length, Value = Convert.ToHexStringLower(letter.Value.AsSpan(0, Math.Min(letter.Value.Length, 512))), Event = EventText(letter.Value),
        });
        return VerbSurroundings.Fine;
    }

    private static async Task<int> RedriveAsync(
        VerbSurroundings around, ProcessorSettings settings, int partition, long offset, bool yes, bool force, CancellationToken cancellation)
    {
        await using var topic = await TopicVerbs.OpenCheckedAsync(around, settings);
        var booked = await FindAsync(around, settings, topic, partition, offset, cancellation);
        if (booked.Outcome != BookedLetter.Outstanding) return Refuse(around, $"it is {booked.Outcome} already");
        var plan = Redrive.Of(
            booked.Kept.Letter, settings.Processor.Partitions, settings.EventIds, around.Time.GetUtcNow().ToUnixTimeMilliseconds(), ControlId(around, settings));
        if (plan.Refusal is { } refusal) return Refuse(around, refusal);
        if (plan.DependsOnOrder && !force)
            return Refuse(around, "what it counts depends on its place in the log, which is another now: --force publishes it all the same");
        return await PublishAsync(around, topic, plan.Records, yes, "the event, and that its dead letter is resolved");
    }

    private static async Task<int> WaiveAsync(
        VerbSurroundings around, ProcessorSettings settings, int partition, long offset, bool yes, string reason, CancellationToken cancellation)
    {
        if (reason.Length > settings.Ingest.MaxReasonCharacters) throw new SettingException($"--reason has {reason.Length} characters, {settings.Ingest.MaxReasonCharacters} at most");
        await using var topic = await TopicVerbs.OpenCheckedAsync(around, settings);
        var booked = await FindAsync(around, settings, topic, partition, offset, cancellation);
        if (booked.Outcome != BookedLetter.Outstanding) return Refuse(around, $"it is {booked.Outcome} already");
        var waiver = Redrive.Waiver(booked.Kept.Letter, settings.Processor.Partitions, ControlId(around, settings), reason);
        return await PublishAsync(around, topic, [waiver], yes, "that the dead letter is waived");
    }

    private static async Task<int> PublishAsync(VerbSurroundings around, KafkaTopic topic, IReadOnlyList<OutgoingRecord> records, bool yes, string what)
    {
        if (!yes)
        {
            around.Output.WriteLine($"would publish {what}: {string.Join(", ", records.Select(static one => $"{one.Value.Length} bytes to partition {one.Partition}"))}; --yes does it");
            return VerbSurroundings.Fine;
        }
        // One after the other: the letter is resolved only by an event that is in the log.
        foreach (var record in records)
        {
            var result = (await topic.Publisher.PublishAsync([record], CancellationToken.None))[0];
            if (result.Error is { } error) throw new IOException($"not published: {error.Message}", error);
            around.Output.WriteLine($"partition {record.Partition}, offset {result.Offset}");
        }
        around.Output.WriteLine($"published {what}");
        return VerbSurroundings.Fine;
    }

    private static int Refuse(VerbSurroundings around, string why)
    {
        around.Error.WriteLine($"processor: {why}");
        return VerbSurroundings.Refused;
    }

    private static async Task<BookedLetter> FindAsync(
        VerbSurroundings around, ProcessorSettings settings, KafkaTopic topic, int partition, long offset, CancellationToken cancellation) =>
        (await DeadLetterBook.ReadAsync(around, topic, settings.Processor.Partitions, cancellation))
            .FirstOrDefault(one => one.Kept.Letter.Partition == partition && one.Kept.Letter.Offset == offset)
        ?? throw new SettingException($"no dead letter of partition {partition}, offset {offset}");

    // Beside processors that stamp: a node of its own, as likely as any.
    private static ulong ControlId(VerbSurroundings around, ProcessorSettings settings)
    {
        var stamper = new EventIdStamper(
            around.Time, settings.EventIds.EpochUnixMs, settings.EventIds.MaxAheadSeconds * 1_000L, 0, Random.Shared.Next(EventIdStamper.NodeMax + 1));
        return stamper.TryStamp(out var id) ? id : throw new SettingException("the clock lies outside of what event ids can tell (EventIds__Epoch)");
    }

    private static string Text(byte[] bytes) =>
        bytes.All(static one => one is >= 0x20 and < 0x7f) ? Encoding.ASCII.GetString(bytes) : "0x" + Convert.ToHexStringLower(bytes);

    private static string? EventText(byte[] value)
    {
        try
        {
            return JsonFormatter.Default.Format(ChannelEvent.Parser.ParseUntrusted(value));
        }
        catch (MalformedMessageException)
        {
            return null;
        }
    }
}
