using System.Text.Json.Nodes;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>A record with its key as JSON: <c>{kind, ids …, offset, fields}</c>.</summary>
internal static class RowJson
{
    /// <summary>The whole record.</summary>
    /// <exception cref="InvalidDataException">Its value does not decode.</exception>
    public static JsonObject Of(Key16 key, long offset, ReadOnlySpan<byte> value)
    {
        var row = RecordJson.KeyOf(key);
        row["offset"] = offset;
        row["fields"] = RecordJson.Of(key, value);
        return row;
    }
}
