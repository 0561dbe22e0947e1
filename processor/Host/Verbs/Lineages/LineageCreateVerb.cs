using ReadStateStream.Partition.Checkpoint;
using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;

namespace ReadStateStream.Host.Verbs.Lineages;

/// <summary>
/// <c>lineage create</c>: a new number for the present settings, which the next start serves and rebuilds from the log's
/// first record. Not beside a live processor. Writes to the snapshot store's list of lineages alone.
/// </summary>
internal static class LineageCreateVerb
{
    public static Command Create(VerbSurroundings around)
    {
        var command = new Command("create", "Begins a new lineage with the present settings. The processor must be stopped.");
        around.Bind(command, (settings, _, cancellation) => RunAsync(around, settings, cancellation));
        return command;
    }

    private static async Task<int> RunAsync(VerbSurroundings around, ProcessorSettings settings, CancellationToken cancellation)
    {
        await using var topic = await StoppedTopic.OpenAsync(settings, around);
        foreach (var partition in topic.Partitions)
        {
            if (partition.Refusal is { } damaged) throw new InvalidDataException($"a new lineage could not be rebuilt from this log: {damaged.Message}");
            if (partition.BeginOffset > 0)
                throw new InvalidDataException(
                    $"a new lineage could not be rebuilt: the log of partition {partition.Partition} begins at offset {partition.BeginOffset}, its first records are gone");
        }
        await using var snapshots = SnapshotStores.Open(settings, NoFaultPoints.Instance, around.Time, NullLogger.Instance);
        var choice = new LineageChoice(snapshots, settings);
        var former = ServedLineage.Of(settings, snapshots, await snapshots.ListLineagesAsync(cancellation));
        var created = await snapshots.CreateLineageAsync(choice.IdentityOf(topic.TopicIdentity), choice.Answers, cancellation);
        var events = topic.Partitions.Sum(partition => partition.EndOffset);
        around.Output.WriteLine($"created lineage {created.Number}: {created.Identity.Stored}");
        around.Output.WriteLine($"the next start with these settings serves it, rebuilt from {VerbOutput.Number(events)} events");
        if (former is not null)
            around.Output.WriteLine($"lineage {former.Number} has the same settings and stays until 'processor lineage drop {former.Number} --yes'");
        return VerbSurroundings.Fine;
    }
}
