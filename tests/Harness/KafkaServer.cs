using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ReadStateStream.Harness;

/// <summary>
/// Real brokers: those that <c>KAFKA_BOOTSTRAP</c> names, else some started from the shared folder's servers, in a temporary
/// folder, stopped and deleted at the end.
/// </summary>
public sealed class KafkaServer : IAsyncDisposable
{
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

    /// <summary>Whether it was started here, and can be killed.</summary>
    public bool IsOwn => folder is not null;

    /// <summary>What is missing where there is neither a named broker nor the shared folder's.</summary>
    public static string? Missing =>
        Named is not null || File.Exists(Script()) ? null : "no broker: set KAFKA_BOOTSTRAP, or SHARED to a folder with servers/kafka";

    /// <summary>Finds or starts one.</summary>
    /// <param name="brokers">How many are started.</param>
    /// <param name="mustBeOwn">Whether one that is named will not do, since it is going to be broken.</param>
    /// <exception cref="InvalidOperationException">It did not start.</exception>
    public static async Task<KafkaServer> StartAsync(int brokers = 1, bool mustBeOwn = false)
    {
        if (!mustBeOwn && Named is { } named) return new KafkaServer(named, "", null);
        var (script, folder) = (Script(), Directory.CreateTempSubdirectory("readstate-kafka-").FullName);
        var server = new KafkaServer($"127.0.0.1:{FreePort(brokers)}", script, folder);
        var port = server.Bootstrap[(server.Bootstrap.IndexOf(':', StringComparison.Ordinal) + 1)..];
        await server.RunAsync("start", folder, "--port", port, "--brokers", brokers.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
        var all = await File.ReadAllTextAsync(Path.Combine(folder, "bootstrap")).ConfigureAwait(false);
        return new KafkaServer(all.Trim(), script, folder);
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

    private static string Script() => Path.Combine(SharedFolder(), "servers", "kafka");

    /// <summary>The shared folder; it need not exist.</summary>
    public static string SharedFolder()
    {
        if (Environment.GetEnvironmentVariable("SHARED") is { Length: > 0 } given) return given;
        for (var above = new DirectoryInfo(AppContext.BaseDirectory); above is not null; above = above.Parent)
            if (File.Exists(Path.Combine(above.FullName, "ReadStateStream.sln")))
                return Path.Combine(above.FullName, "..", "shared");
        return "";
    }

    // Brokers lie ten ports apart; the first one's controller takes the port after its own.
    private static int FreePort(int brokers)
    {
        while (true)
        {
            using var first = new TcpListener(IPAddress.Loopback, 0);
            first.Start();
            var port = ((IPEndPoint)first.LocalEndpoint).Port;
            if (port + (PortsApart * brokers) <= ushort.MaxValue
                && Enumerable.Range(1, brokers - 1).Select(number => port + (PortsApart * number)).Append(port + 1).All(IsFree))
                return port;
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(script, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync()).ConfigureAwait(false);
        await process.WaitForExitAsync().ConfigureAwait(false);
        if (process.ExitCode != 0) throw new InvalidOperationException($"kafka {string.Join(' ', arguments)}: {string.Join('\n', said)}");
    }
}
