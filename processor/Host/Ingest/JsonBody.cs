using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Google.Protobuf;
using ReadStateStream.Host.Http;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Ingest;

/// <summary>
/// Reads a JSON body: one event, <c>{"events":[…]}</c> or a bare array. The events' own form is protobuf's
/// canonical JSON; a field it does not know is refused with its name.
/// </summary>
public sealed class JsonBody(int maxEvents)
{
    // Beyond this many digits a number may not survive as a double, which is what the protobuf parser reads it as.
    private const int DigitsExactAsDouble = 15;

    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(false));
    private static readonly byte[] Bom = [0xEF, 0xBB, 0xBF];

    /// <summary>ProblemException (400) where the body as a whole cannot be read.</summary>
    public PostedEvents Read(ReadOnlyMemory<byte> body)
    {
        if (body.Span.StartsWith(Bom)) body = body[Bom.Length..];
        if (!Utf8.IsValid(body.Span))
            throw new ProblemException(new Problem(400, "malformed-json", "The body is not JSON", "the body is not UTF-8"));
        using var document = Parse(body);
        var root = document.RootElement;
        if (root.ValueKind == JsonValueKind.Array) return new PostedEvents(ReadAll(root), Single: false, "");
        if (root.ValueKind != JsonValueKind.Object)
            throw NoBatch("an object or an array is expected");
        if (!root.TryGetProperty("events", out var events)) return new PostedEvents([ReadEvent(root)], Single: true, "");
        if (root.GetPropertyCount() != 1)
            throw NoBatch("beside \"events\" no other property is expected");
        if (events.ValueKind != JsonValueKind.Array)
            throw NoBatch("\"events\" is not an array");
        return new PostedEvents(ReadAll(events), Single: false, "/events");
    }

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(body);
        }
        catch (JsonException malformed)
        {
            // The reader counts lines from 0; people and editors from 1.
            var (line, position) = ((malformed.LineNumber ?? 0) + 1, malformed.BytePositionInLine ?? 0);
            throw new ProblemException(new Problem(400, "malformed-json", "The body is not JSON",
                $"line {line}, byte {position}: {FirstSentence(malformed.Message)}")
            {
                Extensions = { ["line"] = line, ["bytePosition"] = position },
            });
        }
    }

    private PostedEvent[] ReadAll(JsonElement array)
    {
        BatchSize.Check(array.GetArrayLength(), maxEvents);
        var events = new PostedEvent[array.GetArrayLength()];
        var next = 0;
        foreach (var element in array.EnumerateArray()) events[next++] = ReadEvent(element);
        return events;
    }

    private static PostedEvent ReadEvent(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.Object) return Unreadable("an object is expected");
        try
        {
            var raw = JsonMarshal.GetRawUtf8Value(element);
            if (!TryQuoteLongNumbers(raw, out var text, out var inexact))
                return Unreadable($"the number {inexact} cannot be told exactly; write it as a string of digits");
            return new PostedEvent(Parser.Parse<ChannelEvent>(text), null);
        }
        catch (Exception unreadable) when (unreadable is InvalidProtocolBufferException or InvalidJsonException)
        {
            return Unreadable(unreadable.Message);
        }
    }

    // Puts quotes around integers of more digits than a double keeps, so that ids may be numbers. The rest of
    // the text stays as it is, byte for byte.
    private static bool TryQuoteLongNumbers(ReadOnlySpan<byte> json, out string text, out string inexact)
    {
        var reader = new Utf8JsonReader(json);
        ArrayBufferWriter<byte>? quoted = null;
        var copied = 0;
        (text, inexact) = ("", "");
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.Number || reader.ValueSpan.Length <= DigitsExactAsDouble) continue;
            if (reader.ValueSpan.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
            {
                inexact = Encoding.ASCII.GetString(reader.ValueSpan);
                return false;
            }
            quoted ??= new ArrayBufferWriter<byte>(json.Length + 64);
            var start = (int)reader.TokenStartIndex;
            quoted.Write(json[copied..start]);
            quoted.Write("\""u8);
            quoted.Write(reader.ValueSpan);
            quoted.Write("\""u8);
            copied = start + reader.ValueSpan.Length;
        }
        quoted?.Write(json[copied..]);
        text = Encoding.UTF8.GetString(quoted is null ? json : quoted.WrittenSpan);
        return true;
    }

    private static PostedEvent Unreadable(string detail) => new(null, new EventFault(400, "invalid-json", detail, ""));

    private static ProblemException NoBatch(string detail) =>
        new(new Problem(400, "malformed-batch", "The body is no event and no batch", detail));

    // The exception's message repeats path and place in its own words after the first sentence.
    private static string FirstSentence(string message) => message.Split(". ", 2)[0];
}

/// <summary>The bounds of a batch, whatever its form.</summary>
public static class BatchSize
{
    /// <summary>ProblemException (400) for an empty batch and for one beyond the limit.</summary>
    public static void Check(int events, int maxEvents)
    {
        if (events == 0)
            throw new ProblemException(new Problem(400, "empty-batch", "The batch has no events",
                $"1 .. {maxEvents} events are expected"));
        if (events > maxEvents)
            throw new ProblemException(new Problem(400, "batch-too-large", "The batch has too many events",
                $"the batch has {events} events; at most {maxEvents} are accepted")
            { Extensions = { ["limit"] = maxEvents } });
    }
}
