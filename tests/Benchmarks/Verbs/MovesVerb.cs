using ReadStateStream.Benchmarks.Broker;
using ReadStateStream.Benchmarks.Processes;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>
/// What a rebalance does to partitions that it does not move: their apply latency while another member comes and goes, against
/// the same time without.
/// </summary>
internal static class MovesVerb
{
    private const double PassMark = 2;
    private const int DefaultStates = 100_000;
    private const int DefaultRate = 2_000;

    /// <summary>Joins and leaves of a round; with the default five rounds, twenty.</summary>
    private const int MovesARound = 4;

    /// <summary>For a move to be through: the others' next heartbeat, two rebalances of the cooperative protocol, recoveries.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);

    public static void Run(Bench bench) => BrokerBed.Run(
        bench, "moves", bench.Settings with { States = bench.Settings.StatesGiven ?? DefaultStates, Rate = bench.Settings.RateGiven ?? DefaultRate },
        MeasureAsync);

    private static async Task MeasureAsync(Bench bench)
    {
        var settings = bench.Settings;
        var bed = await BrokerBed.StartAsync(WatchedMember.Partitions).ConfigureAwait(false);
        await using var end = bed.ConfigureAwait(false);
        WatchedMember.Snapshots = Directory.CreateTempSubdirectory("readstate-bench-snapshots-").FullName;
        bench.Say($"");
        bench.Say($"moves: {settings.Rate:N0} events/s through {WatchedMember.Partitions} partitions, {settings.Rounds} rounds of {MovesARound} rebalances, and of as much time without");
        try
        {
            var (with, without) = MeasureRounds(settings);
            Tell(bench, with, without);
        }
        finally
        {
            Directory.Delete(WatchedMember.Snapshots, recursive: true);
        }
    }

    private static (List<Figures> With, List<Figures> Without) MeasureRounds(Settings settings)
    {
        List<Figures> with = [], without = [];
        using var watched = new SubjectProcess(BrokerChild.Watched, settings);
        using var guest = new SubjectProcess(BrokerChild.Guest, settings);
        for (var round = -1; round < settings.Rounds; round++)
        {
            var quiet = Window(watched, static () => { });
            var joins = true;
            var moved = Window(watched, () =>
            {
                guest.Run(joins ? "join" : "leave");
                joins = !joins;
            });
            if (round < 0) continue;
            without.Add(quiet);
            with.Add(moved);
        }
        return (with, without);
    }

    private static Figures Window(SubjectProcess watched, Action move)
    {
        watched.Run("begin");
        for (var i = 0; i < MovesARound; i++)
        {
            move();
            Thread.Sleep(Settling);
        }
        return watched.Run("end");
    }

    private static void Tell(Bench bench, List<Figures> with, List<Figures> without)
    {
        bench.Say($"  {"",-12} {"partitions",11} {"events",9} {"p50 ms",8} {"p99 ms",8} {"p99.9 ms",9} {"longest ms",11}");
        foreach (var (name, f) in new[] { ("without", without), ("rebalances", with) })
            bench.Say($"  {name,-12} {Figures.Median(f, r => r.Keys),11:F0} {f.Sum(r => r.Events),9:N0} {Figures.Median(f, r => r.P50Us / 1e3),8:F1} {Figures.Median(f, r => r.P99Us / 1e3),8:F1} {Figures.Median(f, r => r.P999Us / 1e3),9:F1} {f.Max(r => r.MaxUs / 1e3),11:F1}");
        if (with.Any(static round => round.Keys == 0))
        {
            bench.Undecided($"no partition was kept through a round's rebalances");
            return;
        }
        var (ratio, least, most) = Figures.Ratio(with, without, static f => f.P999Us);
        bench.Judge($"p99.9 of partitions that stay, {with.Count * MovesARound} rebalances / without: ratio {ratio:F2} (rounds {least:F2} .. {most:F2})", $"<= {PassMark:F0}", ratio <= PassMark);
    }
}
