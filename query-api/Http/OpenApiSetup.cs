using System.Text.Json.Nodes;
using Microsoft.OpenApi;

namespace ReadStateStream.QueryApi.Http;

/// <summary>The OpenAPI document /openapi/v1.json: summaries, examples, and the problems of each operation.</summary>
internal static class OpenApiSetup
{
    private static readonly string[] IdParameters = ["user", "channel"];

    public static void AddDocument(IServiceCollection services) => services.AddOpenApi("v1", options =>
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "ReadStateStream query API",
                Version = "v1",
                Description = "Exact unread and mention counts, each answer with the log positions it is the truth of. "
                    + "Where partitions have no processor and a snapshot store is set, answers come from there: source is snapshot, stale is true, "
                    + "and exact says whether asOf is exact or a lower bound. "
                    + "Ids and positions are decimal strings. Errors are problem documents (RFC 9457) whose type begins with "
                    + Problems.TypePrefix + " and never changes its meaning.",
            };
            return Task.CompletedTask;
        }));

    /// <summary>Name, texts, example and problems of an operation; 400, 429 and 500 may come from every one.</summary>
    public static RouteHandlerBuilder Describe(
        this RouteHandlerBuilder endpoint, string name, string summary, string description, Func<JsonNode> example, params int[] problems)
    {
        foreach (var status in problems.Concat([400, 429, 500]).Distinct().Order()) endpoint.ProducesProblem(status);
        return endpoint.WithName(name).WithSummary(summary).WithDescription(description).WithTags("v1")
            .AddOpenApiOperationTransformer((operation, _, _) =>
            {
                Complete(operation, example);
                return Task.CompletedTask;
            });
    }

    private static void Complete(OpenApiOperation operation, Func<JsonNode> example)
    {
        foreach (var (status, response) in operation.Responses ?? [])
            if (status is "200" or "202" && response.Content is { } content
                && content.TryGetValue("application/json", out var json)) json.Example = example();
        foreach (var parameter in operation.Parameters?.OfType<OpenApiParameter>() ?? [])
        {
            if (!IdParameters.Contains(parameter.Name)) continue;
            parameter.Description = $"Id of the {parameter.Name}, 1 .. {Ids.Max}.";
            if (parameter.Schema is OpenApiSchema schema) schema.Pattern = "^[0-9]{1,19}$";
        }
    }
}
