using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ReadStateStream.Harness;

/// <summary>A proxy that cuts, delays and resets the connections that go through it: the shared folder's toxiproxy.</summary>
public sealed partial class Toxiproxy : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ChildProcess process;
    private readonly HttpClient api;

    private Toxiproxy(ChildProcess process, HttpClient api) => (this.process, this.api) = (process, api);

    /// <summary>What is missing where there is none.</summary>
    public static string? Missing => File.Exists(Tool) ? null : "no toxiproxy: set SHARED to a folder with servers/tool";

    private static string Tool => Path.Combine(Checkout.Shared, "servers", "tool");

    /// <summary>Starts one, without a proxy.</summary>
    /// <exception cref="ProductFailedException">It does not start.</exception>
    public static async Task<Toxiproxy> StartAsync()
    {
        var port = FreePorts.One();
        var (process, _) = await ChildProcess.StartAsync(
            "toxiproxy", Path.GetFullPath(Tool), [], ReadyLine(), Patience, arguments: ["toxiproxy-server", "-host", "127.0.0.1", "-port", $"{port}"]).ConfigureAwait(false);
        return new Toxiproxy(process, new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = Patience });
    }

    /// <summary>Lets connections through from a port of the loopback to another.</summary>
    public async Task OpenAsync(string name, int from, int to)
    {
        // It says that it starts before it listens.
        await Wait.UntilAsync(async () =>
        {
            try
            {
                using var answer = await api.GetAsync(new Uri("/version", UriKind.Relative)).ConfigureAwait(false);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, Patience, static () => "toxiproxy does not answer", TimeSpan.FromMilliseconds(50)).ConfigureAwait(false);
        await PostAsync("/proxies", new { name, listen = $"127.0.0.1:{from}", upstream = $"127.0.0.1:{to}", enabled = true }).ConfigureAwait(false);
    }

    /// <summary>Closes every connection and takes no more, or takes them again.</summary>
    public Task EnableAsync(string name, bool isEnabled) => PostAsync($"/proxies/{name}", new { enabled = isEnabled });

    /// <summary>Troubles what goes through, to and fro.</summary>
    /// <param name="name">Name of the proxy.</param>
    /// <param name="type">Kind of toxic, as <see href="https://github.com/Shopify/toxiproxy#toxics"/> names them.</param>
    /// <param name="attributes">Its attributes.</param>
    public async Task PoisonAsync(string name, string type, object attributes)
    {
        foreach (var stream in (string[])["upstream", "downstream"])
            await PostAsync($"/proxies/{name}/toxics", new { name = $"{type}-{stream}", type, stream, attributes }).ConfigureAwait(false);
    }

    /// <summary>Takes all troubles away.</summary>
    public Task HealAsync() => PostAsync("/reset", new { });

    /// <inheritdoc/>
    public void Dispose()
    {
        api.Dispose();
        process.Dispose();
    }

    private async Task PostAsync(string path, object body)
    {
        using var answer = await api.PostAsJsonAsync(new Uri(path, UriKind.Relative), body).ConfigureAwait(false);
        if (!answer.IsSuccessStatusCode)
            throw new ProductFailedException($"toxiproxy, {path} {JsonSerializer.Serialize(body)}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync().ConfigureAwait(false)}");
    }

    [GeneratedRegex("Starting HTTP server")]
    private static partial Regex ReadyLine();
}
