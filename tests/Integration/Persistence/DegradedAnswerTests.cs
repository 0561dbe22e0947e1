using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using ReadStateStream.Harness;
using Xunit;

namespace ReadStateStream.Integration.Persistence;

/// <summary>Real processes: the processor is killed, the query API goes on from the snapshot and says so, then it is live again.</summary>
public class DegradedAnswerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Answers_come_from_the_snapshot_while_the_processor_is_away_and_live_when_it_is_back()
    {
        var folder = Directory.CreateTempSubdirectory("readstate-degraded-").FullName;
        try
        {
            Dictionary<string, string> snapshot = new() { ["Snapshot__Store"] = "files", ["Snapshot__Folder"] = Path.Combine(folder, "snapshot") };
            await using var product = await ProductProcess.StartAsync(new ProductOptions
            {
                DataFolder = Path.Combine(folder, "data"),
                ProcessorSettings = new Dictionary<string, string>(snapshot) { ["Checkpoint__IntervalSeconds"] = "1" },
                QueryApiSettings = snapshot,
            });
            using var http = new HttpClient();
            await PublishAsync(http, product,
                """[{"channelCreated":{"channelId":"7","kind":"CHANNEL_KIND_GUILD","memberIds":["1","2"]}},{"messageSent":{"channelId":"7","messageId":"100","authorId":"1"}}]""");
            Assert.Equal("live", Freshness(await UntilAsync(http, product, answer => Unread(answer) == 1)).GetProperty("source").GetString());

            // Whole at the snapshot: nothing was published since the last ship.
            await product.StopProcessorAsync();
            var stale = await UntilAsync(http, product, answer => Freshness(answer).GetProperty("source").GetString() == "snapshot");
            Assert.Equal(1, Unread(stale));
            Assert.True(Freshness(stale).GetProperty("stale").GetBoolean());
            Assert.True(Freshness(stale).GetProperty("exact").GetBoolean());

            await product.StartProcessorAsync();
            await PublishAsync(http, product, """[{"messageSent":{"channelId":"7","messageId":"101","authorId":"1"}}]""");
            var live = await UntilAsync(http, product, answer => Freshness(answer).GetProperty("source").GetString() == "live" && Unread(answer) == 2);
            Assert.False(Freshness(live).GetProperty("stale").GetBoolean());

            product.KillProcessor();
            var again = await UntilAsync(http, product, answer => Freshness(answer).GetProperty("source").GetString() == "snapshot");
            Assert.InRange(Unread(again), 1, 2);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static JsonElement Freshness(JsonElement answer) => answer.GetProperty("freshness");

    private static int Unread(JsonElement answer) => answer.GetProperty("counts").GetProperty("unread").GetInt32();

    private static async Task PublishAsync(HttpClient http, ProductProcess product, string events)
    {
        using var content = new StringContent(events, System.Text.Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri(product.Ingest, "/v1/events"), content);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static async Task<JsonElement> UntilAsync(HttpClient http, ProductProcess product, Func<JsonElement, bool> isThere)
    {
        var started = TimeProvider.System.GetTimestamp();
        var last = "";
        while (TimeProvider.System.GetElapsedTime(started) < Patience)
        {
            using var answer = await http.GetAsync(new Uri(product.Api, "/v1/users/2/channels/7"));
            last = await answer.Content.ReadAsStringAsync();
            if (answer.StatusCode == HttpStatusCode.OK && JsonSerializer.Deserialize<JsonElement>(last) is var json && isThere(json)) return json;
        }
        throw new TimeoutException($"the last answer was {last}\n{product.Log}");
    }
}
