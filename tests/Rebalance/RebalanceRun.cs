using System.Buffers.Text;
using System.Globalization;
using Google.Protobuf;
using ReadStateStream.Crash;
using ReadStateStream.Harness;
using ReadStateStream.Kafka;
using ReadStateStream.Schemas.V1;
using Spectre.Console;

namespace ReadStateStream.Rebalance;

/// <summary>What a run does.</summary>
/// <param name="Of">What is troubled.</param>
/// <param name="Moves">Times that something is.</param>
/// <param name="Processors">Processors at first.</param>
/// <param name="Seed">Of everything.</param>
internal sealed record RebalanceOptions(Trouble Of, int Moves, int Processors, int Seed);

/// <summary>A kind of rebalance, and what came of it.</summary>
internal sealed class MoveRow(string name)
{
    /// <summary>Names of the columns.</summary>
    public const string Head =
        "| what happened | times | all live again, median s | longest s | longest ÷ session time-out | live answers right | exact snapshot answers right | lower bounds | 503 with Retry-After | wrong |\n"
        + "|---|---|---|---|---|---|---|---|---|---|";

    private readonly List<double> seconds = [];
    private readonly SampleFigures samples = new();

    /// <summary>What was not as it must be.</summary>
    public long Wrong => samples.Wrong;

    /// <summary>Times it was done.</summary>
    public int Times => seconds.Count;

    public void Add(TimeSpan untilLive, SampleFigures meanwhile)
    {
        seconds.Add(untilLive.TotalSeconds);
        Add(meanwhile);
    }

    public void Add(MoveRow other)
    {
        seconds.AddRange(other.seconds);
        Add(other.samples);
    }

    private void Add(SampleFigures more)
    {
        samples.Live += more.Live;
        samples.Exact += more.Exact;
        samples.LowerBound += more.LowerBound;
        samples.Refused += more.Refused;
        samples.Wrong += more.Wrong;
    }

    public override string ToString()
    {
        var sorted = seconds.Order().ToList();
        var (median, longest) = sorted.Count == 0 ? (0, 0) : (sorted[sorted.Count / 2], sorted[^1]);
        return string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {Times} | {median:0.0} | {longest:0.0} | {longest / Cluster.SessionTimeout.TotalSeconds:0.0} | {samples.Live} | {samples.Exact} | {samples.LowerBound} | {samples.Refused} | {samples.Wrong} |");
    }
}

