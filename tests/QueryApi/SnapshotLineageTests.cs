using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Files;
using Xunit;

namespace ReadStateStream.QueryApiTests;

/// <summary>Which lineage of the snapshot store answers; health, metrics; the files store itself.</summary>
public class SnapshotLineageTests
{
    private const ulong User = 7, Channel = 42;
    private static readonly string State = $"/v1/users/{User}/channels/{Channel}";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_newest_lineage_answers_where_nobody_ever_claimed_one_or_the_one_that_is_set()
    {
        using var old = Of(300, unread: 1);
        using var next = Of(301, unread: 2, old.Store);
        await using (var d = await DegradedTests.StartAsync(old, []))
            Assert.Equal(("snapshot", 2), DegradedTests.Seen(await d.OkAsync(State)));
        await using (var d = await DegradedTests.StartAsync(old, [], null, "--SnapshotReads:Lineage=300"))
            Assert.Equal(("snapshot", 1), DegradedTests.Seen(await d.OkAsync(State)));
        await using (var d = await DegradedTests.StartAsync(old, [], null, "--SnapshotReads:Lineage=302"))
            await SnapshotFailureTests.AssertRefusedAsync(d, State, "snapshot-unavailable", "lineage 302 (the setting SnapshotReads__Lineage) is not in the snapshot store");
    }

    [Fact]
    public async Task The_claimed_lineage_answers_and_goes_on_when_all_processors_are_gone()
    {
        using var old = Of(300, unread: 1);
        using var next = Of(301, unread: 2, old.Store); // being rebuilt beside it
        var topic = new FakeTopic(1) { Lineage = 300 };
        await using var d = await DegradedTests.StartAsync(old, [[]], topic);
        await d.Router.WaitForAsync(t => t.PartitionCount == 1, Stop);
        Assert.Equal(("snapshot", 1), DegradedTests.Seen(await d.OkAsync(State)));
        await d.Processors[0].StopAsync();
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        Assert.Equal(("snapshot", 1), DegradedTests.Seen(await d.OkAsync(State)));
    }

    [Fact]
    public async Task A_claimed_lineage_that_is_gone_leaves_the_newest_of_its_topic()
    {
        using var fitting = Of(301, unread: 2);
        using var other = Of(302, unread: 3, fitting.Store, identity: "another topic");
        var topic = new FakeTopic(1) { Lineage = 300 };
        await using var d = await DegradedTests.StartAsync(fitting, [[]], topic);
        await d.Router.WaitForAsync(t => t.PartitionCount == 1, Stop);
        await SnapshotFailureTests.AssertRefusedAsync(d, State, "snapshot-unavailable", "lineage 300, which the processors serve, is not in the snapshot store");
        await d.Processors[0].StopAsync();
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        Assert.Equal(("snapshot", 2), DegradedTests.Seen(await d.OkAsync(State)));
    }

    [Fact]
    public async Task A_claimed_lineage_of_another_topic_is_refused()
    {
        using var shipped = Of(300, unread: 1, identity: "another topic");
        await using var d = await DegradedTests.StartAsync(shipped, [[]], new FakeTopic(1) { Lineage = 300 });
        await d.Router.WaitForAsync(t => t.PartitionCount == 1, Stop);
        await SnapshotFailureTests.AssertRefusedAsync(d, State, "snapshot-unavailable", "is of topic another topic with 1 partitions");
        await d.Processors[0].StopAsync();
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        await SnapshotFailureTests.AssertRefusedAsync(d, State, "snapshot-unavailable", "no lineage of topic topic-1 with 1 partitions");
    }

    [Fact]
    public async Task Ready_is_degraded_while_the_snapshot_stands_in()
    {
        var topic = new FakeTopic(2) { Lineage = 300 };
        using var shipped = DegradedTests.Chat(2).Ship();
        await using var d = await DegradedTests.StartAsync(shipped, [[0, 1]], topic);
        Assert.Equal("""{"status":"ready","partitions":2,"routed":2}""", (await d.OkAsync("/health/ready")).GetRawText());
        d.Processors[0].Claim([1]);
        await d.Router.WaitForAsync(t => t.RoutedCount == 1, Stop);
        Assert.Equal("""{"status":"degraded","partitions":2,"routed":1}""", (await d.OkAsync("/health/ready")).GetRawText());
        await d.Processors[0].StopAsync();
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        Assert.Equal("""{"status":"degraded","partitions":2,"routed":0}""", (await d.OkAsync("/health/ready")).GetRawText());
    }

