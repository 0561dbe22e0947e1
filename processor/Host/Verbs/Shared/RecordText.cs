using System.Globalization;
using System.Text.Json.Nodes;
using ReadStateStream.Fold;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Decoded records as lines that a person reads.</summary>
/// <param name="EpochUnixMs">Epoch of event ids, milliseconds since the Unix epoch.</param>
internal sealed record RecordText(long EpochUnixMs)
{
    private const string Indent = "  ";

    /// <summary>Writes a record with its applied offset and its fields, but for those that say nothing.</summary>
    public void Write(TextWriter output, Key16 key, ReadOnlySpan<byte> value)
    {
        output.WriteLine($"{RecordName.Of(key, value)} (applied up to offset {RecordHeader.Applied(value)}, {value.Length} bytes)");
        foreach (var (name, field) in RecordJson.Of(key, value)) WriteField(output, name, field);
    }

    private void WriteField(TextWriter output, string name, JsonNode? field)
    {
        if (field is not JsonArray array)
        {
            if (!SaysNothing(name, field)) output.WriteLine($"{Indent}{name}: {Plain(name, field)}");
            return;
        }
        if (array.Count == 0) return;
        if (array[0] is not JsonObject)
        {
            output.WriteLine($"{Indent}{name}: {string.Join(", ", array.Select(item => item?.ToString()))}");
            return;
        }
        output.WriteLine($"{Indent}{name}: {array.Count}");
        foreach (var item in array)
        {
            var parts = item!.AsObject().Where(part => !SaysNothing(part.Key, part.Value));
            output.WriteLine($"{Indent}{Indent}{string.Join("  ", parts.Select(part => $"{part.Key} {Plain(part.Key, part.Value)}"))}");
        }
    }

    // An offset of 0 is one, -1 is none; of everything else 0 says that there is nothing.
    private static bool SaysNothing(string name, JsonNode? field) => field?.ToJsonString() switch
    {
        null or "false" or "-1" => true,
        "0" or "\"0\"" => !name.EndsWith("Offset", StringComparison.Ordinal),
        _ => false,
    };

    private string Plain(string name, JsonNode? field)
    {
        if (field is JsonArray array) return string.Join(",", array.Select(item => item?.ToString()));
        var text = field?.ToString() ?? "";
        if (!name.EndsWith("ventId", StringComparison.Ordinal) || !ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var id)) return text;
        var unixMs = (long)(id >> EventIdTime.Shift) + EpochUnixMs;
        return $"{text} ({VerbOutput.Time(unixMs)})";
    }
}
