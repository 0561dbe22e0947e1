using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using ReadStateStream.Crash;

namespace ReadStateStream.Rebalance;

/// <summary>What the samples of a while were.</summary>
internal sealed class SampleFigures
{
    /// <summary>Live answers, equal to the oracle at their positions.</summary>
    public long Live { get; set; }
    /// <summary>Answers from the snapshot that claim to be exact, equal to the oracle at their positions.</summary>
    public long Exact { get; set; }
    /// <summary>Answers from the snapshot that claim a lower bound.</summary>
    public long LowerBound { get; set; }
    /// <summary>503 with Retry-After.</summary>
    public long Refused { get; set; }
    /// <summary>What was not as it must be.</summary>
    public long Wrong { get; set; }

    public static SampleFigures operator -(SampleFigures one, SampleFigures other) => new()
    {
        Live = one.Live - other.Live, Exact = one.Exact - other.Exact, LowerBound = one.LowerBound - other.LowerBound,
        Refused = one.Refused - other.Refused, Wrong = one.Wrong - other.Wrong,
    };
}

/// <summary>
/// Asks for random pairs and badges all the time, of every query API in turn, without patience: each answer must be the
/// truth of the positions that it names, or a refusal that says when to ask again.
/// </summary>
internal sealed class Sampler(Cluster cluster, ClusterLoad load, int seed, TimeProvider time, Action<string> said) : IDisposable
{
    private const int AtOnce = 3;
    private const int RecentLogs = 100;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(25);

    private readonly HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(30) };
    private readonly CancellationTokenSource stopping = new();
    private readonly SampleFigures figures = new();
    private readonly Lock gate = new();
    private Task running = Task.CompletedTask;

    /// <summary>Figures up to now.</summary>
    public SampleFigures Figures
    {
        get { lock (gate) return figures - new SampleFigures(); }
    }

    /// <summary>Begins.</summary>
    public void Start() => running = Task.WhenAll(Enumerable.Range(0, AtOnce).Select(number => Task.Run(() => RunAsync(new Random(seed + number)), CancellationToken.None)));

    /// <summary>Ends after the samples under way.</summary>
    public async Task StopAsync()
    {
        await stopping.CancelAsync().ConfigureAwait(false);
        await running.ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        http.Dispose();
        stopping.Dispose();
    }

    private async Task RunAsync(Random random)
    {
        using var timer = new PeriodicTimer(Pace, time);
        while (!stopping.IsCancellationRequested)
        {
            var logs = load.Logs;
            // Mostly of those that were written to lately: what a failover breaks is there.
            var from = random.Next(3) == 0 ? 0 : Math.Max(0, logs.Count - RecentLogs);
            if (logs.Count > 0) await SampleAsync(logs[random.Next(from, logs.Count)], random).ConfigureAwait(false);
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private async Task SampleAsync(PlacedLog log, Random random)
    {
        await log.SettleAsync(CancellationToken.None).ConfigureAwait(false);
        var whole = log.AsOf(Cluster.Policy, Cluster.Partitions, new Dictionary<int, long>());
        if (whole.Users.Count == 0 || whole.Channels.Count == 0) return;
        var user = whole.Users.ElementAt(random.Next(whole.Users.Count));
        var channel = whole.Channels.ElementAt(random.Next(whole.Channels.Count));
        var isBadge = random.Next(4) == 0;
        var api = cluster.Addresses[random.Next(cluster.Addresses.Count)];
        var before = load.EndsBefore(Cluster.SessionTimeout);
        try
        {
            using var response = isBadge
                ? await http.GetAsync(new Uri(api, $"/v1/users/{user}/badge")).ConfigureAwait(false)
                : await http.PostAsJsonAsync(new Uri(api, "/v1/states:batch"), new { keys = new[] { new { user = $"{user}", channel = $"{channel}" } }, threads = true }).ConfigureAwait(false);
            if ((int)response.StatusCode == 503 && response.Headers.RetryAfter is not null)
            {
                Note(static all => all.Refused++);
                return;
            }
            var text = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                Wrong($"user {user}: {(int)response.StatusCode} {text}");
                return;
            }
            await JudgeAsync(log, user, channel, isBadge, JsonSerializer.Deserialize<JsonElement>(text), before).ConfigureAwait(false);
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            Wrong($"user {user}: {error.Message}");
        }
    }

    private async Task JudgeAsync(PlacedLog log, ulong user, ulong channel, bool isBadge, JsonElement answer, long[] before)
    {
        var freshness = answer.GetProperty("freshness");
        var asOf = freshness.GetProperty("asOf").EnumerateObject()
            .ToDictionary(static one => int.Parse(one.Name, CultureInfo.InvariantCulture), static one => long.Parse(one.Value.GetString()!, CultureInfo.InvariantCulture));
        var isLive = freshness.GetProperty("source").GetString() == "live";
        if (freshness.GetProperty("stale").GetBoolean() == isLive) Wrong($"stale and source contradict each other: {freshness}");
        if (isLive)
        {
            // Whoever is live has heard of the broker within the session time-out: it knows of what was there before.
            var known = asOf.Values.Sum() + freshness.GetProperty("lag").GetProperty("events").GetInt64();
            var least = asOf.Keys.Sum(partition => before[partition]);
            if (known < least) Wrong($"live, and lags by more than it says: {known} of {least}: {freshness}");
        }
        else if (!freshness.GetProperty("exact").GetBoolean())
        {
            Note(static all => all.LowerBound++);
            return;
        }
        await log.SettleAsync(CancellationToken.None).ConfigureAwait(false);
        var oracle = log.AsOf(Cluster.Policy, Cluster.Partitions, asOf);
        var verdict = isBadge ? StateComparison.Badge(oracle, user, answer) : StateComparison.Pair(oracle, user, channel, answer.GetProperty("states")[0]);
        if (!verdict.IsRight) Wrong($"{(isLive ? "live" : "snapshot")} as of {string.Join(' ', asOf)}: {verdict.First}");
        else if (isLive) Note(static all => all.Live++);
        else Note(static all => all.Exact++);
    }

    private void Wrong(string what)
    {
        Note(static all => all.Wrong++);
        said(what);
    }

    private void Note(Action<SampleFigures> note)
    {
        lock (gate) note(figures);
    }
}
