using Microsoft.Extensions.Configuration;
using ReadStateStream.Host.Settings;
using Xunit;

namespace ReadStateStream.Unit.Host;

/// <summary>What the settings of the ingest allow, log and partitions take.</summary>
public class IngestLimitTests
{
    [Theory]
    [InlineData("Ingest:MaxUsers", "10001", "Ingest__MaxUsers must be 1 .. 10000; it is 10001")]
    [InlineData("Ingest:MaxEventBytes", "4193281", "Ingest__MaxEventBytes must be 1024 .. 4193280; it is 4193281")]
    public void A_limit_whose_events_would_be_acknowledged_and_then_not_folded_is_refused(string key, string value, string message)
    {
        var refused = Assert.Throws<SettingException>(() => Settings(key, value));
        Assert.Equal(message, refused.Message);
    }

    [Theory]
    [InlineData("Ingest:MaxUsers", "10000")]
    [InlineData("Ingest:MaxEventBytes", "4193280")]
    public void The_greatest_limit_is_taken(string key, string value) => Settings(key, value);

    private static ProcessorSettings Settings(string key, string value) =>
        new(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { [key] = value }).Build());
}
