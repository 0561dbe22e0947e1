using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using ReadStateStream.Host;
using ReadStateStream.Host.Settings;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Host;

/// <summary>The epoch of event ids belongs to the log.</summary>
public sealed class EpochTests : IDisposable
{
    private const string Epoch = "2015-01-01T00:00:00Z";

    private readonly string folder = Directory.CreateTempSubdirectory("readstate-epoch-").FullName;

    [Fact]
    public async Task A_later_epoch_that_would_make_every_record_a_dead_letter_is_refused()
    {
        await StampOneAsync();
        var refused = await Assert.ThrowsAsync<SettingException>(() => StartAndStopAsync("2020-01-01T00:00:00Z"));
        Assert.Contains("EventIds__Epoch", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_epoch_that_the_log_was_written_with_is_taken()
    {
        await StampOneAsync();
        await StartAndStopAsync(Epoch);
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private Task StampOneAsync() => WithPartsAsync(Epoch, async parts =>
    {
        var stamped = (ulong)(DateTimeOffset.UnixEpoch.AddYears(50) - DateTimeOffset.Parse(Epoch, CultureInfo.InvariantCulture)).TotalMilliseconds << 22;
        var results = await parts.Topic.PublishAsync([new OutgoingRecord(0, "7"u8.ToArray(), new byte[] { 1 }, stamped)], CancellationToken.None);
        Assert.Null(results[0].Error);
    });

    private Task StartAndStopAsync(string epoch) => WithPartsAsync(epoch, _ => Task.CompletedTask);

    private async Task WithPartsAsync(string epoch, Func<EmbeddedParts, Task> use)
    {
        var settings = new ProcessorSettings(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Processor:DataFolder"] = folder, ["Processor:Partitions"] = "1", ["EventIds:Epoch"] = epoch,
            ["Store:LogMemoryBytes"] = "4194304", ["Store:IndexBytes"] = "65536",
        }).Build());
        using var telemetry = new Telemetry();
        await using var parts = new EmbeddedParts(settings, new At(DateTimeOffset.UnixEpoch.AddYears(50)), telemetry, NullLoggerFactory.Instance);
        await parts.StartAsync(CancellationToken.None);
        await use(parts);
    }

    private sealed class At(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}
