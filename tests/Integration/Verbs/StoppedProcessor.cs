using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using ReadStateStream.Host;
using ReadStateStream.Partition.Log;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Snapshot.Reading;
using Xunit;

namespace ReadStateStream.Integration.Verbs;

/// <summary>Folders that a real processor has left, and verbs over them. A copy of its own for each test.</summary>
public sealed class StoppedProcessor : IAsyncLifetime
{
    public const int Partitions = 2;
    public const int Channels = 6;
    public const int Members = 8;
    public const int MessagesEach = 60;

    /// <summary>Events of the whole topic: two runs' worth.</summary>
    public const int Events = Channels * (1 + (2 * MessagesEach));

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("readstate-verbs-");

    /// <summary>Two starts, each with a stop and its last checkpoint.</summary>
    public async ValueTask InitializeAsync()
    {
        var left = new LeftFolders(folder.FullName);
        await left.RunProcessorAsync(Created().Concat(Sent(1)));
        await left.RunProcessorAsync(Sent(1 + MessagesEach));
    }

    /// <summary>A copy that a test may damage.</summary>
    internal LeftFolders Copy()
    {
        var copy = Directory.CreateTempSubdirectory("readstate-verb-").FullName;
        CopyTo(folder.FullName, copy);
        return new LeftFolders(copy);
    }

    private static void CopyTo(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var below in Directory.GetDirectories(from)) CopyTo(below, Path.Combine(to, Path.GetFileName(below)));
    }

    private static IEnumerable<string> Created() => Enumerable.Range(1, Channels).Select(channel =>
        $$$"""{"channelCreated":{"channelId":"{{{channel}}}","kind":"CHANNEL_KIND_GUILD","memberIds":[{{{string.Join(',', Enumerable.Range(1, Members))}}}]}}""");

    private static IEnumerable<string> Sent(int first) =>
        from id in Enumerable.Range(first, MessagesEach)
        from channel in Enumerable.Range(1, Channels)
        select $$$"""{"messageSent":{"channelId":"{{{channel}}}","messageId":"{{{id}}}","authorId":"{{{1 + (id % Members)}}}","mentionedUserIds":["3"]}}""";

    public ValueTask DisposeAsync()
    {
        folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}

/// <summary>The data folder and the snapshot folder of a processor that is not running.</summary>
internal sealed class LeftFolders(string folder) : IDisposable
{
    public string Data => Path.Combine(folder, "data");

    public string Snapshot => Path.Combine(folder, "snapshot");

    /// <summary>Folder of a partition's store.</summary>
    public string Store(int partition, long lineage = 256) => Path.Combine(Data, "store", $"{lineage}", $"{partition}");

    /// <summary>Folder of a partition's rows.</summary>
    public string Rows(int partition, long lineage = 256) => Path.Combine(Snapshot, "rows", $"{lineage}", $"{partition}");

    /// <summary>A file in a folder of which only the newest number counts.</summary>
    public static string Newest(string folder, string prefix) =>
        Directory.GetFiles(folder, prefix + ".*").MaxBy(file => long.Parse(Path.GetExtension(file)[1..], System.Globalization.CultureInfo.InvariantCulture))!;

    public string[] Settings =>
    [
        $"Processor__DataFolder={Data}", $"Processor__Partitions={StoppedProcessor.Partitions}", "Snapshot__Store=files", $"Snapshot__Folder={Snapshot}",
        "Checkpoint__IntervalSeconds=1", "Store__PageBytes=16384", "Store__LogMemoryBytes=524288", "Store__IndexBytes=65536", "Store__SegmentBytes=65536",
    ];

    /// <summary>Runs a processor until everything published is applied, then stops it.</summary>
    public async Task RunProcessorAsync(IEnumerable<string> events)
    {
        await using var running = await StartAsync();
        await PublishAsync(running, events);
        await running.StopAsync();
    }

    /// <summary>A processor that runs until it is disposed.</summary>
    public async Task<WebApplication> StartAsync()
    {
        var args = Settings.Concat(["Ingest__Url=http://127.0.0.1:0", "Query__Url=http://127.0.0.1:0", "Logging__LogLevel__Default=Warning"])
            .Select(setting => "--" + setting.Replace("__", ":", StringComparison.Ordinal));
        var app = Wiring.Build([.. args], Wiring.CreateParts, new StringWriter(), TimeProvider.System);
        await app.StartAsync();
        await AppliedAsync(app);
        return app;
    }

    /// <summary>Publishes, and waits until it is applied.</summary>
    public static async Task PublishAsync(WebApplication running, IEnumerable<string> events)
    {
        var url = running.Urls.First();
        using var http = new HttpClient();
        foreach (var some in events.Chunk(500))
        {
            using var body = new StringContent($"[{string.Join(',', some)}]", Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(new Uri(new Uri(url), "/v1/events"), body);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }
        await AppliedAsync(running);
    }

    private static async Task AppliedAsync(WebApplication running)
    {
        var parts = running.Services.GetRequiredService<IProcessorParts>();
        var served = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Look()
        {
            if (parts.Partitions.All(partition => partition.State == PartitionState.Running)) served.TrySetResult();
        }
        parts.StateChanged += Look;
        Look();
        await served.Task;
        parts.StateChanged -= Look;
        var logs = ((EmbeddedTopic)parts.Topic).Partitions;
        foreach (var partition in parts.Partitions) await partition.GetStatesAsync([], new BlockedLookup(), logs[partition.Number].EndOffset, default);
    }

    /// <summary>Runs a verb with the processor's settings; more of them stand above.</summary>
    public Task<VerbResult> RunAsync(string verb, params string[] settings) => RunWithAsync([.. Settings, .. settings], verb.Split(' '));

    /// <summary>Runs a verb with these settings alone.</summary>
    public static async Task<VerbResult> RunWithAsync(string[] settings, params string[] verb)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        string[] args = [.. verb, .. settings.SelectMany(setting => new[] { "--set", setting })];
        var exit = await Program.RunAsync(args, _ => throw new InvalidOperationException("a verb has started the processor"), output, error);
        return new VerbResult(exit, output.ToString(), error.ToString());
    }

    /// <summary>Changes one byte of a file, somewhere in its middle.</summary>
    public static void Flip(string file, double where = 0.5)
    {
        var bytes = File.ReadAllBytes(file);
        bytes[(int)(bytes.Length * where)] ^= 0x40;
        File.WriteAllBytes(file, bytes);
    }

    /// <summary>Every file with its content's checksum.</summary>
    public Dictionary<string, uint> Contents() =>
        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).ToDictionary(file => file, file => Crc32C.Of(File.ReadAllBytes(file)));

    public void Dispose() => Directory.Delete(folder, recursive: true);
}

/// <summary>What a verb has said.</summary>
internal sealed record VerbResult(int Exit, string Output, string Error)
{
    /// <summary>Its exit code, with all it said where that is another.</summary>
    public VerbResult Exits(int expected)
    {
        Assert.True(Exit == expected, $"exit {Exit}, not {expected}:\n{Output}\n{Error}");
        Assert.DoesNotContain("   at ", Error, StringComparison.Ordinal);
        return this;
    }

    public System.Text.Json.JsonElement Json => System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(Output);

    public VerbResult Says(string text)
    {
        Assert.Contains(text, Output, StringComparison.Ordinal);
        return this;
    }

    public VerbResult Complains(string text)
    {
        Assert.Contains(text, Error, StringComparison.Ordinal);
        return this;
    }
}
