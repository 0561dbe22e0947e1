using ReadStateStream.Benchmarks.Broker;
using ReadStateStream.Benchmarks.Processes;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>The whole processor, from a broker's topic into its store, against clients that consume and parse the same topic and fold nothing.</summary>
internal static class BrokerVerb
{
    private const double PassMark = 0.8;
    private const int DefaultEvents = 4_000_000;
    private const int DefaultStates = 500_000;
    private const int Partitions = 8;

    public static void Run(Bench bench) => BrokerBed.Run(
        bench, "broker", bench.Settings with { States = bench.Settings.StatesGiven ?? DefaultStates, Events = bench.Settings.EventsGiven ?? DefaultEvents },
        MeasureAsync);

    private static async Task MeasureAsync(Bench bench)
    {
        var settings = bench.Settings;
        var bed = await BrokerBed.StartAsync(Partitions).ConfigureAwait(false);
        await using var end = bed.ConfigureAwait(false);
        var events = BrokerBed.Fill(settings, settings.Events);
        bench.Say($"");
        bench.Say($"broker: {events:N0} events of {settings.States:N0} states through {Partitions} partitions of a topic on a broker, {settings.Rounds} rounds in turn, a process each; the first tenth of a round does not count");
        Dictionary<string, List<Figures>> rounds = new() { [BrokerChild.Bare] = [], [BrokerChild.Through] = [] };
        for (var round = -1; round < settings.Rounds; round++)
            foreach (var (subject, figures) in rounds)
            {
                using var process = new SubjectProcess(subject, settings);
                var result = process.Run(FormattableString.Invariant($"{events} {Partitions}"));
                if (round >= 0) figures.Add(result);
            }
        bench.Say($"  {"subject",-16} {"events/s",10} {"ns CPU/event",13}");
        foreach (var (subject, f) in rounds)
            bench.Say($"  {subject,-16} {Figures.Median(f, r => r.Events / r.Seconds),10:N0} {Figures.Median(f, r => r.CpuSeconds * 1e9 / r.Events),13:F0}");
        var (ratio, least, most) = Figures.Ratio(rounds[BrokerChild.Through], rounds[BrokerChild.Bare], static f => f.Events / f.Seconds);
        bench.Judge($"end to end / consuming and parsing: ratio {ratio:F2} (rounds {least:F2} .. {most:F2})", $">= {PassMark:F1}", ratio >= PassMark);
    }
}
