using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using ReadStateStream.Host.Http;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Ingest;

/// <summary>
/// The OpenAPI description of ingest. The framework writes the document; the events' schema is made from the
/// protobuf descriptor, so that it cannot differ from what the parser reads.
/// </summary>
internal static class IngestOpenApi
{
    public static void Configure(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, context, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "ReadStateStream processor",
                Version = "v1",
                Description = "Takes the events of channels. Ids are strings of digits, 1 .. 2^63-1; numbers are read as well.",
            };
            document.Servers?.Clear();
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(async (operation, context, cancellation) =>
        {
            if (context.Description.RelativePath != IngestEndpoint.Path.TrimStart('/')) return;
            operation.Summary = "Publish events";
            operation.Description = "Each event gets its position or its own error; an invalid one does not lose the others. "
                + "Published again with the same eventId it changes nothing.";
            operation.RequestBody = RequestBody();
            var batch = await context.GetOrCreateSchemaAsync(typeof(BatchResult), null, cancellation);
            Describe(operation, batch);
        });
    }

    private static OpenApiRequestBody RequestBody()
    {
        var channelEvent = SchemaOf(ChannelEvent.Descriptor);
        var list = new OpenApiSchema { Type = JsonSchemaType.Array, MinItems = 1, Items = channelEvent };
        var batch = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Required = new HashSet<string> { "events" },
            Properties = new Dictionary<string, IOpenApiSchema> { ["events"] = list },
        };
        var protobuf = new OpenApiMediaType
        {
            Schema = new OpenApiSchema
            {
                Type = JsonSchemaType.String, Format = "binary", Description = "readstate.v1.EventBatch",
            },
        };
        var json = new OpenApiMediaType { Schema = new OpenApiSchema { OneOf = [channelEvent, batch, list] } };
        return new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/json"] = json,
                ["application/x-protobuf"] = protobuf,
                ["application/protobuf"] = protobuf,
            },
        };
    }

    private static void Describe(OpenApiOperation operation, OpenApiSchema batch)
    {
        var responses = operation.Responses ??= [];
        if (responses.TryGetValue("200", out var ok) && ok.Content is { } content
            && content.TryGetValue("application/json", out var single) && single.Schema is { } one)
            content["application/json"] = new OpenApiMediaType { Schema = new OpenApiSchema { OneOf = [one, batch] } };
        foreach (var (status, meaning) in Failures)
            responses[status.ToString(CultureInfo.InvariantCulture)] = new OpenApiResponse
            {
                Description = meaning,
                Content = new Dictionary<string, OpenApiMediaType>
                {
                    [Problem.ContentType] = new OpenApiMediaType { Schema = ProblemSchema() },
                },
            };
    }

    private static readonly (int Status, string Meaning)[] Failures =
    [
        (400, "Malformed JSON or protobuf, an empty batch, or one beyond the limit"),
        (413, "The body is too large"),
        (415, "The content type is not read"),
        (422, "The single event breaks the contract"),
        (429, "Too many requests are in flight"),
        (503, "The log took no event"),
    ];

    private static OpenApiSchema ProblemSchema() => new()
    {
        Type = JsonSchemaType.Object,
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "uri" },
            ["title"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["pointer"] = new OpenApiSchema { Type = JsonSchemaType.String, Format = "json-pointer" },
        },
    };

    private static OpenApiSchema SchemaOf(MessageDescriptor message) => new()
    {
        Type = JsonSchemaType.Object,
        AdditionalPropertiesAllowed = false,
        Properties = message.Fields.InDeclarationOrder().ToDictionary(field => field.JsonName, SchemaOf),
    };

    private static IOpenApiSchema SchemaOf(FieldDescriptor field) => field.IsRepeated
        ? new OpenApiSchema { Type = JsonSchemaType.Array, Items = ValueSchemaOf(field) }
        : ValueSchemaOf(field);

    private static OpenApiSchema ValueSchemaOf(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.UInt64 => new OpenApiSchema { Type = JsonSchemaType.String, Format = "uint64" },
        FieldType.UInt32 => new OpenApiSchema { Type = JsonSchemaType.Integer, Format = "uint32" },
        FieldType.Bool => new OpenApiSchema { Type = JsonSchemaType.Boolean },
        FieldType.String => new OpenApiSchema { Type = JsonSchemaType.String },
        FieldType.Enum => new OpenApiSchema
        {
            Type = JsonSchemaType.String,
            Enum = [.. field.EnumType.Values.Select(value => (JsonNode)JsonValue.Create(value.Name))],
        },
        FieldType.Message when field.MessageType.FullName == "google.protobuf.Timestamp" =>
            new OpenApiSchema { Type = JsonSchemaType.String, Format = "date-time" },
        FieldType.Message => SchemaOf(field.MessageType),
        _ => throw new NotSupportedException($"no schema for {field.FieldType} of {field.FullName}"),
    };
}
