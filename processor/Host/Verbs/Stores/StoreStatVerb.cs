using System.CommandLine;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Checkpoint;

namespace ReadStateStream.Host.Verbs.Stores;

/// <summary><c>store stat</c>: what the newest checkpoints hold, and what memory and disk follow from it. Works beside a live processor.</summary>
internal static class StoreStatVerb
{
    private static readonly string[] Headings =
        ["partition>", "checkpoint>", "position>", "log bytes>", "live bytes>", "garbage>", "states>", "channels>", "messages>"];

    /// <summary>One partition's newest checkpoint.</summary>
    private sealed record PartitionStat(int Partition, long Sequence, long Position, RecordStatistics Records);

    public static Command Create(VerbSurroundings around)
    {
        var (partition, json) = (VerbOptions.Partition(), VerbOptions.Json());
        var lineage = VerbOptions.Lineage("Of this lineage; else the one that a start with these settings would serve.");
        var command = new Command("stat", "Counts records and bytes of the newest checkpoints, and says what memory and disk they ask for.") { lineage, partition, json };
        around.Bind(command, async (settings, parsed, cancellation) =>
        {
            var number = await ServedLineage.NumberAsync(settings, around, parsed.GetValue(lineage), cancellation);
            return await RunAsync(around, settings, number, parsed.GetValue(partition), parsed.GetValue(json));
        });
        return command;
    }

    private static async Task<int> RunAsync(VerbSurroundings around, ProcessorSettings settings, long lineage, int? partition, bool json)
    {
        // A partition that nothing was ever published to has no checkpoint.
        var newest = VerbOptions.PartitionsOf(settings, partition)
            .Select(number => new CheckpointFiles(settings.Processor.DataFolder, lineage, number))
            .Where(files => files.Manifests().Count > 0)
            .Select(files => (Files: files, Manifest: files.Choose(null)))
            .ToList();
        if (newest.Count == 0) throw new InvalidDataException($"lineage {lineage} has no checkpoint under '{settings.Processor.DataFolder}'");
        var bytes = newest.Sum(pair => pair.Manifest.Fold.Tail - pair.Manifest.Fold.Begin);
        var stats = await WorkProgress.RunAsync(around, "reading record logs", bytes, "bytes", progress => Task.Run(
            () => newest.Select(pair => StatOf(pair.Files, pair.Manifest, progress)).ToList()));
        var all = RecordStatistics.Sum([.. stats.Select(stat => stat.Records)]);
        var sizing = StoreSizing.Of(all, settings);
        if (json) VerbOutput.WriteJson(around.Output, new { lineage, partitions = stats, all, sizing });
        else Write(around.Output, stats, all, sizing);
        return VerbSurroundings.Fine;
    }

    private static PartitionStat StatOf(CheckpointFiles files, CheckpointManifest manifest, Action<long> progress)
    {
        // A live processor may have deleted the one that was found: its newer one is as good.
        if (files.IsGone(manifest.Sequence)) manifest = files.Choose(null);
        return new PartitionStat(files.Partition, manifest.Sequence, manifest.Mark.Position, RecordStatistics.Of(files, manifest, progress));
    }

    private static void Write(TextWriter output, List<PartitionStat> stats, RecordStatistics all, StoreSizing sizing)
    {
        VerbOutput.WriteTable(output, Headings, stats.Select(stat => CellsOf(stat.Partition.ToString(null as IFormatProvider), stat.Sequence, stat.Position, stat.Records)));
        output.WriteLine();
        StatisticsText.WriteKinds(output, all);
        output.WriteLine();
        VerbOutput.WriteTable(
            output, ["largest channels>", "partition>", "bytes>", "messages>"],
            all.Largest.Select(channel => new[] { channel.Channel, $"{channel.Partition}", VerbOutput.Number(channel.Bytes), VerbOutput.Number(channel.Messages) }));
        output.WriteLine();
        sizing.Write(output);
    }

    private static string[] CellsOf(string partition, long sequence, long position, RecordStatistics records) =>
    [
        partition, $"{sequence}", VerbOutput.Number(position), VerbOutput.Number(records.LogBytes), VerbOutput.Number(records.LiveBytes),
        StatisticsText.Share(records.GarbageBytes, records.LogBytes), VerbOutput.Number(records.States), VerbOutput.Number(records.Channels),
        VerbOutput.Number(records.Messages),
    ];
}
