using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Xunit;

namespace ReadStateStream.Integration.Host;

/// <summary>OTLP to a collector that really listens.</summary>
public class TelemetryExportTests
{
    [Fact]
    public async Task Metrics_traces_and_logs_reach_the_collector_by_the_end_of_the_process()
    {
        var received = new ConcurrentDictionary<string, string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var collector = builder.Build();
        collector.MapPost("/v1/{signal}", async (HttpContext context, string signal) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            received.AddOrUpdate(signal, Encoding.Latin1.GetString(body.ToArray()), (_, before) => before + Encoding.Latin1.GetString(body.ToArray()));
        });
        await collector.StartAsync(TestContext.Current.CancellationToken);

        var processor = await ProcessorUnderTest.StartAsync("Telemetry:OtlpEndpoint=" + collector.Urls.Single(), "Telemetry:OtlpProtocol=httpprotobuf");
        Assert.Equal(HttpStatusCode.OK, (await processor.PostAsync("""{"memberJoined":{"channelId":"7","userId":"9"}}""")).Status);
        await processor.StopAsync();
        await processor.DisposeAsync();

        Assert.Contains("readstate.ingest.events", received["metrics"], StringComparison.Ordinal);
        Assert.Contains("messaging.client.operation.duration", received["metrics"], StringComparison.Ordinal);
        Assert.Contains("readstate-processor", received["metrics"], StringComparison.Ordinal);
        Assert.Contains("send events-under-test", received["traces"], StringComparison.Ordinal);
        Assert.Contains("Partitions run", received["logs"], StringComparison.Ordinal);
    }
}
