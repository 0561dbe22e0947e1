using System.CommandLine;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Recovery;

namespace ReadStateStream.Host.Verbs.Proof;

/// <summary>
/// <c>verify</c>: the state that a start would serve, against a recount of the whole log, record by record. Not beside a
/// live processor; the data folder stays as it is.
/// </summary>
internal static class VerifyVerb
{
    public static Command Create(VerbSurroundings around)
    {
        var (partition, json) = (VerbOptions.Partition(), VerbOptions.Json());
        var lineage = VerbOptions.Lineage("Of this lineage; else the one that a start with these settings would serve.");
        var work = new Option<DirectoryInfo?>("--work")
        {
            Description = "Folder for copies, which takes twice the store's bytes; else the system's for temporary files.", HelpName = "FOLDER",
        };
        var command = new Command("verify", "Recounts the whole log and compares full state with what a start would serve. The processor must be stopped.")
        {
            partition, lineage, work, json,
        };
        around.Bind(command, (settings, parsed, cancellation) => RunAsync(
            around, settings, (parsed.GetValue(partition), parsed.GetValue(lineage)), parsed.GetValue(work), parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        VerbSurroundings around, ProcessorSettings settings, (int? Partition, long? Lineage) only, DirectoryInfo? work, bool json, CancellationToken cancellation)
    {
        var numbers = VerbOptions.PartitionsOf(settings, only.Partition).ToList();
        await using var logs = await StoppedLogs.OpenAsync(settings, around);
        await using var snapshots = ServedLineage.OpenForReading(settings, around);
        var lineage = await ServedLineage.ChooseAsync(settings, snapshots, only.Lineage, cancellation);
        if (lineage.Identity != new LineageChoice(snapshots, settings).IdentityOf(logs.TopicIdentity))
            around.Error.WriteLine($"lineage {lineage.Number} is of other settings than these: differences are to be expected");
        var folder = Path.Combine(work?.FullName ?? Path.GetTempPath(), $"readstate-verify-{Guid.NewGuid():N}");
        Directory.CreateDirectory(folder);
        try
        {
            var proof = new PartitionProof(settings, lineage.Number, snapshots, folder, around.Time);
            var opened = numbers.ConvertAll(number => (Number: number, Log: logs.LogOf(number)));
            var events = opened.Sum(static one => one.Log.EndOffset);
            var proven = await WorkProgress.RunAsync(around, "recounting", events * 2, "events", progress => Task.Run(async () =>
            {
                var all = new List<ProvenPartition>();
                foreach (var (number, log) in opened) all.Add(await proof.RunAsync(number, log, progress, cancellation));
                return all;
            }, cancellation));
            if (json) VerbOutput.WriteJson(around.Output, proven);
            else proven.ForEach(one => Write(around.Output, one));
            return proven.Exists(one => one.Differences > 0) ? VerbSurroundings.Problem : VerbSurroundings.Fine;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Write(TextWriter output, ProvenPartition one)
    {
        output.WriteLine(
            $"partition {one.Partition}: a start begins with {NameOf(one)} and replays "
            + $"{VerbOutput.Number(one.Events - one.SourcePosition)} of {VerbOutput.Number(one.Events)} events");
        foreach (var why in one.PassedOver) output.WriteLine($"  passed over: {why}");
        Write(output, "state", one.State, "a start has");
        if (one.Rows is { } rows) Write(output, $"snapshot rows at position {VerbOutput.Number(one.RowsPosition!.Value)}", rows, "the snapshot store has");
    }

    private static string NameOf(ProvenPartition one) => one.Source switch
    {
        RecoverySource.Checkpoint => $"the checkpoint at position {VerbOutput.Number(one.SourcePosition)}",
        RecoverySource.Snapshot => $"the snapshot at position {VerbOutput.Number(one.SourcePosition)}",
        _ => "nothing",
    };

    private static void Write(TextWriter output, string what, ComparedState compared, string whose)
    {
        if (compared.First is not { } first)
        {
            var otherwise = compared.OtherwiseEncoded == 0 ? "" : $" ({VerbOutput.Number(compared.OtherwiseEncoded)} of them otherwise encoded)";
            output.WriteLine($"  {what}: {VerbOutput.Number(compared.Records)} records, all equal to the recount{otherwise}");
            return;
        }
        var kinds = string.Join(", ", compared.ByKind.Select(kind => $"{kind.Value} {kind.Key}"));
        output.WriteLine($"  {what}: {VerbOutput.Number(compared.Differences)} of {VerbOutput.Number(compared.Records)} records DIFFER ({kinds})");
        output.WriteLine(
            $"  the first, at offset {first.Offset}: {first.Aggregate}, {first.Field}: {whose} {first.Found ?? "none"}, "
            + $"the recount {first.Recounted ?? "none"}");
    }
}
