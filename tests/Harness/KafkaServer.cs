using System.Globalization;

namespace ReadStateStream.Harness;

/// <summary>
/// Real brokers: those that <c>KAFKA_BOOTSTRAP</c> names, else some started from the shared folder's servers, in a temporary
/// folder, stopped and deleted at the end.
/// </summary>
public sealed class KafkaServer : IAsyncDisposable
{
    /// <summary>Name of the proxy in front of a broker that has one.</summary>
    public const string Proxied = "kafka";

    private const int PortsApart = 10;

    private readonly string? folder;
    private readonly string script;

    private KafkaServer(string bootstrap, string script, string? folder)
    {
        Bootstrap = bootstrap;
        this.script = script;
        this.folder = folder;
    }

    /// <summary>Addresses, <c>host:port</c> with commas between.</summary>
    public string Bootstrap { get; }

    /// <summary>What is missing where there is neither a named broker nor the shared folder's.</summary>
    public static string? Missing =>
        Named is not null || MissingOwn is null ? null : "no broker: set KAFKA_BOOTSTRAP, or SHARED to a folder with servers/kafka";

    /// <summary>The same where one that is named will not do.</summary>
    public static string? MissingOwn => File.Exists(Script()) ? null : "no broker that may be broken: set SHARED to a folder with servers/kafka";

    /// <summary>Finds or starts one.</summary>
    /// <exception cref="ProductFailedException">It did not start.</exception>
    public static Task<KafkaServer> StartAsync() => Named is { } named ? Task.FromResult(new KafkaServer(named, "", null)) : StartOwnAsync(1);

    /// <summary>Starts some that may be broken: those that are named will not do.</summary>
    /// <param name="brokers">How many.</param>
    /// <exception cref="ProductFailedException">They did not start.</exception>
    public static Task<KafkaServer> StartOwnAsync(int brokers) => StartOwnAsync(FreePort(brokers), brokers);

    /// <summary>Starts one broker with a second way to it, through a proxy; both ways lead only to themselves.</summary>
    /// <param name="proxy">The proxy; its way is named <see cref="Proxied"/>.</param>
    /// <returns>The broker, and its address through the proxy.</returns>
    /// <exception cref="ProductFailedException">It did not start.</exception>
    public static async Task<(KafkaServer Server, string Proxied)> StartProxiedAsync(Toxiproxy proxy)
    {
        var port = FreePort(1);
        var (behind, front) = (port + 2, port + 3);
        await proxy.OpenAsync(Proxied, front, behind).ConfigureAwait(false);
        var server = await StartOwnAsync(
            port, 1,
            $"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1},PROXIED://127.0.0.1:{behind}",
            $"advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{front}",
            "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT").ConfigureAwait(false);
        return (server, $"127.0.0.1:{front}");
    }

    private static async Task<KafkaServer> StartOwnAsync(int port, int brokers, params string[] settings)
    {
        var (script, folder) = (Script(), Directory.CreateTempSubdirectory("readstate-kafka-").FullName);
        string[] arguments = ["start", folder, "--port", $"{port}", "--brokers", $"{brokers}", .. settings.SelectMany(static one => (string[])["--set", one])];
        try
        {
            _ = await ExternalProgram.RunAsync(script, arguments).ConfigureAwait(false);
            var all = await File.ReadAllTextAsync(Path.Combine(folder, "bootstrap")).ConfigureAwait(false);
            return new KafkaServer(all.Trim(), script, folder);
        }
        catch
        {
            // Some of several may run already.
            _ = await ExternalProgram.TryRunAsync(script, ["kill", folder]).ConfigureAwait(false);
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <summary>kill -9 of one broker, from 1.</summary>
    public Task KillAsync(int broker) => RunAsync("kill", folder!, broker.ToString(CultureInfo.InvariantCulture));

    /// <summary>Starts again what is down, on its data.</summary>
    public Task ResumeAsync() => RunAsync("resume", folder!);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (folder is null) return;
        await RunAsync("kill", folder).ConfigureAwait(false);
        Directory.Delete(folder, recursive: true);
    }

    private static string? Named => Environment.GetEnvironmentVariable("KAFKA_BOOTSTRAP") is { Length: > 0 } given ? given : null;

    private static string Script() => Path.Combine(Checkout.Shared, "servers", "kafka");

    // Brokers lie ten ports apart; the first one's controller takes the port after its own, a proxied way two more.
    private static int FreePort(int brokers) =>
        FreePorts.First([.. Enumerable.Range(1, brokers - 1).Select(static number => PortsApart * number), 1, 2, 3]);

    private Task<string> RunAsync(params string[] arguments) => ExternalProgram.RunAsync(script, arguments);
}
