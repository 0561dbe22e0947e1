using System.Globalization;
using ReadStateStream.Partition.Recovery;

namespace ReadStateStream.Crash;

/// <summary>A line of the table: what was done to the product in one way, and what came of it.</summary>
internal sealed class CrashRow(string name)
{
    private readonly Lock gate = new();
    private readonly Dictionary<RecoverySource, long> sources = [];

    /// <summary>Names of the columns.</summary>
    public const string Head =
        "| step or kind | kills | restarts | recoveries: checkpoint / snapshot / log start | passed over | damage met while running | pairs + badges compared | lost | twice | other | silent | failed |\n"
        + "|---|---|---|---|---|---|---|---|---|---|---|---|";

    /// <summary>What was done.</summary>
    public string Name => name;
    /// <summary>Processes killed, or images made.</summary>
    public long Kills { get; set; }
    /// <summary>Starts after that.</summary>
    public long Restarts { get; set; }
    /// <summary>Candidates that recoveries passed over, each with its reason.</summary>
    public long PassedOver { get; set; }
    /// <summary>Recoveries below what was called durable, that said why.</summary>
    public long Below { get; set; }
    /// <summary>Partitions that failed while they ran, and recovered.</summary>
    public long Damaged { get; set; }
    /// <summary>Pairs and badges compared.</summary>
    public long Pairs { get; set; }
    /// <summary>Pairs and badges that count too little.</summary>
    public long Lost { get; set; }
    /// <summary>Those that count too much.</summary>
    public long Twice { get; set; }
    /// <summary>Those that differ otherwise.</summary>
    public long Other { get; set; }
    /// <summary>Recoveries below the newest durable position that did not say why; damage that nobody noticed.</summary>
    public long Silent { get; set; }
    /// <summary>What did not happen as it should: a step that was not reached, an answer that was not given.</summary>
    public long Failures { get; set; }
    /// <summary>Why it was not done at all; null: it was.</summary>
    public string? Skipped { get; set; }

    /// <summary>Nothing is wrong.</summary>
    public bool IsRight => Lost + Twice + Other + Silent + Failures == 0;

    /// <summary>A recovery came from there.</summary>
    public void Note(RecoverySource source)
    {
        lock (gate) sources[source] = sources.GetValueOrDefault(source) + 1;
    }

    /// <summary>Adds what a comparison found.</summary>
    public void Add(in Verdict verdict)
    {
        Pairs += verdict.Pairs + verdict.Badges;
        Lost += verdict.Lost;
        Twice += verdict.Twice;
        Other += verdict.Other;
    }

    /// <summary>Adds another row.</summary>
    public void Add(CrashRow row)
    {
        foreach (var (source, count) in row.sources) sources[source] = sources.GetValueOrDefault(source) + count;
        (Kills, Restarts, PassedOver, Below) = (Kills + row.Kills, Restarts + row.Restarts, PassedOver + row.PassedOver, Below + row.Below);
        (Damaged, Pairs, Lost, Twice) = (Damaged + row.Damaged, Pairs + row.Pairs, Lost + row.Lost, Twice + row.Twice);
        (Other, Silent, Failures) = (Other + row.Other, Silent + row.Silent, Failures + row.Failures);
    }

    public override string ToString() => Skipped is { } why
        ? $"| {name} | skipped: {why} | | | | | | | | | | |"
        : string.Create(CultureInfo.InvariantCulture,
            $"| {name} | {Kills} | {Restarts} | {Of(RecoverySource.Checkpoint)} / {Of(RecoverySource.Snapshot)} / {Of(RecoverySource.LogStart)} "
            + $"| {PassedOver} | {Damaged} | {Pairs} | {Lost} | {Twice} | {Other} | {Silent} | {Failures} |");

    private long Of(RecoverySource source) => sources.GetValueOrDefault(source);
}
