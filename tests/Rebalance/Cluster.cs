using System.Text.RegularExpressions;
using ReadStateStream.Harness;
using ReadStateStream.Oracle;

namespace ReadStateStream.Rebalance;

/// <summary>Some processors with folders of their own, one snapshot folder, and query APIs that know them all.</summary>
internal sealed partial class Cluster : IAsyncDisposable
{
    /// <summary>Partitions of the topic.</summary>
    public const int Partitions = 12;

    /// <summary>Query APIs.</summary>
    public const int Apis = 2;

    /// <summary>The broker's least.</summary>
    public static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(6);

    /// <summary>What counts.</summary>
    public static readonly OraclePolicy Policy = new() { Threads = OracleThreads.Separate, Window = 50 };

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string root;
    private readonly string folder;
    private readonly string bootstrap;
    private readonly ChildProcess?[] processors;
    private readonly (int Ingest, int Query)[] ports;
    private readonly List<ChildProcess> apis = [];
    private readonly Action<string> said;

    private Cluster(string root, string bootstrap, int slots, Action<string> said)
    {
        (this.root, this.bootstrap, this.said) = (root, bootstrap, said);
        folder = Directory.CreateTempSubdirectory("readstate-rebalance-").FullName;
        processors = new ChildProcess?[slots];
        ports = [.. Enumerable.Range(0, slots).Select(static _ => (FreePorts.One(), FreePorts.One()))];
    }

    /// <summary>Name of the topic.</summary>
    public string Topic { get; } = $"readstate-rebalance-{Guid.NewGuid():N}";

    /// <summary>Where the query APIs answer.</summary>
    public List<Uri> Addresses { get; } = [];

    /// <summary>Slots whose processor runs.</summary>
    public IEnumerable<int> Running => Enumerable.Range(0, processors.Length).Where(slot => processors[slot] is { IsRunning: true });

    /// <summary>Slots without one.</summary>
    public IEnumerable<int> Free => Enumerable.Range(0, processors.Length).Where(slot => processors[slot] is not { IsRunning: true });

    /// <summary>Processors that ended by themselves, or were not stopped in order.</summary>
    public List<string> Failures { get; } = [];

    private string SnapshotFolder => Path.Combine(folder, "snapshot");

    /// <summary>Starts some processors and all query APIs.</summary>
    /// <param name="root">Root of the built repository.</param>
    /// <param name="bootstrap">The broker.</param>
    /// <param name="processors">Processors at first; there is room for one more.</param>
    /// <param name="said">Told of every line of a processor.</param>
    public static async Task<Cluster> StartAsync(string root, string bootstrap, int processors, Action<string> said)
    {
        var cluster = new Cluster(root, bootstrap, processors + 1, said);
        try
        {
            await cluster.CreateTopicAsync().ConfigureAwait(false);
            await Task.WhenAll(Enumerable.Range(0, processors).Select(cluster.JoinAsync)).ConfigureAwait(false);
            for (var api = 0; api < Apis; api++) await cluster.StartApiAsync().ConfigureAwait(false);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Starts a slot's processor, on what it left behind.</summary>
    public async Task JoinAsync(int slot)
    {
        processors[slot]?.Dispose();
        var settings = Settings(slot);
        (processors[slot], _) = await ChildProcess.StartAsync(
            $"processor {slot}", Executable("processor/Host", "processor"), settings, ReadyLine(), Patience, line => said($"{slot} | {line}")).ConfigureAwait(false);
    }

    /// <summary>SIGTERM, and its orderly end.</summary>
    public async Task LeaveAsync(int slot)
    {
        try
        {
            await processors[slot]!.StopAsync(Patience).ConfigureAwait(false);
        }
        catch (ProductFailedException failed)
        {
            Failures.Add(failed.Message);
        }
    }

    /// <summary>kill -9.</summary>
    public void Kill(int slot) => processors[slot]!.Kill();

    /// <summary>The process stands still, as under a debugger or a stalled hypervisor.</summary>
    public void Pause(int slot) => processors[slot]!.Pause();

    /// <summary>It goes on, and does not know how long it stood.</summary>
    public void Wake(int slot) => processors[slot]!.Wake();

    /// <summary>Every call to the snapshot folder fails.</summary>
    public void BreakSnapshots()
    {
        Directory.Move(SnapshotFolder, SnapshotFolder + ".away");
        File.WriteAllText(SnapshotFolder, "not a folder");
    }

    /// <summary>It is there again.</summary>
    public void MendSnapshots()
    {
        File.Delete(SnapshotFolder);
        Directory.Move(SnapshotFolder + ".away", SnapshotFolder);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (var api in apis) api.Dispose();
        foreach (var processor in processors) processor?.Dispose();
        Directory.Delete(folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    /// <summary>The last lines of all processors.</summary>
    public string Log => string.Join('\n', processors.Where(static one => one is not null).Select(static one => one!.Log));

    private Dictionary<string, string> Settings(int slot)
    {
        var (ingest, query) = ports[slot];
        return new Dictionary<string, string>
        {
            ["Kafka__Bootstrap"] = bootstrap,
            ["Kafka__SessionTimeoutMs"] = $"{SessionTimeout.TotalMilliseconds:0}",
            ["Processor__Topic"] = Topic,
            ["Processor__Partitions"] = $"{Partitions}",
            ["Processor__DataFolder"] = Path.Combine(folder, $"data-{slot}"),
            ["Ingest__Url"] = $"http://127.0.0.1:{ingest}",
            ["Query__Url"] = $"http://127.0.0.1:{query}",
            ["Query__HeartbeatMs"] = "500",
            ["Policy__Threads"] = "Separate",
            ["Policy__Window"] = $"{Policy.Window}",
            ["Snapshot__Store"] = "files",
            ["Snapshot__Folder"] = SnapshotFolder,
            ["Checkpoint__IntervalSeconds"] = "2",
            ["Checkpoint__GarbageBytes"] = $"{256 << 10}",
            ["Store__LogMemoryBytes"] = $"{Partitions * (256 << 10)}",
            ["Store__PageBytes"] = $"{8 << 10}",
            ["Store__SegmentBytes"] = $"{256 << 10}",
            ["Store__IndexBytes"] = $"{1 << 20}",
        };
    }

    private Task<string> CreateTopicAsync() => ExternalProgram.RunAsync(Executable("processor/Host", "processor"), ["topics", "create"], Settings(0));

    private async Task StartApiAsync()
    {
        Dictionary<string, string> settings = new()
        {
            ["Listen__Url"] = "http://127.0.0.1:0", ["Snapshot__Store"] = "files", ["Snapshot__Folder"] = SnapshotFolder,
            ["Routing__ReconnectMaxMs"] = "500",
        };
        for (var slot = 0; slot < ports.Length; slot++) settings[$"Processors__{slot}"] = $"http://127.0.0.1:{ports[slot].Query}";
        var (api, ready) = await ChildProcess.StartAsync(
            "query-api", Executable("query-api", "query-api"), settings, ApiReadyLine(), Patience).ConfigureAwait(false);
        apis.Add(api);
        Addresses.Add(new Uri(ready.Groups["url"].Value));
    }

    private string Executable(string project, string name) => Path.Combine(root, project, "bin", "Release", "net10.0", name);

    [GeneratedRegex(@"^processor ready ")]
    private static partial Regex ReadyLine();

    [GeneratedRegex(@"^query-api ready (?<url>\S+)")]
    private static partial Regex ApiReadyLine();
}
