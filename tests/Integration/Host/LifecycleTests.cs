using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using ReadStateStream.Host;
using ReadStateStream.Partition;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Integration.Host;

/// <summary>Start, settings, health, telemetry and stop of the process.</summary>
public class LifecycleTests
{
    private const string Join = """{"memberJoined":{"channelId":"7","userId":"9"}}""";

    [Fact]
    public async Task The_process_says_in_one_line_where_it_really_listens()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        Assert.Matches(@"^processor ready ingest=http://127\.0\.0\.1:\d+ query=http://127\.0\.0\.1:\d+\r?\n$", processor.ReadyLine);
        Assert.DoesNotContain(":0 ", processor.ReadyLine, StringComparison.Ordinal);
        Assert.NotEqual(processor.IngestUrl.Port, processor.QueryUrl.Port);
    }

    [Fact]
    public async Task Live_asks_nobody_and_ready_asks_every_partition()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var ready = await Answer.ReadAsync(await processor.Http.GetAsync("/health/ready"));
        Assert.Equal(HttpStatusCode.OK, ready.Status);
        Assert.Equal(8, ready.Json.GetProperty("partitions").GetArrayLength());
        processor.Processor.ChangeState(6, PartitionState.Recovering);
        var not = (await Answer.ReadAsync(await processor.Http.GetAsync("/health/ready"))).Problem(503, "not-ready");
        Assert.Equal("recovering", not.GetProperty("partitions")[6].GetProperty("state").GetString());
        processor.Processor.StateFailure = new InvalidOperationException("the live probe asked for the partitions");
        Assert.Equal(HttpStatusCode.OK, (await processor.Http.GetAsync("/health/live")).StatusCode);
    }

    [Fact]
    public async Task A_stop_waits_for_appends_in_flight_before_it_stops_the_partitions()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var disk = new TaskCompletionSource();
        processor.Topic.Disk = disk.Task;
        var posting = processor.PostAsync(Join);
        await processor.Topic.Arrived.Task;
        var stopping = processor.StopAsync();
        Assert.Equal(["start"], processor.Processor.Calls);
        disk.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await posting).Status);
        await stopping;
        Assert.Equal(["start", "stop with 1 records"], processor.Processor.Calls);
    }

    [Theory]
    [InlineData("Ingest__MaxBatchEvents=0", "Ingest__MaxBatchEvents must be 1 .. 10000; it is 0")]
    [InlineData("Ingest__MaxBatchEvents=many", "Ingest__MaxBatchEvents must be 1 .. 10000; it is 'many'")]
    [InlineData("Ingest__MaxBatchEvent=5", "Ingest__MaxBatchEvent is not a setting")]
    [InlineData("Ingest__Url=https://127.0.0.1:1", "Ingest__Url must be http://ADDRESS:PORT")]
    [InlineData("Query__Url=http://example.org:1", "Query__Url must be http://ADDRESS:PORT")]
    [InlineData("Query__HeartbeatMs=1", "Query__HeartbeatMs must be 10 .. 60000; it is 1")]
    [InlineData("Processor__Partitions=0", "Processor__Partitions must be 1 .. 1024; it is 0")]
    [InlineData("Processor__DataFolder=", "Processor__DataFolder")]
    [InlineData("EventIds__Epoch=yesterday", "EventIds__Epoch must be a time")]
    [InlineData("Telemetry__OtlpEndpoint=nowhere", "Telemetry__OtlpEndpoint")]
    [InlineData("Policy__Threads=apart", "Policy__Threads must be inline, separate; it is 'apart'")]
    [InlineData("Policy__Threads=1", "Policy__Threads must be inline, separate; it is '1'")]
    [InlineData("Policy__Model=flags", "Policy__Model is not a setting")]
    [InlineData("Policy__CountKinds=text,shout", "'shout' is none of them")]
    [InlineData("Policy__Window=0", "Policy__Window must be 1 .. 1000000; it is 0")]
    [InlineData("Policy__OwnCounts=maybe", "Policy__OwnCounts must be true or false; it is 'maybe'")]
    public async Task A_setting_that_is_refused_ends_the_start_with_its_name_and_range(string setting, string expected)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exit = await Program.RunAsync(["--set", setting], _ => new ProcessorUnderTest.Parts(8, _ => true), output, error);
        Assert.Equal(2, exit);
        Assert.Contains(expected, error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
        Assert.Equal("", output.ToString());
    }

    [Fact]
    public async Task A_port_in_use_ends_the_start_without_a_stack()
    {
        await using var first = await ProcessorUnderTest.StartAsync();
        var (output, error) = (new StringWriter(), new StringWriter());
        var exit = await Program.RunAsync(["--set", "Ingest__Url=" + first.IngestUrl, "--set", "Query__Url=http://127.0.0.1:0"],
            _ => new ProcessorUnderTest.Parts(8, _ => true), output, error);
        Assert.Equal(1, exit);
        Assert.Contains("address already in use", error.ToString(), StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("   at ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_description_names_every_event_case()
    {
        await using var processor = await ProcessorUnderTest.StartAsync();
        var document = (await Answer.ReadAsync(await processor.Http.GetAsync("/openapi/v1.json"))).Json;
        var post = document.GetProperty("paths").GetProperty("/v1/events").GetProperty("post");
        var one = post.GetProperty("requestBody").GetProperty("content").GetProperty("application/json").GetProperty("schema").GetProperty("oneOf")[0];
        foreach (var field in ChannelEvent.Descriptor.Fields.InFieldNumberOrder())
            Assert.True(one.GetProperty("properties").TryGetProperty(field.JsonName, out _), field.JsonName);
        foreach (var status in new[] { "200", "400", "413", "415", "422", "429", "503" })
            Assert.True(post.GetProperty("responses").TryGetProperty(status, out _), status);
        Assert.Single(document.GetProperty("paths").EnumerateObject());
    }

    [Fact]
    public async Task The_callers_trace_goes_on_and_appends_are_measured()
    {
        const string trace = "0af7651916cd43dd8448eb211c80319c";
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.SourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                if (activity.TraceId.ToHexString() == trace) lock (spans) spans.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        var measured = new List<(string Name, double Value, string Tags)>();
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, to) =>
        {
            if (instrument.Meter.Name == Telemetry.SourceName) to.EnableMeasurementEvents(instrument);
        };
        void Keep(string name, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var text = string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
            lock (measured) measured.Add((name, value, text));
        }
        meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Keep(instrument.Name, value, tags));
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Keep(instrument.Name, value, tags));
        meters.Start();

        await using (var processor = await ProcessorUnderTest.StartAsync())
        {
            await processor.PostAsync(Encoding.UTF8.GetBytes($"[{Join},{{}}]"), "application/json", ("traceparent", $"00-{trace}-b7ad6b7169203331-01"));
            meters.RecordObservableInstruments();
        }

        var send = Assert.Single(spans, span => span.Kind == ActivityKind.Producer);
        Assert.Equal("send events-under-test", send.DisplayName);
        Assert.Equal("1", send.GetTagItem("messaging.batch.message_count")?.ToString());
        Assert.Contains(spans, span => span.SpanId == send.ParentSpanId);
        Assert.Contains(measured, m => m.Name == "readstate.ingest.events" && m.Tags == "outcome=accepted");
        Assert.Contains(measured, m => m.Name == "readstate.ingest.events" && m.Tags == "outcome=refused");
        Assert.Contains(measured, m => m.Name == "messaging.client.operation.duration"
            && m.Tags == "messaging.system=embedded messaging.destination.name=events-under-test messaging.operation.name=send");
        Assert.Contains(measured, m => m.Name == "readstate.stage.duration" && m.Tags == "stage=append");
        Assert.Contains(measured, m => m.Name == "readstate.gc.pause.duration");
    }
}
