using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Records;
using Xunit;

namespace ReadStateStream.QueryApiTests;

/// <summary>A snapshot store that is away, slow, damaged, empty or asked for too much: 503 with a reason, never an empty answer.</summary>
public class SnapshotFailureTests
{
    private const ulong User = 7, Channel = 42;
    private static readonly string State = $"/v1/users/{User}/channels/{Channel}";
    private static readonly string Badge = $"/v1/users/{User}/badge";
    private static readonly string Page = $"/v1/users/{User}/channels";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("list_lineages")]
    [InlineData("read_progress")]
    [InlineData("read_user")]
    [InlineData("read_channel")]
    public async Task A_store_that_fails_at_any_step_is_503_until_it_answers_again(string step)
    {
        using var topic = DegradedTests.Chat(2).Ship();
        await using var d = await DegradedTests.StartAsync(topic, []);
        topic.Store.OnRead = (operation, _, _) => operation == step ? throw new SnapshotUnavailableException("the volume is gone") : Task.CompletedTask;
        foreach (var path in new[] { State, Badge, Page }) await AssertRefusedAsync(d, path, "snapshot-unavailable", "the volume is gone");
        topic.Store.OnRead = (operation, _, _) => operation == step ? throw new SnapshotDamagedException("run.7 fails its checksum") : Task.CompletedTask;
        foreach (var path in new[] { State, Badge, Page }) await AssertRefusedAsync(d, path, "snapshot-damaged", "run.7 fails its checksum");
        topic.Store.OnRead = (operation, _, _) => operation == step ? throw new LineageGoneException(300) : Task.CompletedTask;
        await AssertRefusedAsync(d, State, "snapshot-unavailable", "Lineage 300 is not in the snapshot store");
        topic.Store.OnRead = null;
        DegradedTests.AssertStale(await d.OkAsync(State), exact: true);
    }

    [Fact]
    public async Task A_position_that_cannot_be_read_after_the_rows_is_503()
    {
        using var topic = DegradedTests.Chat(1).Ship();
        await using var d = await DegradedTests.StartAsync(topic, []);
        var progress = 0;
        topic.Store.OnRead = (operation, _, _) =>
            operation == "read_progress" && Interlocked.Increment(ref progress) % 2 == 0 ? throw new SnapshotUnavailableException("gone since") : Task.CompletedTask;
        await AssertRefusedAsync(d, State, "snapshot-unavailable", "gone since");
    }

    [Fact]
    public async Task A_store_that_hangs_is_given_up_and_does_not_hold_up_owners()
    {
        var fake = new FakeTopic(2) { Lineage = 300 };
        using var topic = DegradedTests.Chat(2).Ship();
        var (here, away) = (fake.IdIn(0), fake.IdIn(1));
        fake.SetState(here, here);
        await using var d = await DegradedTests.StartAsync(topic, [[0]], fake, "--SnapshotReads:ReadTimeoutMs=20");
        topic.Store.OnRead = (_, _, _) => Never(); // whatever the call's own token says
        await AssertRefusedAsync(d, $"/v1/users/{here}/channels/{away}", "snapshot-unavailable", "did not answer list_lineages within 20 ms");
        await d.OkAsync($"/v1/users/{here}/channels/{here}");
    }

    [Fact]
    public async Task A_question_takes_no_longer_than_a_processor_may()
    {
        using var topic = DegradedTests.Chat(1).Ship();
        await using var d = await DegradedTests.StartAsync(topic, [], null, "--SnapshotReads:ReadTimeoutMs=60000", "--Answers:CallTimeoutMs=100");
        topic.Store.OnRead = (operation, _, _) => operation == "read_user" ? Never() : Task.CompletedTask;
        await AssertRefusedAsync(d, State, "snapshot-unavailable", "longer than 100 ms");
    }

    [Fact]
    public async Task Of_what_was_never_shipped_nothing_is_said()
    {
        using var topic = DegradedTests.Chat(2).ShipRows();
        await using var d = await DegradedTests.StartAsync(topic, []);
        await AssertRefusedAsync(d, State, "snapshot-unavailable", "no snapshot was completed yet");
        topic.Store.SetPosition(topic.Of(Channel), 1);
        await AssertRefusedAsync(d, Badge, "snapshot-unavailable", $"partition {topic.PartitionOf(User)} of lineage 300");
    }

    [Fact]
    public async Task Rows_that_contradict_each_other_are_damage()
    {
        using var topic = new ShippedTopic(1);
        topic.Created(Channel, User, 9);
        for (var id = 1UL; id <= 400; id++) topic.Sent(Channel, id, 9);
        topic.Ship();
        await using var d = await DegradedTests.StartAsync(topic, []);
        await d.OkAsync(State);
        topic.Store.Remove(topic.Of(0), key => key is { Kind: RecordKind.Channel, SubKind: SubKind.Block });
        await AssertRefusedAsync(d, State, "snapshot-damaged", "is missing");
        await AssertRefusedAsync(d, Badge, "snapshot-damaged", "is missing");
    }

    [Fact]
    public async Task More_rows_than_the_limit_are_503()
    {
        using var topic = new ShippedTopic(1);
        for (var channel = 1UL; channel <= 60; channel++) topic.Created(channel, User, 9).Sent(channel, 1, 9);
        topic.Ship();
        await using var d = await DegradedTests.StartAsync(topic, [], null, "--SnapshotReads:RowsMax=100");
        await AssertRefusedAsync(d, Badge, "snapshot-overloaded", "more than 100 rows");
        // A page needs its own channels only.
        var page = await d.OkAsync($"{Page}?limit=10");
        Assert.Equal(Enumerable.Range(1, 10).Select(c => $"{c}"), page.GetProperty("states").EnumerateArray().Select(s => s.GetProperty("channel").GetString()));
        Assert.NotNull(page.GetProperty("cursor").GetString());
    }

    [Fact]
    public async Task A_page_of_unread_channels_reads_on_until_it_is_full()
    {
        using var topic = new ShippedTopic(2);
        for (var channel = 1UL; channel <= 40; channel++) topic.Created(channel, User, 9);
        foreach (var channel in new ulong[] { 3, 20, 33, 39 }) topic.Sent(channel, 1, 9);
        topic.Ship();
        await using var d = await DegradedTests.StartAsync(topic, []);
        var (seen, cursor) = (new List<string?>(), "");
        do
        {
            var page = await d.OkAsync($"{Page}?unread=true&limit=1&cursor={cursor}");
            seen.AddRange(page.GetProperty("states").EnumerateArray().Select(s => s.GetProperty("channel").GetString()));
            cursor = page.GetProperty("cursor").GetString();
        }
        while (cursor is not null);
        Assert.Equal(["3", "20", "33", "39"], seen);
    }

    [Fact]
    public async Task More_questions_at_once_than_the_limit_are_503()
    {
        using var topic = DegradedTests.Chat(1).Ship();
        await using var d = await DegradedTests.StartAsync(topic, [], null, "--SnapshotReads:ConcurrencyMax=1", "--SnapshotReads:QueueMax=0");
        TaskCompletionSource reading = new(), release = new();
        topic.Store.OnRead = async (operation, _, _) =>
        {
            if (operation != "read_user") return;
            reading.TrySetResult();
            await release.Task;
        };
        var first = d.OkAsync(State);
        await reading.Task.WaitAsync(Stop);
        await AssertRefusedAsync(d, State, "snapshot-overloaded", "SnapshotReads__ConcurrencyMax");
        release.SetResult();
        await first;
        await d.OkAsync(State);
    }

    [Fact]
    public async Task Reads_of_one_question_at_once_are_bounded()
    {
        using var topic = new ShippedTopic(1);
        for (var channel = 1UL; channel <= 30; channel++) topic.Created(channel, User, 9).Sent(channel, 1, 9);
        topic.Ship();
        await using var d = await DegradedTests.StartAsync(topic, [], null, "--SnapshotReads:ReadsMax=3");
        int now = 0, most = 0;
        var gate = new Lock();
        topic.Store.OnRead = async (_, _, _) =>
        {
            lock (gate) most = Math.Max(most, ++now);
            await Task.Yield();
            lock (gate) now--;
        };
        Assert.Equal(30, (await d.OkAsync(Badge)).GetProperty("unread").GetInt32());
        Assert.InRange(most, 2, 3);
    }

    private static Task Never() => new TaskCompletionSource().Task.WaitAsync(Stop);

    internal static async Task AssertRefusedAsync(Deployment d, string path, string code, string reason)
    {
        var answer = await d.GetAsync(path);
        Deployment.AssertProblem(answer, 503, code);
        Assert.Contains(reason, answer.Body.GetProperty("detail").GetString());
    }
}
