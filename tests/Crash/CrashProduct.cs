using ReadStateStream.Harness;
using ReadStateStream.Oracle;

namespace ReadStateStream.Crash;

/// <summary>
/// A processor with the embedded log and a `files` snapshot store, so small that every path of checkpoint, ship and
/// compaction runs within seconds, under a load that can be compared with its oracles at any time.
/// </summary>
internal sealed class CrashProduct : IAsyncDisposable
{
    private const int Partitions = 2;
    private const string KillAt = "READSTATE_KILL_AT";

    /// <summary>Bytes of one partition's record pages in memory.</summary>
    public const long MemoryBytes = 64 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(25);
    private static readonly OraclePolicy Policy = new() { Threads = OracleThreads.Separate, Window = 50 };

    private readonly Dictionary<string, string> settings;
    private readonly ProductProcess product;
    private readonly TimeProvider time;
    private readonly string folder;

    private CrashProduct(ProductProcess product, Dictionary<string, string> settings, RecoveryWatch watch, CrashRow row, string folder, int seed, TimeProvider time)
    {
        (this.product, this.settings, this.time, this.folder) = (product, settings, time, folder);
        (Watch, Row) = (watch, row);
        Files = new DurableFiles(product.DataFolder, settings["Snapshot__Folder"], Partitions);
        Client = new ProductClient(product.Ingest, product.Api, time, Patience);
        Load = new Load(Client, seed, time);
    }

    /// <summary>What it leaves on the disk.</summary>
    public DurableFiles Files { get; }

    /// <summary>What it says.</summary>
    public RecoveryWatch Watch { get; }

    /// <summary>Where it is written down.</summary>
    public CrashRow Row { get; }

    /// <summary>Its HTTP.</summary>
    public ProductClient Client { get; }

    /// <summary>What is published.</summary>
    public Load Load { get; }

    /// <summary>The processes.</summary>
    public ProductProcess Product => product;

    /// <summary>Called when its processes have ended, before its folders are deleted.</summary>
    public Func<Task> OnStopped { get; set; } = static () => Task.CompletedTask;

    /// <summary>Number of partitions.</summary>
    public static int PartitionCount => Partitions;

    /// <summary>Starts one in folders of its own.</summary>
    /// <param name="root">Root of the built repository; null: this one.</param>
    /// <param name="row">Where it is written down.</param>
    /// <param name="seed">Of the load.</param>
    /// <param name="time">Clock.</param>
    /// <param name="prepare">Called with the data folder and the snapshot folder before anything starts.</param>
    public static async Task<CrashProduct> StartAsync(
        string? root, CrashRow row, int seed, TimeProvider time, Func<string, string, Task>? prepare = null)
    {
        var folder = Directory.CreateTempSubdirectory("readstate-crash-").FullName;
        var (data, snapshot) = (Path.Combine(folder, "data"), Path.Combine(folder, "snapshot"));
        Directory.CreateDirectory(data);
        if (prepare is not null) await prepare(data, snapshot).ConfigureAwait(false);
        var settings = new Dictionary<string, string>
        {
            ["Processor__Partitions"] = $"{Partitions}",
            ["Policy__Threads"] = "Separate",
            ["Policy__Window"] = $"{Policy.Window}",
            ["Snapshot__Store"] = "files",
            ["Snapshot__Folder"] = snapshot,
            ["Checkpoint__IntervalSeconds"] = "1",
            ["Checkpoint__IntervalBytes"] = $"{64 << 10}",
            ["Checkpoint__GarbageBytes"] = $"{64 << 10}",
            ["Checkpoint__GarbageRatio"] = "0.2",
            ["Store__LogMemoryBytes"] = $"{Partitions * MemoryBytes}",
            ["Store__PageBytes"] = $"{4 << 10}",
            ["Store__SegmentBytes"] = $"{64 << 10}",
            ["Store__IndexBytes"] = $"{64 << 10}",
        };
        var watch = new RecoveryWatch(row);
        watch.Begin(new long[Partitions]);
        var product = await ProductProcess.StartAsync(
            new ProductOptions { Root = root, DataFolder = data, ProcessorSettings = settings, OnProcessorLine = watch.Hear }).ConfigureAwait(false);
        return new CrashProduct(product, settings, watch, row, folder, seed, time);
    }

    /// <summary>kill -9.</summary>
    public async Task KillAsync()
    {
        product.KillProcessor();
        await product.WaitForProcessorEndAsync(Patience).ConfigureAwait(false);
        Row.Kills++;
    }

    /// <summary>Starts it on what it left behind; it kills itself when it has reached a step so many times.</summary>
    /// <param name="step">Where; null: nowhere.</param>
    /// <param name="times">How many times it was reached then.</param>
    /// <param name="durable">Positions below which a recovery has to say why; null: those on the disk now.</param>
    /// <returns>False where it ended before it was ready.</returns>
    public async Task<bool> RestartAsync(string? step = null, int times = 1, long[]? durable = null)
    {
        if (step is null) settings.Remove(KillAt);
        else settings[KillAt] = $"{step}:{times}";
        Watch.Begin(durable ?? await Files.PositionsAsync().ConfigureAwait(false));
        Row.Restarts++;
        return await StartOrDieAsync(step is not null, null).ConfigureAwait(false);
    }

    /// <summary>Starts it and kills it after a while, ready or not.</summary>
    public async Task RestartAndKillAsync(TimeSpan after)
    {
        settings.Remove(KillAt);
        Watch.Begin(await Files.PositionsAsync().ConfigureAwait(false));
        Row.Restarts++;
        if (await StartOrDieAsync(mayDie: true, after).ConfigureAwait(false)) product.KillProcessor();
        Row.Kills++;
    }

    private async Task<bool> StartOrDieAsync(bool mayDie, TimeSpan? patience)
    {
        try
        {
            await product.StartProcessorAsync(patience).ConfigureAwait(false);
            return true;
        }
        catch (ProductFailedException) when (mayDie)
        {
            return false;
        }
    }

    /// <summary>Waits until something holds; false where that takes longer than there is patience.</summary>
    public async Task<bool> UntilAsync(Func<Task<bool>> holds, TimeSpan patience, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        using var timer = new PeriodicTimer(Look, time);
        while (!await holds().ConfigureAwait(false))
        {
            if (time.GetElapsedTime(started) > patience) return false;
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
        return true;
    }

    /// <summary>Waits until each partition was shipped at least once above this position.</summary>
    public Task<bool> UntilShippedAsync(long[] above, CancellationToken cancellation) => UntilAsync(
        async () => (await Files.ShippedAsync().ConfigureAwait(false)).Zip(above).All(both => both.First > both.Second), Patience, cancellation);

    /// <summary>Stops the load, compares everything, and writes it down.</summary>
    public async Task<Verdict> CompareAsync(CancellationToken cancellation)
    {
        await Load.StopAsync().ConfigureAwait(false);
        var comparison = new StateComparison(Client, Policy, Partitions, Load.Tokens.Merged());
        var verdict = await comparison.CompareAsync(Load.Logs, cancellation).ConfigureAwait(false);
        Row.Add(verdict);
        return verdict;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Load.Dispose();
        Client.Dispose();
        await product.DisposeAsync().ConfigureAwait(false);
        await OnStopped().ConfigureAwait(false);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
    }
}
