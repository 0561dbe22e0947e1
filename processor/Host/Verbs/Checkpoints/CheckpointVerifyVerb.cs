using System.CommandLine;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Checkpoint;

namespace ReadStateStream.Host.Verbs.Checkpoints;

/// <summary><c>checkpoint verify</c>: reads every byte that a manifest names. Works beside a live processor.</summary>
internal static class CheckpointVerifyVerb
{
    /// <summary>A checkpoint with what reading it showed.</summary>
    private sealed record Verified(long Lineage, int Partition, long Sequence, long? Position, long Bytes, long Records, long Current, IReadOnlyList<string> Damage);

    public static Command Create(VerbSurroundings around)
    {
        var (partition, json) = (VerbOptions.Partition(), VerbOptions.Json());
        var lineage = VerbOptions.Lineage("Only this lineage.");
        var sequence = new Option<long?>("--sequence") { Description = "Only the checkpoint of this number.", HelpName = "S" };
        var command = new Command("verify", "Reads every byte that the checkpoints name: checksums, records, aggregates.") { lineage, partition, sequence, json };
        around.Bind(command, (settings, parsed, cancellation) => RunAsync(
            around, settings,
            (parsed.GetValue(lineage), parsed.GetValue(partition), parsed.GetValue(sequence)), parsed.GetValue(json), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(
        VerbSurroundings around, ProcessorSettings settings, (long? Lineage, int? Partition, long? Sequence) only, bool json, CancellationToken cancellation)
    {
        var found = StoreFolders.In(settings.Processor.DataFolder, UntouchedDisk.Instance)
            .Where(place => (only.Lineage is null || place.Lineage == only.Lineage) && (only.Partition is null || place.Partition == only.Partition))
            .Select(place => new CheckpointFiles(settings.Processor.DataFolder, place.Lineage, place.Partition))
            .SelectMany(files => files.Manifests().Where(one => only.Sequence is null || one.Sequence == only.Sequence).Select(one => (files, one)))
            .ToList();
        if (found.Count == 0)
        {
            around.Error.WriteLine($"processor: there is no such checkpoint under '{settings.Processor.DataFolder}'");
            return VerbSurroundings.Problem;
        }
        var bytes = found.Sum(pair => pair.one.Manifest is { } manifest ? (manifest.Fold.Tail - manifest.Fold.Begin) * CheckpointProof.Passes : 0);
        var verified = await WorkProgress.RunAsync(around, "verifying checkpoints", bytes, "bytes", progress => Task.Run(
            () => found.Select(pair => Verify(pair.files, pair.one, progress, cancellation)).OfType<Verified>().ToList(), cancellation));
        if (json) VerbOutput.WriteJson(around.Output, verified);
        else verified.ForEach(one => Write(around.Output, one));
        return verified.Exists(one => one.Damage.Count > 0) ? VerbSurroundings.Problem : VerbSurroundings.Fine;
    }

    /// <summary>Null where a live processor deleted the checkpoint meanwhile.</summary>
    private static Verified? Verify(CheckpointFiles files, FoundManifest found, Action<long> progress, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        if (found.Manifest is not { } manifest)
            return new Verified(files.Lineage, files.Partition, found.Sequence, null, 0, 0, 0, [found.Damage!.Message]);
        var proven = new CheckpointProof(files, manifest, progress).Run();
        if (proven.Damage.Count > 0 && files.IsGone(found.Sequence)) return null;
        return new Verified(
            files.Lineage, files.Partition, found.Sequence, manifest.Mark.Position, proven.Bytes, proven.Records, proven.Current, proven.Damage);
    }

    private static void Write(TextWriter output, Verified one)
    {
        var name = $"lineage {one.Lineage}, partition {one.Partition}, checkpoint {one.Sequence}";
        if (one.Damage.Count == 0)
        {
            output.WriteLine(
                $"{name}: whole, position {VerbOutput.Number(one.Position!.Value)}, {VerbOutput.Number(one.Bytes)} bytes, "
                + $"{VerbOutput.Number(one.Records)} records, {VerbOutput.Number(one.Current)} of them current");
            return;
        }
        output.WriteLine($"{name}: DAMAGED");
        foreach (var damage in one.Damage) output.WriteLine($"  {damage}");
    }
}
