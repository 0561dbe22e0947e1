using System.Globalization;
using ReadStateStream.Benchmarks.Durable;
using ReadStateStream.Benchmarks.Traces;

namespace ReadStateStream.Benchmarks.Verbs;

/// <summary>
/// How many rows a ship writes: of what changed, and of the updates, by how skewed these are. One checkpoint and ship
/// after so many updates.
/// </summary>
internal static class ShipVerb
{
    private const double PassMark = 1.05;
    private const int Ships = 3;

    /// <summary>Share of a round's events between two ships.</summary>
    private const int UpdatesShare = 5;

    /// <summary>Share of the states in the partition of mixed traffic.</summary>
    private const int StatesShare = 10;

    private static readonly double[] Exponents = [0, 0.5, 0.8, 1.0, 1.2];
    private static readonly int[] KeyCounts = [10_000, 100_000, 1_000_000];

    public static void Run(Bench bench)
    {
        var updates = Math.Max(1, bench.Settings.Events / UpdatesShare);
        bench.Say($"");
        bench.Say($"ship: rows shipped, a checkpoint and ship after every {updates:N0} updates, {Ships} ships");
        bench.Say($"  rows / updates of single states (in brackets: rows / distinct states changed) by Zipf's exponent");
        bench.Say($"  {"states",10}{string.Concat(Exponents.Select(e => string.Create(CultureInfo.InvariantCulture, $"{e,18:F1}")))}");
        var worst = 0.0;
        foreach (var keys in KeyCounts)
        {
            var cells = Exponents.Select(exponent => Measure(bench.Settings, keys, exponent, updates)).ToArray();
            worst = Math.Max(worst, cells.Max(cell => cell.OfDistinct));
            bench.Say($"  {keys,10:N0}{string.Concat(cells.Select(cell => string.Create(CultureInfo.InvariantCulture, $"{cell.OfUpdates,10:F3} ({cell.OfDistinct:F3})")))}");
        }
        var mixed = MeasureMixed(bench, updates);
        worst = Math.Max(worst, mixed);
        bench.Judge($"rows / distinct changed records {worst:F3} at worst", $"<= {PassMark:F2}", worst <= PassMark);
    }

    private static (double OfUpdates, double OfDistinct) Measure(Settings settings, int keys, double exponent, int updates)
    {
        using var run = new DurableRun(settings with { States = keys });
        var reads = new SkewedReads(keys, exponent, settings.Seed);
        var trace = new EventTrace();
        reads.Load(trace);
        run.Apply(trace);
        run.Ship();
        var before = run.Rows;
        long distinct = 0;
        for (var i = 0; i < Ships; i++)
        {
            distinct += reads.Next(trace, updates);
            run.Apply(trace);
            run.Ship();
        }
        var rows = run.Rows - before;
        return ((double)rows / updates / Ships, (double)rows / distinct);
    }

    /// <summary>The traffic of the other verbs: what changed is told by what the rows hold.</summary>
    private static double MeasureMixed(Bench bench, int updates)
    {
        var settings = bench.Settings with { States = Math.Max(bench.Settings.States / StatesShare, 10_000) };
        ChangeCounter? counter = null;
        using var run = new DurableRun(settings, store => counter = new ChangeCounter(store));
        var generator = new TraceGenerator(new Population(settings.States), settings.Seed);
        var trace = new EventTrace();
        while (generator.Preload(trace, settings.States)) run.Apply(trace);
        run.Ship();
        var (rows, changed, keys) = (run.Rows, counter!.Changed, 0L);
        for (var i = 0; i < Ships; i++)
        {
            generator.Traffic(trace, updates);
            keys += trace.KeyCount;
            run.Apply(trace);
            run.Ship();
        }
        (rows, changed) = (run.Rows - rows, counter.Changed - changed);
        bench.Say($"  mixed traffic over {settings.States:N0} states: {(double)rows / updates / Ships:F3} rows an event, {(double)rows / keys:F3} an update, {(double)rows / changed:F3} of the records that differ from what was shipped before");
        return (double)rows / changed;
    }
}
