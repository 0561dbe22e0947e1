using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace ReadStateStream.QueryApi.Http;

/// <summary>Examples of answers in the OpenAPI document: serialized like the answers, so they cannot drift from them.</summary>
internal static class OpenApiExamples
{
    private static readonly FreshnessAnswer Freshness = new(
        new Dictionary<string, string> { ["3"] = "17" }, new LagAnswer(0, 0), "live", Stale: false, 0);

    private static readonly CountsAnswer Counts = new(2, new MentionsAnswer(1, 1, 0), "1002", Capped: false);

    private static readonly ReadStateAnswer OneState = new()
    {
        User = "7", Channel = "42", Member = true, Counts = Counts, LastReadId = "1001",
        LastReadAt = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc), LastMessageId = "1003", Kind = "guild",
        Muted = false, EveryoneSuppressed = false, Badge = new BadgeShareAnswer(2, 1), Incomplete = false,
    };

    public static JsonNode State() => Of(OneState with { Freshness = Freshness }, AnswerJson.Default.ReadStateAnswer);

    public static JsonNode Thread() =>
        Of(new ThreadStateAnswer("7", "42", "main", Counts, "1001", "1003", Freshness), AnswerJson.Default.ThreadStateAnswer);

    public static JsonNode Page() => Of(new ReadStatesPage("7", [OneState], null, Freshness), AnswerJson.Default.ReadStatesPage);

    public static JsonNode Badge() => Of(new BadgeAnswer("7", 2, 1, Capped: false, 1, 1, Freshness), AnswerJson.Default.BadgeAnswer);

    public static JsonNode Batch() => Of(
        new ReadStatesBatch([OneState, new ReadStateAnswer { User = "8", Channel = "42", Member = false }], Freshness),
        AnswerJson.Default.ReadStatesBatch);

    public static JsonNode Command() => Of(new CommandAnswer("CgV0b3BpYxIECAMQEg", 1, "1459166279268040704", 3, "17"), AnswerJson.Default.CommandAnswer);

    public static JsonNode ReadAll() => Of(new CommandAnswer("CgV0b3BpYxIECAMQEg", 4, null, null, null), AnswerJson.Default.CommandAnswer);

    private static JsonNode Of<T>(T answer, JsonTypeInfo<T> type) => JsonSerializer.SerializeToNode(answer, type)!;
}
