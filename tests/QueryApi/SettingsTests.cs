using Microsoft.AspNetCore.Builder;
using Xunit;

namespace ReadStateStream.QueryApiTests;

public class SettingsTests
{
    [Theory]
    [InlineData("--Answers:DefaultWaitMs=30001", "Answers__DefaultWaitMs must be 0 .. 30000 (it is 30001)")]
    [InlineData("--Answers:CallTimeoutMs=99", "Answers__CallTimeoutMs must be 100 .. 60000")]
    [InlineData("--Answers:PublishTimeoutMs=0", "Answers__PublishTimeoutMs must be 100 .. 600000")]
    [InlineData("--Answers:ConcurrencyMax=0", "Answers__ConcurrencyMax must be 1 .. 100000")]
    [InlineData("--Answers:QueueMax=-1", "Answers__QueueMax must be 0 .. 100000")]
    [InlineData("--Answers:BlockedConcurrencyMax=0", "Answers__BlockedConcurrencyMax must be 1 .. 1000")]
    [InlineData("--Answers:RetryAfterSeconds=0", "Answers__RetryAfterSeconds must be 1 .. 3600")]
    [InlineData("--Answers:BodyBytesMax=1", "Answers__BodyBytesMax must be 1024 .. 16777216")]
    [InlineData("--Answers:DefaultWaitMs=soon", "Answers:DefaultWaitMs")]
    [InlineData("--Answers:DefaultWait=1", "Answers__DefaultWait is no setting; there are DefaultWaitMs, CallTimeoutMs")]
    [InlineData("--Listen:Url=ftp://127.0.0.1", "Listen__Url must be an http URL")]
    [InlineData("--Listen:Url=http://localhost:0", "Listen__Url can take port 0 only with an IP address")]
    [InlineData("--Processors:0=processor", "Processors__0 must be an absolute http or https URL (it is 'processor')")]
    [InlineData("--Routing:DnsUrl=processors", "Routing__DnsUrl must be an absolute http or https URL")]
    [InlineData("--Routing:DnsRefreshMs=1", "Routing__DnsRefreshMs must be 100 .. 600000")]
    [InlineData("--Routing:ConnectTimeoutMs=1", "Routing__ConnectTimeoutMs must be 100 .. 60000")]
    [InlineData("--Routing:MissedHeartbeats=0", "Routing__MissedHeartbeats must be 1 .. 100")]
    [InlineData("--Routing:ReconnectMinMs=0", "Routing__ReconnectMinMs must be 1 .. 60000")]
    [InlineData("--Routing:ReconnectMinMs=100", "Routing__ReconnectMaxMs must be Routing__ReconnectMinMs (100) or more (it is 20)")]
    [InlineData("--Routing:Processors:0=http://127.0.0.1:1", "Routing__Processors is no setting")]
    [InlineData("--Snapshot:Store=cassandra", "Snapshot__Store must be none or files (it is 'cassandra')")]
    [InlineData("--Snapshot:Store=files", "Snapshot__Folder must name the folder of the files store")]
    [InlineData("--Snapshot:Folder=x", "Snapshot__Folder has no effect without Snapshot__Store=files")]
    [InlineData("--SnapshotReads:Lineage=255", "SnapshotReads__Lineage must be 0 or 256 .. 524287 (it is 255)")]
    [InlineData("--SnapshotReads:Lineage=524288", "SnapshotReads__Lineage must be 0 .. 524287")]
    [InlineData("--SnapshotReads:RowsMax=99", "SnapshotReads__RowsMax must be 100 .. 10000000")]
    [InlineData("--SnapshotReads:ConcurrencyMax=0", "SnapshotReads__ConcurrencyMax must be 1 .. 10000")]
    [InlineData("--SnapshotReads:QueueMax=-1", "SnapshotReads__QueueMax must be 0 .. 100000")]
    [InlineData("--SnapshotReads:ReadsMax=0", "SnapshotReads__ReadsMax must be 1 .. 1000")]
    [InlineData("--SnapshotReads:ReadTimeoutMs=9", "SnapshotReads__ReadTimeoutMs must be 10 .. 60000")]
    [InlineData("--Snapshot:Path=x", "Snapshot__Path is no setting; there are Store, Folder")]
    [InlineData("--Routing:MovedWaitMs=10001", "Routing__MovedWaitMs must be 0 .. 10000")]
    public async Task A_setting_out_of_range_refuses_to_start_and_is_named(string setting, string expected)
    {
        var refusal = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync(setting));
        Assert.Contains(expected, refusal.ToString());
    }

    [Fact]
    public async Task A_list_and_a_name_exclude_each_other()
    {
        var refusal = await Assert.ThrowsAnyAsync<Exception>(() => StartAsync("--Processors:0=http://127.0.0.1:1", "--Routing:DnsUrl=http://processors:1"));
        Assert.Contains("exclude each other", refusal.Message);
    }

    private static async Task StartAsync(params string[] settings)
    {
        await using WebApplication api = await Deployment.StartApiAsync(settings);
    }
}
