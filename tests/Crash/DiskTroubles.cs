using System.Net;
using System.Text;
using ReadStateStream.Harness;

namespace ReadStateStream.Crash;

/// <summary>Disks that are full while the product runs, and a snapshot folder that is away when it starts.</summary>
internal sealed class DiskTroubles(string? root, int seed, TimeProvider time, TextWriter output) : IDisposable
{
    private const int Megabytes = 64;
    private const int EventsAfter = 1_500;
    private const string Filler = "filler";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(40) };

    private enum Place { Data, Store, Snapshot }

    private enum Away { Renamed, BehindAFile, Unmounted }

    /// <summary>A row for each.</summary>
    public async Task RunAsync(Action<CrashRow> onRow, CancellationToken cancellation)
    {
        foreach (var place in Enum.GetValues<Place>())
            onRow(await FullAsync(place, cancellation).ConfigureAwait(false));
        foreach (var away in Enum.GetValues<Away>())
            onRow(await AwayAsync(away, cancellation).ConfigureAwait(false));
    }

    /// <inheritdoc/>
    public void Dispose() => http.Dispose();

    private async Task<CrashRow> FullAsync(Place place, CancellationToken cancellation)
    {
        var row = new CrashRow($"disk full: {place switch { Place.Data => "event log and record log", Place.Store => "record log alone", _ => "snapshot" }}");
        string? mounted = null;
        async Task Mount(string data, string snapshot)
        {
            var folder = place switch { Place.Data => data, Place.Store => Path.Combine(data, "store"), _ => snapshot };
            Directory.CreateDirectory(folder);
            if (await Mounts.TrySmallAsync(folder, Megabytes).ConfigureAwait(false)) mounted = folder;
        }
        var product = await CrashProduct.StartAsync(root, row, seed, time, Mount).ConfigureAwait(false);
        product.OnStopped = () => mounted is null ? Task.CompletedTask : Mounts.TryRemoveAsync(mounted);
        await using var _ = product.ConfigureAwait(false);
        if (mounted is null)
        {
            row.Skipped = "no file system can be mounted here";
            return row;
        }
        product.Load.Start();
        await product.UntilShippedAsync(new long[CrashProduct.PartitionCount], cancellation).ConfigureAwait(false);
        var starts = product.Product.ProcessorStarts;
        Fill(Path.Combine(mounted, Filler));
        await Expect(row, place == Place.Snapshot ? ShipsFailAsync(product, cancellation) : RefusesAsync(product, cancellation), "the full disk is told").ConfigureAwait(false);
        await Expect(row, AnswersAsync(product, cancellation), "questions are answered while it is full").ConfigureAwait(false);
        File.Delete(Path.Combine(mounted, Filler));
        var shipped = await product.Files.ShippedAsync().ConfigureAwait(false);
        await Expect(row, AcceptsAsync(product, cancellation), "events are taken again").ConfigureAwait(false);
        await product.Load.PublishMoreAsync(EventsAfter, cancellation).ConfigureAwait(false);
        await Expect(row, product.UntilShippedAsync(shipped, cancellation), "checkpoints and ships go on").ConfigureAwait(false);
        await EndAsync(product, cancellation).ConfigureAwait(false);
        await Expect(row, Task.FromResult(product.Product.ProcessorRuns && product.Product.ProcessorStarts == starts), "it never ended").ConfigureAwait(false);
        await product.KillAsync().ConfigureAwait(false);
        await product.RestartAsync().ConfigureAwait(false);
        await EndAsync(product, cancellation).ConfigureAwait(false);
        return row;
    }

    private async Task<CrashRow> AwayAsync(Away away, CancellationToken cancellation)
    {
        var row = new CrashRow($"snapshot folder away at the start: {away switch { Away.Renamed => "moved", Away.BehindAFile => "a file in its place", _ => "not mounted" }}");
        var product = await CrashProduct.StartAsync(root, row, seed, time).ConfigureAwait(false);
        await using var _ = product.ConfigureAwait(false);
        product.Load.Start();
        await product.UntilShippedAsync(new long[CrashProduct.PartitionCount], cancellation).ConfigureAwait(false);
        await product.KillAsync().ConfigureAwait(false);
        // With the machine lost too, everything there is lies in the snapshot folder: to begin anew would be so easy.
        var positions = await product.Files.ShippedAsync().ConfigureAwait(false);
        product.Files.LoseMachine();
        var (folder, moved, empty) = (product.Files.SnapshotFolder, product.Files.SnapshotFolder + ".moved", product.Files.SnapshotFolder + ".empty");
        Directory.CreateDirectory(empty);
        if (away != Away.Unmounted) Directory.Move(folder, moved);
        if (away == Away.BehindAFile) await File.WriteAllTextAsync(folder, "no folder", cancellation).ConfigureAwait(false);
        if (away == Away.Unmounted && !await Mounts.TryOverAsync(empty, folder).ConfigureAwait(false))
        {
            row.Skipped = "nothing can be mounted here";
            return row;
        }
        product.OnStopped = () => away == Away.Unmounted ? Mounts.TryRemoveAsync(folder) : Task.CompletedTask;
        await product.RestartAsync(durable: positions).ConfigureAwait(false);
        await Expect(row, product.UntilAsync(() => Task.FromResult(product.Watch.Waits >= 2), Patience, cancellation), "it says that it waits").ConfigureAwait(false);
        await Expect(row, IsReadyAsync(product, HttpStatusCode.ServiceUnavailable, cancellation), "it is not ready").ConfigureAwait(false);
        await Expect(row, Task.FromResult(product.Watch.Recovered == 0), "nothing was recovered from").ConfigureAwait(false);
        if (away == Away.Unmounted) await Mounts.TryRemoveAsync(folder).ConfigureAwait(false);
        if (away == Away.BehindAFile) File.Delete(folder);
        if (away != Away.Unmounted)
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
            Directory.Move(moved, folder);
        }
        await Expect(row, product.UntilAsync(
            () => IsReadyAsync(product, HttpStatusCode.OK, cancellation), Patience, cancellation), "it goes on when the folder is back").ConfigureAwait(false);
        await product.Load.PublishMoreAsync(EventsAfter, cancellation).ConfigureAwait(false);
        await EndAsync(product, cancellation).ConfigureAwait(false);
        return row;
    }

    private async Task EndAsync(CrashProduct product, CancellationToken cancellation)
    {
        var verdict = await product.CompareAsync(cancellation).ConfigureAwait(false);
        if (!verdict.IsRight) await output.WriteLineAsync($"{product.Row.Name}: {verdict.First}").ConfigureAwait(false);
        if (!product.Row.IsRight) await output.WriteLineAsync($"{product.Row.Name}: the last loud lines:\n{product.Watch.Loud}").ConfigureAwait(false);
    }

    private async Task Expect(CrashRow row, Task<bool> came, string what)
    {
        if (await came.ConfigureAwait(false)) return;
        row.Failures++;
        await output.WriteLineAsync($"{row.Name}: it is not so that {what}").ConfigureAwait(false);
    }

    /// <summary>Ingest answers 503 and says when to come again.</summary>
    private Task<bool> RefusesAsync(CrashProduct product, CancellationToken cancellation) => product.UntilAsync(async () =>
    {
        using var answer = await PublishAsync(product, cancellation).ConfigureAwait(false);
        return answer.StatusCode == HttpStatusCode.ServiceUnavailable && answer.Headers.RetryAfter is not null;
    }, Patience, cancellation);

    private Task<bool> AcceptsAsync(CrashProduct product, CancellationToken cancellation) => product.UntilAsync(async () =>
    {
        using var answer = await PublishAsync(product, cancellation).ConfigureAwait(false);
        return answer.IsSuccessStatusCode;
    }, Patience, cancellation);

    /// <summary>The snapshot store's disk alone is full: ingest goes on, the ships are given up and say so.</summary>
    private async Task<bool> ShipsFailAsync(CrashProduct product, CancellationToken cancellation) =>
        await product.UntilAsync(() => Task.FromResult(product.Watch.Loud.Contains("was given up and is tried again", StringComparison.Ordinal)), Patience, cancellation).ConfigureAwait(false)
        && await AcceptsAsync(product, cancellation).ConfigureAwait(false);

    private async Task<bool> AnswersAsync(CrashProduct product, CancellationToken cancellation)
    {
        using var answer = await http.GetAsync(new Uri(product.Product.Api, "/v1/users/1/badge"), cancellation).ConfigureAwait(false);
        return answer.IsSuccessStatusCode;
    }

    private async Task<bool> IsReadyAsync(CrashProduct product, HttpStatusCode expected, CancellationToken cancellation)
    {
        using var answer = await http.GetAsync(new Uri(product.Product.Ingest, "/health/ready"), cancellation).ConfigureAwait(false);
        return answer.StatusCode == expected;
    }

    // A channel of its own, which no oracle knows.
    private async Task<HttpResponseMessage> PublishAsync(CrashProduct product, CancellationToken cancellation)
    {
        var channel = (ulong)seed + 5_000_000_000_000UL;
        using var body = new StringContent($$$"""{"memberJoined":{"channelId":"{{{channel}}}","userId":"{{{channel}}}"}}""", Encoding.UTF8, "application/json");
        return await http.PostAsync(new Uri(product.Product.Ingest, "/v1/events"), body, cancellation).ConfigureAwait(false);
    }

    /// <summary>Writes until nothing more goes in.</summary>
    private static void Fill(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        var offset = 0L;
        for (var chunk = 1 << 20; chunk >= 512; chunk /= 2)
        {
            var bytes = new byte[chunk];
            try
            {
                while (true)
                {
                    RandomAccess.Write(file, bytes, offset);
                    offset += chunk;
                }
            }
            catch (IOException)
            {
                // Full for chunks of this length.
            }
        }
    }
}
