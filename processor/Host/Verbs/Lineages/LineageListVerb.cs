using System.CommandLine;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;

namespace ReadStateStream.Host.Verbs.Lineages;

/// <summary><c>lineage list</c>. Works beside a live processor.</summary>
internal static class LineageListVerb
{
    private static readonly string[] Headings = ["lineage>", "created", "partitions>", "fold>", "store bytes>", "topic", "stored", ""];

    private sealed record Listed(long Number, DateTimeOffset Created, LineageIdentity Identity, long StoreBytes, bool Served);

    public static Command Create(VerbSurroundings around)
    {
        var json = VerbOptions.Json();
        var command = new Command("list", "Lists the lineages and says which one a start with these settings would serve.") { json };
        around.Bind(command, (settings, parsed, cancellation) => RunAsync(around, settings, parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(VerbSurroundings around, ProcessorSettings settings, bool json, CancellationToken cancellation)
    {
        await using var snapshots = ServedLineage.OpenForReading(settings, around);
        var all = await snapshots.ListLineagesAsync(cancellation);
        var served = ServedLineage.Of(settings, snapshots, all);
        var listed = all.Select(lineage => new Listed(
            lineage.Number, DateTimeOffset.FromUnixTimeMilliseconds(lineage.CreatedUnixMs), lineage.Identity,
            BytesBelow(StoreFolders.Of(settings.Processor.DataFolder, lineage.Number)), lineage == served)).ToList();
        if (json)
        {
            VerbOutput.WriteJson(around.Output, listed);
            return VerbSurroundings.Fine;
        }
        VerbOutput.WriteTable(around.Output, Headings, listed.Select(one => new[]
        {
            $"{one.Number}", VerbOutput.Time(one.Created.ToUnixTimeMilliseconds()), $"{one.Identity.Partitions}", $"{one.Identity.FoldVersion}",
            VerbOutput.Number(one.StoreBytes), one.Identity.Topic, one.Identity.Stored, one.Served ? "served" : "",
        }));
        if (served is null) around.Output.WriteLine("none is of these settings: a start would be refused");
        return VerbSurroundings.Fine;
    }

    private static long BytesBelow(string folder) => Directory.Exists(folder)
        ? new DirectoryInfo(folder).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true }).Sum(file => file.Length)
        : 0;
}
