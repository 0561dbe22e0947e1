using System.Globalization;
using System.Text.Json;

namespace ReadStateStream.Drivers;

/// <summary>Counts as the query API writes them: of a channel, a thread, or (without first) a badge.</summary>
internal readonly record struct CountsAnswer(ulong Unread, ulong Mentions, ulong? First, bool Capped)
{
    /// <summary>Reads counts; KeyNotFoundException where a member is missing.</summary>
    public static CountsAnswer Parse(JsonElement counts)
    {
        var mentions = counts.GetProperty("mentions");
        return new(
            Json.Number(counts.GetProperty("unread")),
            Json.Number(mentions.ValueKind == JsonValueKind.Object ? mentions.GetProperty("total") : mentions),
            Json.OptionalNumber(counts, "firstUnreadId"),
            counts.GetProperty("capped").GetBoolean());
    }
}

/// <summary>Numbers of the API: ids are strings, counts are numbers.</summary>
internal static class Json
{
    /// <summary>An id or a count.</summary>
    public static ulong Number(JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? ulong.Parse(value.GetString()!, CultureInfo.InvariantCulture) : value.GetUInt64();

    /// <summary>null where it is absent or null.</summary>
    public static ulong? OptionalNumber(JsonElement holder, string name) =>
        holder.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? Number(value) : null;

    /// <summary>An id as the API takes it.</summary>
    public static string Text(ulong id) => id.ToString(CultureInfo.InvariantCulture);
}
