using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.QueryApi.Telemetry;
using Xunit;

namespace ReadStateStream.QueryApiTests;

public class TelemetryTests
{
    [Fact]
    public async Task Questions_calls_and_publishes_are_measured_with_their_outcome()
    {
        await using var d = await Deployment.StartAsync(2);
        d.Topic.SetState(7, 42);
        var seen = new ConcurrentQueue<string>();
        using var listener = Listen(d, seen);
        await d.OkAsync("/v1/users/7/channels/42");
        await d.GetAsync("/v1/users/7/channels/43");
        await d.PostAsync("/v1/users/7/channels/42/ack", new { upTo = "1" });
        listener.RecordObservableInstruments();
        Assert.Equal(
            new[]
            {
                "readstate.processor.call.duration rpc.method=GetStates readstate.outcome=ok",
                "readstate.query.duration readstate.query=getState readstate.outcome=ok",
                "readstate.processor.call.duration rpc.method=GetStates readstate.outcome=ok",
                "readstate.query.duration readstate.query=getState readstate.outcome=not-a-member",
                "readstate.processor.call.duration rpc.method=GetStates readstate.outcome=ok",
                "readstate.publish.duration readstate.outcome=ok",
                "readstate.query.duration readstate.query=ack readstate.outcome=ok",
                "readstate.routing.partitions.routed 2",
                "readstate.routing.partitions 2",
            },
            seen);
    }

    [Fact]
    public async Task A_collector_that_is_away_does_not_disturb()
    {
        await using var d = await Deployment.StartAsync(2, "--OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1");
        await d.OkAsync("/v1/users/7/badge");
    }

    private static MeterListener Listen(Deployment d, ConcurrentQueue<string> seen)
    {
        var own = d.Services.GetRequiredService<IMeterFactory>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == QueryMetrics.MeterName && instrument.Meter.Scope == own) l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, seconds, tags, _) =>
        {
            Assert.InRange(seconds, 0, 60);
            seen.Enqueue($"{instrument.Name} {string.Join(' ', tags.ToArray().Select(t => $"{t.Key}={t.Value}"))}");
        });
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => seen.Enqueue($"{instrument.Name} {value}"));
        listener.Start();
        return listener;
    }
}
