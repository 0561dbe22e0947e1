using System.Text.RegularExpressions;

namespace ReadStateStream.Harness;

/// <summary>Which build of the product to start, and how.</summary>
public sealed class ProductOptions
{
    /// <summary>Root of a repository that was built; null: the one that this assembly lies in.</summary>
    public string? Root { get; init; }

    /// <summary>Build configuration; null: that of this assembly.</summary>
    public string? Configuration { get; init; }

    /// <summary>Where the processor keeps its log and store; null: a temporary folder, deleted at the end.</summary>
    public string? DataFolder { get; init; }

    /// <summary>Settings of the processor, as environment variables (Section__Key); read at each of its starts.</summary>
    public IReadOnlyDictionary<string, string> ProcessorSettings { get; init; } = new Dictionary<string, string>();

    /// <summary>Told of every line the processor prints, on any thread; null: nobody.</summary>
    public Action<string>? OnProcessorLine { get; init; }

    /// <summary>Brokers; each product has a topic of its own there. Null: the embedded log.</summary>
    public string? KafkaBootstrap { get; init; }

    /// <summary>Name of a topic that exists there; null: one of its own.</summary>
    public string? Topic { get; init; }

    /// <summary>Settings of the query API, likewise.</summary>
    public IReadOnlyDictionary<string, string> QueryApiSettings { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// A processor and a query API on free ports of the loopback, from their executables. The ports are
/// those of the first start for as long as this lives, so that a restarted processor is found again.
/// </summary>
public sealed partial class ProductProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(60);

    private readonly ProductOptions options;
    private readonly string root;
    private readonly string configuration;
    private readonly bool ownsDataFolder;
    private readonly string topic;
    private ChildProcess? processor;
    private ChildProcess? queryApi;

    private ProductProcess(ProductOptions options)
    {
        this.options = options;
        topic = options.Topic ?? $"readstate-{Guid.NewGuid():N}";
        root = options.Root is null ? Checkout.Root : Path.GetFullPath(options.Root);
        configuration = options.Configuration
            ?? (AppContext.BaseDirectory.Contains($"{Path.DirectorySeparatorChar}Release{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
                ? "Release" : "Debug");
        ownsDataFolder = options.DataFolder is null;
        DataFolder = options.DataFolder ?? Directory.CreateTempSubdirectory("readstate-").FullName;
    }

    /// <summary>Where events are published.</summary>
    public Uri Ingest { get; private set; } = new("http://127.0.0.1:0");

    /// <summary>Where the processor answers the query API.</summary>
    public Uri PartitionQuery { get; private set; } = new("http://127.0.0.1:0");

    /// <summary>Where the query API answers.</summary>
    public Uri Api { get; private set; } = new("http://127.0.0.1:0");

    /// <summary>The processor's data folder.</summary>
    public string DataFolder { get; }

    /// <summary>Times the processor was started.</summary>
    public int ProcessorStarts { get; private set; }

    /// <summary>The last lines that both printed.</summary>
    public string Log => $"{processor?.Log}\n{queryApi?.Log}".Trim('\n');

    /// <summary>Starts both and waits until both are ready.</summary>
    /// <exception cref="ProductFailedException">One of them did not start; with its log.</exception>
    public static async Task<ProductProcess> StartAsync(ProductOptions options)
    {
        var product = new ProductProcess(options);
        try
        {
            if (options.KafkaBootstrap is not null) await product.CreateTopicAsync().ConfigureAwait(false);
            await product.StartProcessorAsync().ConfigureAwait(false);
            await product.StartQueryApiAsync().ConfigureAwait(false);
            return product;
        }
        catch
        {
            await product.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Starts the processor on its data folder, at its former addresses where it had any.</summary>
    /// <param name="patience">After which it is killed where it is not ready; null: a minute.</param>
    public async Task StartProcessorAsync(TimeSpan? patience = null)
    {
        processor?.Dispose();
        processor = null;
        var (process, ready) = await ChildProcess.StartAsync(
            "processor", Executable("processor/Host", "processor"),
            [
                .. ProcessorSettings(),
                new("Processor__DataFolder", DataFolder),
                new("Ingest__Url", Address(Ingest)),
                new("Query__Url", Address(PartitionQuery)),
            ],
            ProcessorReadyLine(), patience ?? StartPatience, options.OnProcessorLine).ConfigureAwait(false);
        processor = process;
        Ingest = new Uri(ready.Groups["ingest"].Value);
        PartitionQuery = new Uri(ready.Groups["query"].Value);
        ProcessorStarts++;
    }

    /// <summary>Runs a verb of the processor, with its settings; its exit code and all that it said.</summary>
    public async Task<(int Code, string Said)> VerbAsync(params string[] arguments)
    {
        var (code, output, errors) = await ExternalProgram.TryRunAsync(
            Executable("processor/Host", "processor"), arguments, [.. ProcessorSettings(), new("Processor__DataFolder", DataFolder)]).ConfigureAwait(false);
        return (code, $"{output}\n{errors}");
    }

    /// <summary>Name of the topic, where there is one.</summary>
    public string Topic => topic;

    /// <summary>SIGTERM to the processor, and waits for its graceful end.</summary>
    public Task StopProcessorAsync() => processor!.StopAsync(StopPatience);

    /// <summary>Whether the processor runs.</summary>
    public bool ProcessorRuns => processor is { IsRunning: true };

    /// <summary>Waits until the processor has ended by itself; false where that takes longer.</summary>
    public Task<bool> WaitForProcessorEndAsync(TimeSpan patience) => processor?.WaitForEndAsync(patience) ?? Task.FromResult(true);

    /// <summary>kill -9 of the processor.</summary>
    public void KillProcessor() => processor?.Kill();

    /// <summary>Stops the processor gracefully and starts it again.</summary>
    public async Task RestartProcessorAsync()
    {
        await StopProcessorAsync().ConfigureAwait(false);
        await StartProcessorAsync().ConfigureAwait(false);
    }

    /// <summary>Stops both gracefully: an error where one does not end by itself with code 0.</summary>
    public async Task StopAsync()
    {
        await queryApi!.StopAsync(StopPatience).ConfigureAwait(false);
        await StopProcessorAsync().ConfigureAwait(false);
    }

    /// <summary>Kills what still runs and deletes a temporary data folder.</summary>
    public ValueTask DisposeAsync()
    {
        queryApi?.Dispose();
        processor?.Dispose();
        if (ownsDataFolder && Directory.Exists(DataFolder)) Directory.Delete(DataFolder, recursive: true);
        return ValueTask.CompletedTask;
    }

    private IEnumerable<KeyValuePair<string, string>> ProcessorSettings() => options.KafkaBootstrap is not { } bootstrap
        ? options.ProcessorSettings : [.. options.ProcessorSettings, new("Kafka__Bootstrap", bootstrap), new("Processor__Topic", topic)];

    private async Task CreateTopicAsync()
    {
        var (code, said) = await VerbAsync("topics", "create").ConfigureAwait(false);
        if (code != 0) throw new ProductFailedException($"topics create: {said}");
    }

    private async Task StartQueryApiAsync()
    {
        var (process, ready) = await ChildProcess.StartAsync(
            "query-api", Executable("query-api", "query-api"),
            [
                // A processor that comes back is found at once.
                new("Routing__ReconnectMinMs", "20"),
                new("Routing__ReconnectMaxMs", "100"),
                .. options.QueryApiSettings,
                new("Processors__0", Address(PartitionQuery)),
                new("Listen__Url", Address(Api)),
            ],
            QueryApiReadyLine(), StartPatience).ConfigureAwait(false);
        queryApi = process;
        Api = new Uri(ready.Groups["url"].Value);
    }

    private string Executable(string project, string name)
    {
        var path = Path.Combine(root, project, "bin", configuration, "net10.0", OperatingSystem.IsWindows() ? name + ".exe" : name);
        return File.Exists(path)
            ? path
            : throw new ProductFailedException($"{name} is not built ({configuration}): no {Path.GetRelativePath(root, path)}");
    }

    private static string Address(Uri url) => url.ToString().TrimEnd('/');

    [GeneratedRegex(@"^processor ready ingest=(?<ingest>\S+) query=(?<query>\S+)")]
    private static partial Regex ProcessorReadyLine();

    [GeneratedRegex(@"^query-api ready (?<url>\S+)")]
    private static partial Regex QueryApiReadyLine();
}
