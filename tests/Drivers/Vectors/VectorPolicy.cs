using System.Globalization;
using System.Text.Json;

namespace ReadStateStream.Drivers.Vectors;

/// <summary>The policy that a vector names, as settings of the product; values equal to the default are left out.</summary>
internal sealed class VectorPolicy
{
    private static readonly Dictionary<string, string> Defaults = new(StringComparer.Ordinal)
    {
        ["ownCounts"] = "false",
        ["ownSendAcks"] = "true",
        ["webhookIsOwn"] = "true",
        ["dmMentions"] = "true",
        ["threads"] = "inline",
        ["countKinds"] = "text,system",
        ["muteZeroes"] = "false",
        ["unreadFrom"] = "pointer",
        ["model"] = "pointer",
        ["joinBaseline"] = "join",
        ["window"] = "10000",
        ["refuseOwnUnreadFrom"] = "false",
        ["dmMutedMentionsOnly"] = "false",
    };

    private readonly SortedDictionary<string, string> overrides = new(StringComparer.Ordinal);

    /// <summary>Equal for equal policies.</summary>
    public string Key => string.Join(' ', overrides.Select(o => $"{o.Key}={o.Value}"));

    /// <summary>Why the product does not offer it, by decision; null where it does.</summary>
    public string? Declined =>
        overrides.GetValueOrDefault("model") == "flags" ? "model: flags"
        : overrides.GetValueOrDefault("unreadFrom") == "last1" ? "unreadFrom: last1"
        : null;

    /// <summary>Reads the object; another key or an unsuitable value is an error of the vector.</summary>
    public static VectorPolicy Parse(string id, JsonElement element)
    {
        var policy = new VectorPolicy();
        foreach (var property in element.EnumerateObject())
        {
            if (!Defaults.TryGetValue(property.Name, out var byDefault))
                throw new VectorFormatException(id, $"policy.{property.Name}: no such policy");
            var value = Text(property.Name, property.Value)
                ?? throw new VectorFormatException(id, $"policy.{property.Name}: {property.Value.GetRawText()} is no value of it");
            if (value != byDefault) policy.overrides[property.Name] = value;
        }
        return policy;
    }

    /// <summary>As environment variables of the product.</summary>
    public Dictionary<string, string> Settings()
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in overrides)
        {
            var key = $"Policy__{char.ToUpperInvariant(name[0])}{name[1..]}";
            if (name == "countKinds")
            {
                var kinds = value.Split(',');
                for (var i = 0; i < kinds.Length; i++) settings[$"{key}__{i}"] = kinds[i];
            }
            else
            {
                settings[key] = value;
            }
        }
        return settings;
    }

    private static string? Text(string name, JsonElement value) => name switch
    {
        "threads" => OneOf(value, "inline", "separate"),
        "joinBaseline" => OneOf(value, "join", "all"),
        "model" => OneOf(value, "pointer", "flags"),
        "unreadFrom" => OneOf(value, "pointer", "last1"),
        "window" => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var n) && n > 0
            ? n.ToString(CultureInfo.InvariantCulture) : null,
        "countKinds" => Kinds(value),
        _ => value.ValueKind switch { JsonValueKind.True => "true", JsonValueKind.False => "false", _ => null },
    };

    private static string? OneOf(JsonElement value, params string[] names) =>
        value.ValueKind == JsonValueKind.String && names.Contains(value.GetString()) ? value.GetString() : null;

    // In the vocabulary's order, so that equal sets are equal.
    private static string? Kinds(JsonElement value)
    {
        string[] all = ["text", "joinleave", "system", "notice", "silent"];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0) return null;
        var named = value.EnumerateArray().Select(kind => OneOf(kind, all)).ToHashSet();
        return named.Contains(null) ? null : string.Join(',', all.Where(named.Contains));
    }
}
