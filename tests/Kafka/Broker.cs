using ReadStateStream.Harness;
using ReadStateStream.Kafka;
using ReadStateStream.KafkaTests;
using Xunit;

[assembly: AssemblyFixture(typeof(Broker))]

namespace ReadStateStream.KafkaTests;

/// <summary>One broker for all tests; those that need it are skipped where there is none.</summary>
public sealed class Broker : IAsyncLifetime
{
    private readonly string? missing = NativeClient.Refusal ?? KafkaServer.Missing;
    private KafkaServer? server;

    /// <summary>Where it is.</summary>
    public string Bootstrap
    {
        get
        {
            Assert.SkipWhen(missing is not null, missing ?? "");
            return server!.Bootstrap;
        }
    }

    public async ValueTask InitializeAsync()
    {
        if (missing is null) server = await KafkaServer.StartAsync();
    }

    public ValueTask DisposeAsync() => server?.DisposeAsync() ?? ValueTask.CompletedTask;
}
