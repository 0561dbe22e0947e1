using ReadStateStream.Partition.Checkpoint;
using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Host.Verbs.Topics;

namespace ReadStateStream.Host.Verbs.Lineages;

/// <summary>
/// <c>lineage create</c>: a new number for the present settings, which the next start serves and rebuilds from the log's
/// first record. Not beside a live processor with the embedded log. Writes to the snapshot store's list of lineages alone.
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
        var (identity, events) = settings.Kafka.IsUsed ? await LookAtTopicAsync(around, settings) : await LookAtLogAsync(around, settings);
        await using var snapshots = SnapshotStores.Open(settings, NoFaultPoints.Instance, around.Time, NullLogger.Instance);
        var choice = new LineageChoice(snapshots, settings);
        var former = ServedLineage.Of(settings, snapshots, await snapshots.ListLineagesAsync(cancellation));
        var created = await snapshots.CreateLineageAsync(choice.IdentityOf(identity), choice.Answers, cancellation);
        around.Output.WriteLine($"created lineage {created.Number}: {created.Identity.Stored}");
        around.Output.WriteLine($"the next start with these settings serves it, rebuilt from {VerbOutput.Number(events)} events");
        if (former is not null)
            around.Output.WriteLine($"lineage {former.Number} has the same settings and stays until 'processor lineage drop {former.Number} --yes'");
        return VerbSurroundings.Fine;
    }

    private static async Task<(string Identity, long Events)> LookAtLogAsync(VerbSurroundings around, ProcessorSettings settings)
    {
        await using var topic = await StoppedTopic.OpenAsync(settings, around);
        foreach (var partition in topic.Partitions)
        {
            if (partition.Refusal is { } damaged) throw new InvalidDataException($"a new lineage could not be rebuilt from this log: {damaged.Message}");
            if (partition.BeginOffset > 0)
                throw new InvalidDataException(
                    $"a new lineage could not be rebuilt: the log of partition {partition.Partition} begins at offset {partition.BeginOffset}, its first records are gone");
        }
        return (topic.TopicIdentity, topic.Partitions.Sum(partition => partition.EndOffset));
    }

    private static async Task<(string Identity, long Events)> LookAtTopicAsync(VerbSurroundings around, ProcessorSettings settings)
    {
        await using var topic = await TopicVerbs.OpenCheckedAsync(around, settings);
        if (!topic.IsWhole()) throw new InvalidDataException($"a new lineage could not be rebuilt: the first records of '{settings.Processor.Topic}' are gone");
        return (topic.Publisher.TopicIdentity, topic.Records());
    }
}
