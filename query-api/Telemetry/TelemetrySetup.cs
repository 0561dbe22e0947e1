using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace ReadStateStream.QueryApi.Telemetry;

/// <summary>
/// Exports metrics, traces and logs by OTLP where the standard setting OTEL_EXPORTER_OTLP_ENDPOINT says where to;
/// without it the instruments exist and cost next to nothing. The providers live as long as this object.
/// </summary>
internal sealed class TelemetrySetup(IConfiguration configuration) : IHostedService, IDisposable
{
    private const string EndpointSetting = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const int FlushMsMax = 2_000;
    private const string ServiceName = "readstate-query-api";

    private MeterProvider? metrics;
    private TracerProvider? traces;

    public static void AddTo(IHostApplicationBuilder builder)
    {
        builder.Services.AddHostedService<TelemetrySetup>();
        if (IsOn(builder.Configuration))
            builder.Logging.AddOpenTelemetry(o => o.SetResourceBuilder(Resource()).AddOtlpExporter());
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (!IsOn(configuration)) return Task.CompletedTask;
        metrics = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(Resource())
            .AddMeter(QueryMetrics.MeterName, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel",
                "Microsoft.AspNetCore.RateLimiting", "System.Net.Http", "System.Runtime")
            .AddOtlpExporter()
            .Build();
        traces = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(Resource())
            .AddSource("Microsoft.AspNetCore", "System.Net.Http")
            .AddOtlpExporter()
            .Build();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose()
    {
        // Dispose alone would wait for a collector that is away, five seconds each.
        metrics?.Shutdown(FlushMsMax);
        traces?.Shutdown(FlushMsMax);
        metrics?.Dispose();
        traces?.Dispose();
    }

    private static bool IsOn(IConfiguration configuration) => !string.IsNullOrEmpty(configuration[EndpointSetting]);

    private static ResourceBuilder Resource() => ResourceBuilder.CreateDefault().AddService(ServiceName);
}
