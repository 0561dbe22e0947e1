using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.QueryApiTests;

public class RoutingTests
{
    private const ulong User = 7, Channel = 42;
    private static readonly string State = $"/v1/users/{User}/channels/{Channel}";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Of_two_claims_the_higher_position_wins()
    {
        var topic = new FakeTopic(1);
        await using var d = await Deployment.StartAsync(topic, [[0], []]);
        topic.SetState(User, Channel);
        topic.SetPosition(0, 10);
        d.Processors[1].Claim([0]);
        await d.Router.WaitForAsync(t => Owner(t, 0) == "processor-1", Stop);
        await d.OkAsync(State);
        Assert.Empty(d.Processors[0].Asked);

        d.Processors[0].Claim([0]); // equal now: the owner keeps it
        await d.Router.WaitForAsync(t => t.ClaimOf(0)?.Position == 10, Stop);
        await d.OkAsync(State);
        Assert.Empty(d.Processors[0].Asked);

        topic.SetPosition(0, 11);
        d.Processors[0].Claim([0]);
        await d.Router.WaitForAsync(t => Owner(t, 0) == "processor-0", Stop);
        await d.OkAsync(State);
        Assert.Single(d.Processors[0].Asked);
    }

    [Fact]
    public async Task A_partition_that_does_not_run_is_not_routed()
    {
        var topic = new FakeTopic(2);
        await using var d = await Deployment.StartAsync(topic, [[0, 1]]);
        topic.SetState(topic.IdIn(1), topic.IdIn(1));
        d.Processors[0].Claim([0, 1], c => c.Claims[0].State = PartitionState.Recovering);
        await d.Router.WaitForAsync(t => t.RoutedCount == 1, Stop);
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{topic.IdIn(1)}/channels/{topic.IdIn(0)}"), 503, "partition-unavailable");
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{topic.IdIn(1)}/badge"), 503, "partition-unavailable");
        var ready = await d.GetAsync("/health/ready");
        Deployment.AssertProblem(ready, 503, "partition-unavailable");
        Assert.Contains("partitions 0", ready.Body.GetProperty("detail").GetString());
        await d.OkAsync($"/v1/users/{topic.IdIn(1)}/channels/{topic.IdIn(1)}");
    }

    [Fact]
    public async Task One_lineage_is_served_at_a_time_the_highest_that_is_complete()
    {
        var topic = new FakeTopic(2);
        await using var d = await Deployment.StartAsync(topic, [[0, 1], []]);
        d.Processors[1].Claim([0], c => c.Lineage = 2);
        d.Processors[0].Claim([0, 1], c => c.ThreadsSeparate = true); // a change to wait for
        await d.Router.WaitForAsync(t => t.TryOwner(0, out var o) && o.Claims.ThreadsSeparate, Stop);
        Assert.Equal(1ul, d.Router.Current.Lineage);
        d.Processors[1].Claim([0, 1], c => c.Lineage = 2);
        await d.Router.WaitForAsync(t => t is { Lineage: 2, Complete: true }, Stop);
        d.Processors[1].Claim([1], c => c.Lineage = 2); // back to the one that is whole
        await d.Router.WaitForAsync(t => t is { Lineage: 1, Complete: true }, Stop);
    }

    [Fact]
    public async Task A_partition_that_moves_under_a_question_is_asked_of_its_new_owner()
    {
        var topic = new FakeTopic(1);
        await using var d = await Deployment.StartAsync(topic, [[0], []], "--Routing:MovedWaitMs=10000");
        topic.SetState(User, Channel);
        var release = new TaskCompletionSource();
        d.Processors[0].Gate = release.Task;
        var answer = d.OkAsync(State);
        await d.Processors[0].Arrived.Task.WaitAsync(Stop);
        d.Processors[0].Claim([]);
        release.SetResult(); // the old owner refuses before the new one has claimed
        await d.Router.WaitForAsync(t => t.RoutedCount == 0, Stop);
        d.Processors[1].Claim([0]);
        Assert.True((await answer).GetProperty("member").GetBoolean());
        Assert.Single(d.Processors[1].Asked);
    }

    [Fact]
    public async Task A_question_is_repeated_once_and_then_503()
    {
        var topic = new FakeTopic(1);
        await using var d = await Deployment.StartAsync(topic, [[0]], "--Routing:MovedWaitMs=0");
        topic.SetState(User, Channel);
        d.Processors[0].FailOnce = new ConnectException(ConnectCode.Unavailable, "moved");
        await d.OkAsync(State);
        d.Processors[0].FailOnce = new ConnectException(ConnectCode.FailedPrecondition, "blocks, please");
        await d.OkAsync(State);
        d.Processors[0].FailAlways = new ConnectException(ConnectCode.Unavailable, "moved");
        var before = d.Processors[0].Failed;
        Deployment.AssertProblem(await d.GetAsync(State), 503, "partition-unavailable");
        Assert.Equal(2, d.Processors[0].Failed - before);
    }