    [Fact]
    public async Task Ready_is_503_where_the_store_does_not_answer_either()
    {
        using var shipped = DegradedTests.Chat(1).Ship();
        await using var d = await DegradedTests.StartAsync(shipped, []);
        shipped.Store.OnRead = (_, _, _) => throw new SnapshotUnavailableException("away");
        Deployment.AssertProblem(await d.GetAsync("/health/ready"), 503, "snapshot-unavailable");
        await d.OkAsync("/health/live");
    }

    [Fact]
    public async Task Answers_count_by_source_and_reads_are_measured()
    {
        var topic = new FakeTopic(1) { Lineage = 300 };
        using var shipped = DegradedTests.Chat(1).Ship();
        topic.SetState(User, Channel);
        await using var d = await DegradedTests.StartAsync(shipped, [[0]], topic);
        var seen = new ConcurrentQueue<string>();
        using var listener = Listen(d, seen);
        await d.OkAsync(State);
        await d.PostAsync($"{State}/ack", new { upTo = "1" }); // no answer: nothing is counted
        await d.Processors[0].StopAsync();
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        await d.OkAsync(State);
        shipped.Store.OnRead = (_, _, _) => throw new SnapshotDamagedException("torn");
        await d.GetAsync(State);
        Assert.Equal(["readstate.source=live", "readstate.source=snapshot"], seen.Where(s => s.StartsWith("readstate.source", StringComparison.Ordinal)));
        const string files = "db.system.name=files db.operation.name=";
        Assert.Equal(
            [
                files + "list_lineages", files + "read_channel", files + "read_progress", files + "read_progress",
                files + "read_progress error.type=damaged", files + "read_user", files + "read_user",
            ],
            seen.Where(s => s.StartsWith("db.", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_files_store_answers_what_was_shipped_to_its_folder()
    {
        var folder = Directory.CreateTempSubdirectory("readstate-query-").FullName;
        try
        {
            using var topic = new ShippedTopic(2, new Fold.PolicyOptions { Threads = Fold.ThreadMode.Separate });
            topic.Created(Channel, User, 9).Sent(Channel, 1, 9).Blocked(User, 11);
            for (var id = 2UL; id <= 500; id++) topic.Sent(Channel, id, 9 + (id % 3), id % 5 == 0 ? 1UL : 0, id % 7 == 0 ? [User] : []);
            topic.Ship();
            await using var d = await Deployment.StartAsync(new FakeTopic(2), [], "--Snapshot:Store=files", $"--Snapshot:Folder={folder}");
            // A folder that holds no store is not an empty store.
            await SnapshotFailureTests.AssertRefusedAsync(d, State, "snapshot-unavailable", folder);
            await topic.ShipToAsync(new FilesSnapshotStore(new FilesSnapshotOptions { Folder = folder }, TimeProvider.System), Stop);
            await using (var expected = await DegradedTests.StartAsync(topic, []))
                foreach (var path in new[] { State + "?threads=true", $"/v1/users/{User}/badge", $"/v1/users/{User}/channels", $"{State}/threads/1" })
                    Assert.Equal(WithoutTimes(await expected.OkAsync(path)), WithoutTimes(await d.OkAsync(path)));
            Directory.Delete(folder, recursive: true);
            await SnapshotFailureTests.AssertRefusedAsync(d, State, "snapshot-unavailable", folder);
        }
        finally
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
    }

    private static string WithoutTimes(System.Text.Json.JsonElement answer) =>
        System.Text.RegularExpressions.Regex.Replace(answer.GetRawText(), "\"milliseconds\":[0-9]+", "\"milliseconds\":…");

    private static ShippedTopic Of(long lineage, int unread, FakeSnapshotStore? store = null, string identity = "topic-1")
    {
        var topic = new ShippedTopic(1, null, lineage, identity, store).Created(Channel, User, 9);
        for (var id = 1UL; id <= (ulong)unread; id++) topic.Sent(Channel, id, 9);
        return topic.Ship();
    }

    private static MeterListener Listen(Deployment d, ConcurrentQueue<string> seen)
    {
        var own = d.Services.GetRequiredService<IMeterFactory>();
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Scope == own && instrument.Name is "readstate.query.answers" or "db.client.operation.duration"
                    && instrument.Meter.Name == QueryMetrics.MeterName) l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => seen.Enqueue(Text(tags)));
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => seen.Enqueue(Text(tags)));
        listener.Start();
        return listener;
    }

    private static string Text(ReadOnlySpan<KeyValuePair<string, object?>> tags) => string.Join(' ', tags.ToArray().Select(t => $"{t.Key}={t.Value}"));
}
