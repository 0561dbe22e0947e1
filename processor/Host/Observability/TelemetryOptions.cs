using System.ComponentModel.DataAnnotations;

namespace ReadStateStream.Host.Observability;

/// <summary>How OTLP is spoken.</summary>
public enum OtlpProtocol { Grpc, HttpProtobuf }

/// <summary>
/// Section <c>Telemetry</c>: where metrics, traces and logs go. Without an endpoint, here or in
/// OTEL_EXPORTER_OTLP_ENDPOINT, nothing is exported; the other OTEL_ variables hold as their standard says.
/// </summary>
public sealed class TelemetryOptions : IValidatableObject
{
    /// <summary>Base URL of the collector; absent: OTEL_EXPORTER_OTLP_ENDPOINT.</summary>
    public string? OtlpEndpoint { get; set; }

    /// <summary>How the collector at <see cref="OtlpEndpoint"/> is spoken to.</summary>
    public OtlpProtocol OtlpProtocol { get; set; } = OtlpProtocol.Grpc;

    /// <summary>service.name.</summary>
    [Required]
    public string ServiceName { get; set; } = "readstate-processor";

    /// <summary>Metrics are exported this often, milliseconds, 100 .. 3,600,000.</summary>
    [Range(100, 3_600_000)]
    public int MetricIntervalMs { get; set; } = 10_000;

    /// <summary>Longest wait for the last export at a stop, milliseconds, 0 .. 60,000.</summary>
    [Range(0, 60_000)]
    public int FlushTimeoutMs { get; set; } = 5_000;

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (OtlpEndpoint is null) yield break;
        if (!Uri.TryCreate(OtlpEndpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            yield return new ValidationResult($"'{OtlpEndpoint}' is no http or https URL", [nameof(OtlpEndpoint)]);
    }
}
