using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;

namespace ReadStateStream.QueryApi.Http;

/// <summary>Serialization of every body, generated at build. Strict on input: unknown and repeated members are errors.</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    NumberHandling = JsonNumberHandling.Strict,
    PropertyNameCaseInsensitive = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ReadStateAnswer))]
[JsonSerializable(typeof(ThreadStateAnswer))]
[JsonSerializable(typeof(ReadStatesPage))]
[JsonSerializable(typeof(ReadStatesBatch))]
[JsonSerializable(typeof(BadgeAnswer))]
[JsonSerializable(typeof(CommandAnswer))]
[JsonSerializable(typeof(BatchRequest))]
[JsonSerializable(typeof(AckRequest))]
[JsonSerializable(typeof(ReadAllRequest))]
[JsonSerializable(typeof(MarkUnreadRequest))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(SortedDictionary<string, string>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(int))]
internal sealed partial class AnswerJson : JsonSerializerContext;
