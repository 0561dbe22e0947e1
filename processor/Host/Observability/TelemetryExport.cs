using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using ReadStateStream.Partition;

namespace ReadStateStream.Host.Observability;

/// <summary>
/// Exports the process's metrics, traces and logs by OTLP while it lives, and flushes them at its end. Built
/// on the SDK's own builders: the hosting extension is not needed for it.
/// </summary>
public sealed class TelemetryExport : IDisposable
{
    private readonly MeterProvider meters;
    private readonly TracerProvider tracers;
    private readonly int flushTimeoutMs;

    private TelemetryExport(MeterProvider meters, TracerProvider tracers, int flushTimeoutMs) =>
        (this.meters, this.tracers, this.flushTimeoutMs) = (meters, tracers, flushTimeoutMs);

    /// <summary>Where it goes to; null: nowhere.</summary>
    public static string? EndpointOf(TelemetryOptions options, IConfiguration configuration) =>
        options.OtlpEndpoint ?? (configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 } endpoint ? endpoint : null);

    /// <summary>Adds the export of logs; they are flushed with the host's log providers.</summary>
    public static void AddLogs(ILoggingBuilder logging, TelemetryOptions options) => logging.AddOpenTelemetry(logs =>
    {
        logs.SetResourceBuilder(ResourceOf(ResourceBuilder.CreateDefault(), options));
        logs.IncludeFormattedMessage = true;
        logs.AddOtlpExporter(exporter => Configure(exporter, options, "v1/logs"));
    });

    /// <summary>Starts the export of metrics and traces.</summary>
    public static TelemetryExport Start(TelemetryOptions options)
    {
        var meters = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => ResourceOf(resource, options))
            .AddMeter(Telemetry.SourceName, "System.Runtime")
            .AddMeter("Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel")
            .AddOtlpExporter((exporter, reader) =>
            {
                Configure(exporter, options, "v1/metrics");
                reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = options.MetricIntervalMs;
            })
            .Build();
        var tracers = Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => ResourceOf(resource, options))
            .AddSource(Telemetry.SourceName, "Microsoft.AspNetCore")
            .AddOtlpExporter(exporter => Configure(exporter, options, "v1/traces"))
            .Build();
        return new TelemetryExport(meters, tracers, options.FlushTimeoutMs);
    }

    /// <summary>Exports what is left, within the flush's time, and ends.</summary>
    public void Dispose()
    {
        tracers.Shutdown(flushTimeoutMs);
        meters.Shutdown(flushTimeoutMs);
        tracers.Dispose();
        meters.Dispose();
    }

    private static ResourceBuilder ResourceOf(ResourceBuilder resource, TelemetryOptions options) =>
        resource.AddService(options.ServiceName).AddEnvironmentVariableDetector();

    // Without a setting of ours the exporter reads the OTEL_ variables itself, paths and protocol included.
    private static void Configure(OtlpExporterOptions exporter, TelemetryOptions options, string path)
    {
        if (options.OtlpEndpoint is null) return;
        var http = options.OtlpProtocol == OtlpProtocol.HttpProtobuf;
        exporter.Protocol = http ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        // An endpoint that is set in code is taken as it is, so the signal's path is added here.
        exporter.Endpoint = new Uri(http ? options.OtlpEndpoint.TrimEnd('/') + "/" + path : options.OtlpEndpoint);
    }
}
