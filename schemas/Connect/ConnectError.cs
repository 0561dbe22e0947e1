using System.Text.Json;

namespace ReadStateStream.Schemas.Connect;

/// <summary>A call that did not succeed. The server throws it to answer, the client to report.</summary>
public sealed class ConnectException : Exception
{
    /// <summary>An outcome that has no cause here.</summary>
    public ConnectException(ConnectCode code, string message) : base(message) => Code = code;

    /// <summary>An outcome with its cause.</summary>
    public ConnectException(ConnectCode code, string message, Exception cause) : base(message, cause) => Code = code;

    /// <summary>What kind of outcome.</summary>
    public ConnectCode Code { get; }
}

/// <summary>
/// Error JSON: <c>{"code":…,"message":…}</c> as the body of a unary answer, and below <c>"error"</c> in the
/// last envelope of a stream, which is <c>{}</c> where all went well. Details and metadata are not used.
/// </summary>
public static class ConnectError
{
    /// <summary>Body of a unary answer.</summary>
    public static byte[] ToUnaryBody(ConnectException error)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer)) WriteError(json, error);
        return buffer.ToArray();
    }

    /// <summary>Payload of a stream's last envelope.</summary>
    public static byte[] ToEndOfStream(ConnectException? error)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (error is not null)
            {
                json.WritePropertyName("error");
                WriteError(json, error);
            }
            json.WriteEndObject();
        }
        return buffer.ToArray();
    }

    /// <summary>Reads the body of a unary answer that is no success; a foreign body is judged by its status.</summary>
    public static ConnectException FromUnaryBody(ReadOnlySpan<byte> body, int httpStatus)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            if (JsonElement.TryParseValue(ref reader, out var element) && Read(element.Value, httpStatus) is { } error)
                return error;
        }
        catch (JsonException) { } // not the protocol's JSON: the status decides
        return new ConnectException(ConnectCodes.FromHttpStatus(httpStatus), $"HTTP status {httpStatus} without a Connect error");
    }

    /// <summary>
    /// Reads a stream's last payload; null where all went well. Broken JSON is <see cref="ConnectCode.Internal"/>.
    /// </summary>
    public static ConnectException? FromEndOfStream(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new Utf8JsonReader(payload);
            var element = JsonElement.ParseValue(ref reader);
            if (element.ValueKind != JsonValueKind.Object)
                return new ConnectException(ConnectCode.Internal, "the stream's end is no JSON object");
            if (!element.TryGetProperty("error", out var error) || error.ValueKind == JsonValueKind.Null) return null;
            return Read(error, httpStatus: 500)
                ?? new ConnectException(ConnectCode.Unknown, "the stream ended with an error without a code");
        }
        catch (JsonException broken)
        {
            return new ConnectException(ConnectCode.Internal, "the stream's end is not JSON", broken);
        }
    }

    private static ConnectException? Read(JsonElement element, int httpStatus)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty("code", out var name)
            || name.ValueKind != JsonValueKind.String)
            return null;
        if (!ConnectCodes.TryParse(name.GetString(), out var code)) code = ConnectCodes.FromHttpStatus(httpStatus);
        var message = element.TryGetProperty("message", out var text) && text.ValueKind == JsonValueKind.String
            ? text.GetString()!
            : "";
        return new ConnectException(code, message);
    }

    private static void WriteError(Utf8JsonWriter json, ConnectException error)
    {
        json.WriteStartObject();
        json.WriteString("code", error.Code.Name());
        json.WriteString("message", error.Message);
        json.WriteEndObject();
    }
}
