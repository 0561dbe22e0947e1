using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.Host;
using ReadStateStream.Partition.Query;

namespace ReadStateStream.Benchmarks.Broker;

/// <summary>The whole processor in this process, so that its positions can be looked at often; a data folder of its own.</summary>
internal sealed class HostedProduct : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly IProcessorParts parts;
    private readonly string data;

    private HostedProduct(WebApplication app, IProcessorParts parts, string data) => (this.app, this.parts, this.data) = (app, parts, data);

    /// <summary>Partitions that it owns now.</summary>
    public IReadOnlyList<IPartitionQueries> Partitions => parts.Partitions;

    /// <summary>Starts it, with nothing but the settings named here.</summary>
    /// <param name="partitions">Partitions of the topic.</param>
    /// <param name="snapshots">Folder of the snapshots, which several share.</param>
    /// <param name="more">Further settings.</param>
    public static async Task<HostedProduct> StartAsync(int partitions, string snapshots, params string[] more)
    {
        var data = Directory.CreateTempSubdirectory("readstate-bench-").FullName;
        string[] settings =
        [
            $"--Kafka:Bootstrap={BrokerBed.Bootstrap}", $"--Processor:Topic={BrokerBed.Topic}", $"--Processor:Partitions={partitions}",
            $"--Processor:DataFolder={data}", "--Ingest:Url=http://127.0.0.1:0", "--Query:Url=http://127.0.0.1:0",
            "--Snapshot:Store=files", $"--Snapshot:Folder={snapshots}", "--Logging:LogLevel:Default=Error", .. more,
        ];
        var app = Wiring.Build(settings, Wiring.CreateParts, TextWriter.Null, TimeProvider.System);
        await app.StartAsync().ConfigureAwait(false);
        return new HostedProduct(app, app.Services.GetRequiredService<IProcessorParts>(), data);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await app.StopAsync().ConfigureAwait(false);
        await app.DisposeAsync().ConfigureAwait(false);
        Directory.Delete(data, recursive: true);
    }
}