/// <summary>Moves partitions about under load, and holds every answer against the oracle.</summary>
internal sealed class RebalanceRun(RebalanceOptions options, string root, TimeProvider time, IAnsiConsole progress, TextWriter output)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly List<MoveRow> rows = [];
    private readonly Random random = new(options.Seed);

    /// <summary>0 where everything was right.</summary>
    public async Task<int> RunAsync(CancellationToken cancellation)
    {
        if ((ReadStateStream.Kafka.NativeClient.Refusal ?? Missing) is { } missing)
        {
            await output.WriteLineAsync($"skipped: {missing}").ConfigureAwait(false);
            return 3;
        }
        var said = TextWriter.Synchronized(output);
        using var proxy = options.Of == Trouble.Network ? await Toxiproxy.StartAsync().ConfigureAwait(false) : null;
        var (broker, theirs) = await StartBrokersAsync(proxy).ConfigureAwait(false);
        await using var brokerEnd = broker.ConfigureAwait(false);
        var cluster = await Cluster.StartAsync(root, theirs, options.Processors, static _ => { }).ConfigureAwait(false);
        await using var clusterEnd = cluster.ConfigureAwait(false);
        var load = new ClusterLoad(broker.Bootstrap, cluster.Topic, Cluster.Partitions, options.Seed, time);
        await using var loadEnd = load.ConfigureAwait(false);
        IDisturbance disturbance = options.Of switch
        {
            Trouble.Brokers => new BrokerTrouble(broker, random),
            Trouble.Network => new NetworkTrouble(proxy!, random),
            _ => new MemberTrouble(cluster, random),
        };
        rows.AddRange(disturbance.Kinds.Select(static kind => new MoveRow(kind)));
        using var sampler = new Sampler(cluster, load, options.Seed, time, said.WriteLine);
        load.Start();
        var first = await UntilLiveAsync(cluster, load, cancellation).ConfigureAwait(false);
        await said.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"all live after {first.TotalSeconds:0.0} s")).ConfigureAwait(false);
        sampler.Start();
        var (verdict, failure) = (default(Verdict), "");
        try
        {
            await progress.Progress().AutoClear(true).StartAsync(async bars =>
            {
                var bar = bars.AddTask("moves", maxValue: options.Moves);
                for (var move = 0; move < options.Moves; move++, bar.Increment(1)) await MoveAsync(disturbance, move, cluster, load, sampler, cancellation).ConfigureAwait(false);
            }).ConfigureAwait(false);
            await load.StopAsync().ConfigureAwait(false);
            await sampler.StopAsync().ConfigureAwait(false);
            verdict = await CompareAsync(cluster, load, cancellation).ConfigureAwait(false);
        }
        catch (ProductFailedException failed)
        {
            failure = $"{failed.Message}\n{cluster.Log}";
        }
        return await PrintAsync(verdict, load, cluster, failure).ConfigureAwait(false);
    }

    private string? Missing => options.Of switch
    {
        Trouble.Members => KafkaServer.Missing,
        Trouble.Brokers => KafkaServer.MissingOwn,
        _ => KafkaServer.MissingOwn ?? Toxiproxy.Missing,
    };

    /// <summary>The brokers, and where the processors find them.</summary>
    private async Task<(KafkaServer Broker, string Theirs)> StartBrokersAsync(Toxiproxy? proxy)
    {
        if (proxy is not null) return await KafkaServer.StartProxiedAsync(proxy).ConfigureAwait(false);
        var broker = await (options.Of == Trouble.Brokers ? KafkaServer.StartOwnAsync(BrokerTrouble.Brokers) : KafkaServer.StartAsync()).ConfigureAwait(false);
        return (broker, broker.Bootstrap);
    }

    private async Task MoveAsync(IDisturbance disturbance, int move, Cluster cluster, ClusterLoad load, Sampler sampler, CancellationToken cancellation)
    {
        var kind = disturbance.KindOf(move);
        var before = sampler.Figures;
        var started = time.GetTimestamp();
        await disturbance.DoAsync(kind, cancellation).ConfigureAwait(false);
        await UntilLiveAsync(cluster, load, cancellation).ConfigureAwait(false);
        var took = time.GetElapsedTime(started);
        await Wait.ForAsync(Between, cancellation).ConfigureAwait(false);
        rows[kind].Add(took, sampler.Figures - before);
    }

    /// <summary>Waits until every partition answers live, as of all that was acknowledged when it was asked first, at each query API.</summary>
    private async Task<TimeSpan> UntilLiveAsync(Cluster cluster, ClusterLoad load, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        var token = TokenOf(cluster, load.Ends);
        foreach (var api in cluster.Addresses)
        {
            using var client = new ProductClient(api, api, time, Patience);
            var last = default(Answer);
            try
            {
                await Wait.UntilAsync(async () =>
                {
                    last = await client.GetAsync("/v1/users/1/badge", token, cancellation).ConfigureAwait(false);
                    return last.IsSuccess && last.Body.GetProperty("freshness").GetProperty("source").GetString() == "live";
                }, Patience, () => $"not live again: {last}", Look).ConfigureAwait(false);
            }
            catch (TimeoutException late)
            {
                throw new ProductFailedException(late.Message, late);
            }
        }
        return time.GetElapsedTime(started);
    }

    private static async Task<Verdict> CompareAsync(Cluster cluster, ClusterLoad load, CancellationToken cancellation)
    {
        var sum = default(Verdict);
        foreach (var api in cluster.Addresses)
        {
            using var client = new ProductClient(api, api, TimeProvider.System, Patience);
            var comparison = new StateComparison(client, Cluster.Policy, Cluster.Partitions, TokenOf(cluster, load.Ends));
            sum += await comparison.CompareAsync(load.Logs.Select(static log => log.Log), cancellation).ConfigureAwait(false);
        }
        return sum;
    }

    private static string TokenOf(Cluster cluster, long[] ends)
    {
        var token = new PublishToken { TopicIdentity = KafkaTopic.IdentityOf(cluster.Topic) };
        for (var partition = 0; partition < ends.Length; partition++)
            if (ends[partition] > 0)
                token.Positions.Add(new PartitionPosition { Partition = (uint)partition, Position = (ulong)ends[partition] });
        return Base64Url.EncodeToString(token.ToByteArray());
    }

    private async Task<int> PrintAsync(Verdict verdict, ClusterLoad load, Cluster cluster, string failure)
    {
        var all = new MoveRow("all");
        await output.WriteLineAsync(MoveRow.Head).ConfigureAwait(false);
        foreach (var row in rows)
        {
            all.Add(row);
            await output.WriteLineAsync(row.ToString()).ConfigureAwait(false);
        }
        await output.WriteLineAsync(all.ToString()).ConfigureAwait(false);
        if (verdict.First is { } first) await output.WriteLineAsync(first).ConfigureAwait(false);
        foreach (var one in cluster.Failures) await output.WriteLineAsync(one).ConfigureAwait(false);
        if (failure.Length > 0) await output.WriteLineAsync(failure).ConfigureAwait(false);
        await output.WriteLineAsync(
            $"{all.Times} times, {load.Published} events, {verdict.Pairs} pairs and {verdict.Badges} badges compared at the end: "
            + $"{verdict.Lost} lost, {verdict.Twice} counted twice, {verdict.Other} otherwise wrong; {all.Wrong} samples wrong, {cluster.Failures.Count} processors failed").ConfigureAwait(false);
        return verdict is { IsRight: true, Pairs: > 0 } && all.Wrong == 0 && cluster.Failures.Count == 0 && failure.Length == 0 ? 0 : 1;
    }
}
