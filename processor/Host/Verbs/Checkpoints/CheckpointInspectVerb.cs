using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Schemas;

namespace ReadStateStream.Host.Verbs.Checkpoints;

/// <summary><c>checkpoint inspect</c>: what is in a checkpoint; records of a user or a channel decoded. Works beside a live processor.</summary>
internal static class CheckpointInspectVerb
{
    /// <summary>Which records.</summary>
    private sealed record Asked(int Partition, long? Sequence, ulong? User, ulong? Channel)
    {
        public bool IsForRecords => User is not null || Channel is not null;

        /// <summary>Of a user in a channel the state and its threads alone; else everything of either.</summary>
        public bool Has(CurrentRecord record)
        {
            var key = record.Key.Kind == RecordKind.Thread ? record.Root : record.Key;
            var hasUser = key.Kind is RecordKind.ReadState or RecordKind.User;
            if (User is { } user && Channel is { } channel) return key == Key16.ReadState(user, channel);
            if (User is { } of) return hasUser && key.User == of;
            return key.Kind == RecordKind.Channel && key.Channel == Channel;
        }
    }

    public static Command Create(VerbSurroundings around)
    {
        var (partition, json) = (VerbOptions.Partition(required: true), VerbOptions.Json());
        var lineage = VerbOptions.Lineage("Of this lineage; else the one that a start with these settings would serve.");
        var sequence = new Option<long?>("--sequence") { Description = "Number of the checkpoint; else the newest that is whole.", HelpName = "S" };
        var user = new Option<ulong?>("--user") { Description = "Decode the records of this user.", HelpName = "U" };
        var channel = new Option<ulong?>("--channel") { Description = "Decode the records of this channel; with --user the read state alone.", HelpName = "C" };
        var command = new Command("inspect", "Shows what a checkpoint holds.") { partition, lineage, sequence, user, channel, json };
        around.Bind(command, async (settings, parsed, cancellation) =>
        {
            var asked = new Asked(parsed.GetValue(partition)!.Value, parsed.GetValue(sequence), parsed.GetValue(user), parsed.GetValue(channel));
            var number = await ServedLineage.NumberAsync(settings, around, parsed.GetValue(lineage), cancellation);
            var files = new CheckpointFiles(settings.Processor.DataFolder, number, asked.Partition);
            return asked.IsForRecords
                ? ShowRecords(around, settings, files, asked, parsed.GetValue(json))
                : await ShowCountsAsync(around, files, asked, parsed.GetValue(json));
        });
        return command;
    }

    private static async Task<int> ShowCountsAsync(VerbSurroundings around, CheckpointFiles files, Asked asked, bool json)
    {
        var manifest = files.Choose(asked.Sequence);
        var statistics = await WorkProgress.RunAsync(
            around, "reading the record log", manifest.Fold.Tail - manifest.Fold.Begin, "bytes",
            progress => Task.Run(() => RecordStatistics.Of(files, manifest, progress)));
        if (json)
        {
            VerbOutput.WriteJson(around.Output, new { manifest, statistics });
            return VerbSurroundings.Fine;
        }
        WriteManifest(around.Output, manifest);
        around.Output.WriteLine(
            $"garbage: {VerbOutput.Number(statistics.GarbageBytes)} of {VerbOutput.Number(statistics.LogBytes)} bytes, "
            + StatisticsText.Share(statistics.GarbageBytes, statistics.LogBytes));
        around.Output.WriteLine();
        StatisticsText.WriteKinds(around.Output, statistics);
        around.Output.WriteLine();
        StatisticsText.WriteSizes(around.Output, statistics);
        return VerbSurroundings.Fine;
    }

    private static void WriteManifest(TextWriter output, CheckpointManifest manifest)
    {
        var (mark, fold, geometry, shipped) = (manifest.Mark, manifest.Fold, manifest.Geometry, manifest.Shipped);
        output.WriteLine($"checkpoint {manifest.Sequence} of partition {manifest.Partition}, lineage {manifest.Lineage}, written {VerbOutput.Time(mark.WrittenUnixMs)}");
        var hash = mark.Fingerprint.Hash.ToString("x16", CultureInfo.InvariantCulture);
        output.WriteLine($"position: {VerbOutput.Number(mark.Position)}, the record below it has the hash {hash}"
            + $" and was appended {VerbOutput.Time(mark.Fingerprint.AppendedUnixMs)}");
        output.WriteLine($"record log: addresses {fold.Begin} .. {fold.Tail}, {VerbOutput.Number(fold.LiveBytes)} bytes live, in {manifest.Sums.Segments.Count} segments");
        output.WriteLine($"layout: pages of {1 << geometry.PageBits}, segments of {1L << geometry.SegmentBits} bytes, an index of {geometry.IndexLines} lines");
        output.WriteLine($"shipped: position {VerbOutput.Number(shipped.Position)}, address {shipped.Tail}");
    }

    private static int ShowRecords(VerbSurroundings around, ProcessorSettings settings, CheckpointFiles files, Asked asked, bool json)
    {
        var manifest = files.Choose(asked.Sequence);
        using var device = files.Open(manifest);
        var newest = new NewestRecords(device, 1 << manifest.Geometry.PageBits, manifest.Fold.Begin, manifest.Fold.Tail);
        var text = new RecordText(settings.EventIds.EpochUnixMs);
        var array = new JsonArray();
        var found = 0;
        for (var round = 0; round < newest.Rounds; round++)
        {
            newest.Read(round, newest.Rounds);
            var wanted = newest.Records.Values.Where(asked.Has);
            foreach (var record in wanted.OrderBy(one => one.Key.Kind).ThenBy(one => one.Key.A).ThenBy(one => one.Key.B))
            {
                found++;
                var value = newest.ValueOf(record);
                if (json) array.Add(RowJson.Of(record.Key, record.Applied, value));
                else text.Write(around.Output, record.Key, value);
            }
        }
        if (json) VerbOutput.WriteJson(around.Output, array);
        else if (found == 0) around.Output.WriteLine($"checkpoint {manifest.Sequence} of partition {asked.Partition} has no such record{WhereElse(settings, asked)}");
        return found > 0 || json ? VerbSurroundings.Fine : VerbSurroundings.Problem;
    }

    private static string WhereElse(ProcessorSettings settings, Asked asked)
    {
        if ((asked.Channel ?? asked.User) is not { } id) return "";
        var owner = Partitioner.PartitionOf(id, settings.Processor.Partitions);
        return owner == asked.Partition ? "" : $": {(asked.Channel is null ? "whom the user blocked" : "the channel")} is in partition {owner}";
    }
}
