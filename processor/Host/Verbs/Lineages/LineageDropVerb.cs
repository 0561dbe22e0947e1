using ReadStateStream.Partition.Checkpoint;
using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Host.Verbs.Lineages;

/// <summary><c>lineage drop</c>: deletes a lineage's rows and its local store. Not beside a live processor.</summary>
internal static class LineageDropVerb
{
    public static Command Create(VerbSurroundings around)
    {
        var number = new Argument<long>("lineage") { Description = "Number of the lineage." };
        var yes = new Option<bool>("--yes") { Description = "It is meant: nothing brings the lineage back." };
        var force = new Option<bool>("--force") { Description = "Also the one that a start with these settings would serve." };
        var command = new Command("drop", "Deletes a lineage: its rows in the snapshot store and its store folder. The processor must be stopped.") { number, yes, force };
        around.Bind(command, (settings, parsed, cancellation) =>
            RunAsync(around, settings, parsed.GetValue(number), parsed.GetValue(yes), parsed.GetValue(force), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        VerbSurroundings around, ProcessorSettings settings, long number, bool yes, bool force, CancellationToken cancellation)
    {
        _ = ServedLineage.TopicOf(settings);
        using var stopped = settings.Kafka.IsUsed ? StoppedLogs.LockStore(settings) : EmbeddedTopic.Lock(ServedLineage.LogFolder(settings));
        await using var reading = ServedLineage.OpenForReading(settings, around);
        var all = await reading.ListLineagesAsync(cancellation);
        var folder = StoreFolders.Of(settings.Processor.DataFolder, number);
        var isListed = all.Any(lineage => lineage.Number == number);
        if (!isListed && !Directory.Exists(folder))
            throw new SettingException($"lineage {number} is not there; there are {string.Join(", ", all.Select(lineage => lineage.Number))}");
        if (ServedLineage.Of(settings, reading, all)?.Number == number && !force)
            throw new SettingException(
                $"lineage {number} is the one that a start with these settings serves; --force drops it all the same, and the next start begins anew");
        if (!yes) throw new SettingException($"nothing was dropped: --yes says that lineage {number} is meant");
        await using var snapshots = SnapshotStores.Open(settings, NoFaultPoints.Instance, around.Time, NullLogger.Instance);
        // The number is buried first: what is left of the rows or the folder is no one's any more.
        if (isListed) await snapshots.DropLineageAsync(number, cancellation);
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        around.Output.WriteLine($"dropped lineage {number}: {(isListed ? "its rows and " : "")}'{folder}'");
        return VerbSurroundings.Fine;
    }
}
