using System.CommandLine;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Checkpoint;

namespace ReadStateStream.Host.Verbs.Checkpoints;

/// <summary><c>checkpoint list</c>: what checkpoints there are, and which are damaged. Works beside a live processor.</summary>
internal static class CheckpointListVerb
{
    private static readonly string[] Headings =
        ["lineage>", "partition>", "sequence>", "position>", "written at", "log bytes>", "live bytes>", "shipped>", "state"];

    /// <summary>A manifest, or a partition without one.</summary>
    private sealed record Listed(
        long Lineage, int Partition, long? Sequence, long? Position, DateTimeOffset? WrittenAt, long? LogBytes, long? LiveBytes,
        long? ShippedPosition, string? Damage);

    public static Command Create(VerbSurroundings around)
    {
        var (partition, json) = (VerbOptions.Partition(), VerbOptions.Json());
        var command = new Command("list", "Lists the checkpoints of every lineage and partition.") { partition, json };
        around.Bind(command, (settings, parsed, _) => Task.FromResult(Run(around, settings, parsed.GetValue(partition), parsed.GetValue(json))));
        return command;
    }

    private static int Run(VerbSurroundings around, ProcessorSettings settings, int? partition, bool json)
    {
        var folder = settings.Processor.DataFolder;
        var all = StoreFolders.In(folder, UntouchedDisk.Instance)
            .Where(place => partition is null || place.Partition == partition)
            .SelectMany(place => ListOne(new CheckpointFiles(folder, place.Lineage, place.Partition)))
            .ToList();
        if (json) VerbOutput.WriteJson(around.Output, all);
        else if (all.Count == 0) around.Output.WriteLine($"no checkpoint under '{folder}'");
        else VerbOutput.WriteTable(around.Output, Headings, all.Select(CellsOf));
        return all.Exists(listed => listed.Damage is not null) ? VerbSurroundings.Problem : VerbSurroundings.Fine;
    }

    private static IEnumerable<Listed> ListOne(CheckpointFiles files)
    {
        var found = files.Manifests();
        return found.Count == 0
            ? [new Listed(files.Lineage, files.Partition, null, null, null, null, null, null, null)]
            : found.Select(manifest => Of(files, manifest));
    }

    private static Listed Of(CheckpointFiles files, FoundManifest found) => found.Manifest is { } manifest
        ? new Listed(
            files.Lineage, files.Partition, found.Sequence, manifest.Mark.Position, DateTimeOffset.FromUnixTimeMilliseconds(manifest.Mark.WrittenUnixMs),
            manifest.Fold.Tail - manifest.Fold.Begin, manifest.Fold.LiveBytes, manifest.Shipped.Position, null)
        : new Listed(files.Lineage, files.Partition, found.Sequence, null, null, null, null, null, found.Damage!.Message);

    private static string[] CellsOf(Listed listed)
    {
        static string Cell(long? value) => value is { } number ? VerbOutput.Number(number) : "";
        return
        [
            $"{listed.Lineage}", $"{listed.Partition}", listed.Sequence?.ToString(null as IFormatProvider) ?? "", Cell(listed.Position),
            listed.WrittenAt is { } at ? VerbOutput.Time(at.ToUnixTimeMilliseconds()) : "", Cell(listed.LogBytes), Cell(listed.LiveBytes),
            Cell(listed.ShippedPosition), listed.Damage is { } damage ? $"DAMAGED: {damage}" : listed.Sequence is null ? "no checkpoint" : "whole",
        ];
    }
}
