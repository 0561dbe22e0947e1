using System.Text.Json;

namespace ReadStateStream.Oracle.Vectors;

/// <summary>One line of a vector file: a scenario with its policy and steps.</summary>
public sealed class Vector
{
    private static readonly (string Key, string Value)[] NotOffered = [("model", "flags"), ("unreadFrom", "last1")];

    private readonly JsonElement policy;

    private Vector(string id, JsonElement policy, IReadOnlyList<JsonElement> steps)
    {
        Id = id;
        this.policy = policy;
        Steps = steps;
    }

    /// <summary>Stable id.</summary>
    public string Id { get; }

    /// <summary>Operations in order.</summary>
    public IReadOnlyList<JsonElement> Steps { get; }

    /// <summary>Why it cannot be played, by decision; null where it can.</summary>
    public string? Declined => NotOffered
        .Where(choice => policy.ValueKind == JsonValueKind.Object
            && policy.TryGetProperty(choice.Key, out var value) && value.GetString() == choice.Value)
        .Select(choice => $"{choice.Key}: {choice.Value} is not offered")
        .FirstOrDefault();

    /// <summary>The policy it is played under.</summary>
    public OraclePolicy Policy =>
        policy.ValueKind == JsonValueKind.Object ? OraclePolicy.FromJson(policy) : new OraclePolicy();

    /// <summary>Reads one line; JsonException where it is malformed.</summary>
    public static Vector Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement.Clone();
        return new Vector(
            root.GetProperty("id").GetString()!,
            root.TryGetProperty("policy", out var policy) ? policy : default,
            [.. root.GetProperty("steps").EnumerateArray()]);
    }

    /// <summary>Reads a file of one vector a line; empty lines are skipped.</summary>
    public static IReadOnlyList<Vector> ReadFile(string path) =>
        [.. File.ReadLines(path).Where(line => !string.IsNullOrWhiteSpace(line)).Select(Parse)];
}