    [Theory]
    [InlineData(ConnectCode.ResourceExhausted, 503, "processor-overloaded")]
    [InlineData(ConnectCode.DeadlineExceeded, 503, "partition-unavailable")]
    [InlineData(ConnectCode.Internal, 502, "processor-failed")]
    [InlineData(ConnectCode.InvalidArgument, 502, "processor-failed")]
    public async Task Other_errors_are_not_repeated(ConnectCode code, int status, string problem)
    {
        var topic = new FakeTopic(1);
        await using var d = await Deployment.StartAsync(topic, [[0]]);
        d.Processors[0].FailAlways = new ConnectException(code, "no");
        Deployment.AssertProblem(await d.GetAsync(State), status, problem);
        Assert.Equal(1, d.Processors[0].Failed);
    }

    [Fact]
    public async Task A_processor_that_goes_away_is_503_and_the_others_go_on()
    {
        var topic = new FakeTopic(2);
        await using var d = await Deployment.StartAsync(topic, [[0], [1]]);
        var (here, there) = (topic.IdIn(0), topic.IdIn(1));
        topic.SetState(here, here);
        await d.Processors[1].StopAsync();
        await d.Router.WaitForAsync(t => t.RoutedCount == 1, Stop);
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{here}/channels/{there}"), 503, "partition-unavailable");
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{here}/channels"), 503, "partition-unavailable");
        Deployment.AssertProblem(await d.PostAsync($"/v1/users/{here}/channels/{there}/ack", new { upTo = "1" }), 503, "partition-unavailable");
        // Whom this user blocked is known to the processor that is away.
        Deployment.AssertProblem(await d.GetAsync($"/v1/users/{there}/channels/{here}"), 503, "partition-unavailable");
        await d.OkAsync($"/v1/users/{here}/channels/{here}");
        await d.OkAsync("/health/live");
        Assert.Empty(topic.Published);
    }

    [Fact]
    public async Task A_broken_stream_is_opened_again()
    {
        await using var d = await Deployment.StartAsync(2);
        d.Processors[0].BreakStreams(c => c.Lineage = 5);
        await d.Router.WaitForAsync(t => t is { Lineage: 5, Complete: true }, Stop);
        await d.OkAsync("/health/ready");
    }

    [Fact]
    public async Task A_processor_that_falls_silent_is_away()
    {
        await using var d = await Deployment.StartAsync(2, "--Routing:ReconnectMinMs=60000", "--Routing:ReconnectMaxMs=60000", "--Routing:MissedHeartbeats=2");
        await d.OkAsync("/health/ready");
        d.Processors[0].Claim([0, 1], c => c.HeartbeatMs = 1); // the last word
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        Deployment.AssertProblem(await d.GetAsync("/health/ready"), 503, "partition-unavailable");
    }

    [Fact]
    public async Task Claims_that_make_no_sense_count_as_none()
    {
        await using var d = await Deployment.StartAsync(2);
        d.Processors[0].Claim([0, 1], c => c.IngestUrl = "nowhere");
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        d.Processors[0].Claim([0, 1], c => c.IngestUrl = "http://127.0.0.1:1");
        await d.Router.WaitForAsync(t => t.Complete, Stop);
        d.Processors[0].Claim([0, 1], c => c.Claims[1].Partition = 2);
        await d.Router.WaitForAsync(t => t.PartitionCount == 0, Stop);
        d.Processors[0].Claim([0, 1], c => c.PartitionCount = 3);
        await d.Router.WaitForAsync(t => t is { PartitionCount: 3, RoutedCount: 2 }, Stop);
    }

    [Fact]
    public async Task Processors_are_found_by_a_name_that_is_resolved_again()
    {
        var topic = new FakeTopic(1);
        await using var processor = await FakeProcessor.StartAsync(topic, "named", [0]);
        IPAddress[]? addresses = null;
        await using var api = await Deployment.StartApiAsync(
            [$"--Routing:DnsUrl=http://processors.test:{new Uri(processor.QueryUrl).Port}", "--Routing:DnsRefreshMs=100"],
            services => services.AddSingleton<ResolveHost>((host, _) =>
                host == "processors.test" && addresses is { } known ? Task.FromResult(known) : throw new SocketException((int)SocketError.HostNotFound)));
        var router = api.Services.GetRequiredService<Router>();
        Assert.Equal(0, router.Current.PartitionCount);
        addresses = [IPAddress.Loopback];
        await router.WaitForAsync(t => t.Complete, Stop);
        addresses = [IPAddress.Parse("127.0.0.2")];
        await router.WaitForAsync(t => t.PartitionCount == 0, Stop);
    }

    private static string? Owner(RoutingTable table, int partition) => table.TryOwner(partition, out var owner) ? owner.Claims.ProcessorId : null;
}
