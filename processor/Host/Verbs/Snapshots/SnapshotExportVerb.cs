using System.CommandLine;
using System.Text;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;

namespace ReadStateStream.Host.Verbs.Snapshots;

/// <summary><c>snapshot export</c>: the rows as lines of JSON. Works beside live processors.</summary>
internal static class SnapshotExportVerb
{
    private const int ProgressEvery = 1 << 10;

    public static Command Create(VerbSurroundings around)
    {
        var partition = VerbOptions.Partition();
        var lineage = VerbOptions.Lineage("Of this lineage; else the one that a start with these settings would serve.");
        var file = new Option<FileInfo>("--out") { Description = "The file to write; it must not exist yet.", HelpName = "FILE", Required = true };
        var command = new Command("export", "Writes the rows of the snapshot store to a file, one line of JSON each.") { file, lineage, partition };
        around.Bind(command, (settings, parsed, cancellation) =>
            RunAsync(around, settings, parsed.GetValue(file)!, parsed.GetValue(lineage), parsed.GetValue(partition), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        VerbSurroundings around, ProcessorSettings settings, FileInfo file, long? lineage, int? partition, CancellationToken cancellation)
    {
        SnapshotFolder.Require(settings);
        var partitions = VerbOptions.PartitionsOf(settings, partition).ToList();
        if (file.Exists) throw new SettingException($"--out '{file.FullName}' exists already");
        await using var snapshots = ServedLineage.OpenForReading(settings, around);
        var number = (await ServedLineage.ChooseAsync(settings, snapshots, lineage, cancellation)).Number;
        // A file that was written in part is worse than none.
        var unfinished = file.FullName + ".unfinished";
        long rows;
        try
        {
            await using (var writer = new StreamWriter(unfinished, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)))
                rows = await WorkProgress.RunAsync(around, "exporting rows", partitions.Count, "partitions", async progress =>
                {
                    var sum = 0L;
                    foreach (var one in partitions)
                    {
                        sum += await ExportAsync(snapshots, new SnapshotPartition(number, one), writer, cancellation);
                        progress(1);
                    }
                    return sum;
                });
            File.Move(unfinished, file.FullName, overwrite: false);
        }
        finally
        {
            File.Delete(unfinished);
        }
        around.Output.WriteLine($"exported {VerbOutput.Number(rows)} rows of lineage {number} to '{file.FullName}'");
        return VerbSurroundings.Fine;
    }

    private static async Task<long> ExportAsync(ISnapshotStore snapshots, SnapshotPartition partition, StreamWriter writer, CancellationToken cancellation)
    {
        var rows = 0L;
        await foreach (var row in snapshots.ReadPartitionAsync(partition, 0, cancellation))
        {
            var json = RowJson.Of(row.Key, row.Offset, row.Value.Span);
            json.Insert(0, "partition", partition.Number);
            await writer.WriteLineAsync(json.ToJsonString(VerbOutput.JsonLine));
            if (++rows % ProgressEvery == 0) await writer.FlushAsync(cancellation);
        }
        return rows;
    }
}
