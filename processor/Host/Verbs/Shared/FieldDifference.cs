using System.Text.Json.Nodes;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Where two decoded records differ first.</summary>
/// <param name="Field">Path of the field, such as <c>tail[3].author</c>.</param>
/// <param name="One">Its value in the first; null: not there.</param>
/// <param name="Other">Its value in the other; null: not there.</param>
internal sealed record FieldDifference(string Field, string? One, string? Other)
{
    /// <summary>The first difference; null where they are equal.</summary>
    public static FieldDifference? Between(JsonNode? one, JsonNode? other, string path = "")
    {
        if (JsonNode.DeepEquals(one, other)) return null;
        if (one is JsonObject fields && other is JsonObject others)
            return fields.Select(field => field.Key).Union(others.Select(field => field.Key))
                .Select(name => Between(fields[name], others[name], path.Length == 0 ? name : $"{path}.{name}"))
                .First(difference => difference is not null);
        if (one is JsonArray items && other is JsonArray otherItems)
        {
            for (var i = 0; i < Math.Min(items.Count, otherItems.Count); i++)
                if (Between(items[i], otherItems[i], $"{path}[{i}]") is { } difference)
                    return difference;
            return new FieldDifference($"{path}.length", $"{items.Count}", $"{otherItems.Count}");
        }
        return new FieldDifference(path, one?.ToJsonString(VerbOutput.JsonLine), other?.ToJsonString(VerbOutput.JsonLine));
    }
}
