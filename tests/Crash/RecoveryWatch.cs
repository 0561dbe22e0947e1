using System.Globalization;
using System.Text.RegularExpressions;
using ReadStateStream.Partition.Recovery;

namespace ReadStateStream.Crash;

/// <summary>
/// Listens to what a processor says: from where its partitions recovered, and whether one that recovered below the
/// newest durable position said why.
/// </summary>
internal sealed partial class RecoveryWatch(CrashRow row)
{
    private const int LinesKept = 60;

    private readonly Lock gate = new();
    private readonly HashSet<int> explained = [];
    private readonly HashSet<int> recovered = [];
    private readonly Queue<string> loud = new();
    private long[] durable = [];

    /// <summary>Partitions that failed, in this life.</summary>
    public int Failures { get; private set; }

    /// <summary>Candidates passed over and files reported damaged, in this life.</summary>
    public int Reports { get; private set; }

    /// <summary>Times it said that it waits for the snapshot store, in this life.</summary>
    public int Waits { get; private set; }

    /// <summary>Partitions that have recovered at least once, in this life.</summary>
    public int Recovered
    {
        get { lock (gate) return recovered.Count; }
    }

    /// <summary>The last lines that were no mere information.</summary>
    public string Loud
    {
        get { lock (gate) return string.Join('\n', loud); }
    }

    /// <summary>A start comes; so far each partition was durable.</summary>
    public void Begin(long[] positions)
    {
        lock (gate)
        {
            durable = positions;
            explained.Clear();
            recovered.Clear();
            Failures = Reports = Waits = 0;
        }
    }

    /// <summary>A line of the processor.</summary>
    public void Hear(string line)
    {
        lock (gate)
        {
            if (!line.StartsWith("info", StringComparison.Ordinal)) Keep(line);
            if (RecoveredLine().Match(line) is { Success: true } from) NoteRecovered(from);
            else if (PassedOverLine().Match(line) is { Success: true } passed)
            {
                explained.Add(Number(passed, "partition"));
                row.PassedOver++;
                Reports++;
            }
            else if (NoticedLine().Match(line) is { Success: true } noticed)
            {
                explained.Add(Number(noticed, "partition"));
                Reports++;
            }
            else if (FailedLine().Match(line) is { Success: true } failed)
            {
                explained.Add(Number(failed, "partition"));
                Failures++;
            }
            else if (line.Contains("snapshot store, which does not answer", StringComparison.Ordinal)
                     || line.Contains("The snapshot store does not answer", StringComparison.Ordinal))
            {
                Waits++;
            }
        }
    }

    private void NoteRecovered(Match line)
    {
        var partition = Number(line, "partition");
        row.Note(Enum.Parse<RecoverySource>(line.Groups["source"].Value));
        // Later ones of the same life follow a failure, which was said.
        if (!recovered.Add(partition) || partition >= durable.Length) return;
        var position = long.Parse(line.Groups["position"].ValueSpan, CultureInfo.InvariantCulture);
        if (position >= durable[partition]) return;
        if (explained.Contains(partition)) row.Below++;
        else
        {
            row.Silent++;
            Keep($"SILENT: durable was {durable[partition]}: {line.Value}");
        }
    }

    private void Keep(string line)
    {
        loud.Enqueue(line);
        if (loud.Count > LinesKept) loud.Dequeue();
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"Partition (?<partition>\d+) recovered from its (?<source>\w+) at position (?<position>\d+) ")]
    private static partial Regex RecoveredLine();

    [GeneratedRegex(@"Partition (?<partition>\d+): the \w+ of position -?\d+ cannot be trusted and is passed over")]
    private static partial Regex PassedOverLine();

    [GeneratedRegex(@"Snapshot store: (?:FellBack|DamagedRun|Refounded) in lineage \d+, partition (?<partition>\d+)")]
    private static partial Regex NoticedLine();

    [GeneratedRegex(@"Partition (?<partition>\d+) failed at position")]
    private static partial Regex FailedLine();
}
