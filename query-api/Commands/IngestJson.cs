using System.Text.Json.Serialization;

namespace ReadStateStream.QueryApi.Commands;

/// <summary>What became of one event.</summary>
internal sealed record IngestResult
{
    /// <summary>200 where it was taken.</summary>
    public int Status { get; init; }
    public int Partition { get; init; }
    public long Offset { get; init; }
    public ulong EventId { get; init; }
    /// <summary>Positions to wait for.</summary>
    public string? Token { get; init; }
    public IngestProblem? Problem { get; init; }
}

/// <summary>Answer to an EventBatch.</summary>
internal sealed record IngestAnswer
{
    public IReadOnlyList<IngestResult>? Results { get; init; }
    /// <summary>Merged of all that were taken.</summary>
    public string? Token { get; init; }
}

/// <summary>A problem document, as far as it is passed on.</summary>
internal sealed record IngestProblem
{
    public int? Status { get; init; }
    public string? Type { get; init; }
    public string? Title { get; init; }
    public string? Detail { get; init; }
}

/// <summary>Reads the ingest endpoint's answers; ids come as strings or numbers, members that are new are skipped.</summary>
[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.AllowReadingFromString)]
[JsonSerializable(typeof(IngestAnswer))]
[JsonSerializable(typeof(IngestProblem))]
internal sealed partial class IngestJson : JsonSerializerContext;
