using System.CommandLine;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Snapshot.Files;

namespace ReadStateStream.Host.Verbs.Snapshots;

/// <summary><c>snapshot verify</c>: reads every byte of the snapshot store's rows. Works beside live processors.</summary>
internal static class SnapshotVerifyVerb
{
    public static Command Create(VerbSurroundings around)
    {
        var (partition, json) = (VerbOptions.Partition(), VerbOptions.Json());
        var command = new Command("verify", "Reads all catalogs, runs and blocks of the snapshot store ('files').") { partition, json };
        around.Bind(command, (settings, parsed, cancellation) =>
            RunAsync(around, settings, parsed.GetValue(partition), parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(VerbSurroundings around, ProcessorSettings settings, int? partition, bool json, CancellationToken cancellation)
    {
        SnapshotFolder.Require(settings);
        var proof = new SnapshotProof(
            SnapshotStores.FilesOf(settings) with { CreateIfNew = false, Inline = true, Disk = UntouchedDisk.Instance }, around.Time);
        var partitions = proof.Partitions().Where(one => partition is null || one.Number == partition).ToList();
        var bytes = partitions.Sum(proof.BytesOf);
        var proven = await WorkProgress.RunAsync(around, "verifying snapshots", bytes, "bytes", progress => Task.Run(
            () => partitions.Select(one =>
            {
                cancellation.ThrowIfCancellationRequested();
                return proof.Run(one, progress);
            }).ToList(), cancellation));
        if (json) VerbOutput.WriteJson(around.Output, proven);
        else if (proven.Count == 0) around.Output.WriteLine("nothing was shipped yet");
        else proven.ForEach(one => Write(around.Output, one));
        return proven.Exists(one => one.Damage.Count > 0) ? VerbSurroundings.Problem : VerbSurroundings.Fine;
    }

    private static void Write(TextWriter output, ProvenRows one)
    {
        var state = one.Damage.Count == 0 ? "whole" : one.Catalogs.Count == 0 ? "DAMAGED, nothing whole is left" : "DAMAGED";
        output.WriteLine(
            $"lineage {one.Partition.Lineage}, partition {one.Partition.Number}: {state}, position {VerbOutput.Number(one.Position)}, "
            + $"{VerbOutput.Number(one.Rows)} rows, {VerbOutput.Number(one.Bytes)} bytes, catalogs {string.Join(", ", one.Catalogs.Select(catalog => catalog.Number))}");
        foreach (var intent in one.OpenIntents)
            output.WriteLine($"  a ship up to position {VerbOutput.Number(intent.Position)} was begun {VerbOutput.Time(intent.WrittenUnixMs)} and not completed");
        foreach (var damage in one.Damage) output.WriteLine($"  {damage}");
    }
}
