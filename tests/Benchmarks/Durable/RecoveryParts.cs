using System.Diagnostics;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>The parts of a recovery from a checkpoint, by the calls that the product's recovery makes; s.</summary>
/// <param name="Manifests">Reading the manifests.</param>
/// <param name="Sums">Loading and proving the checksums of the record log.</param>
/// <param name="Scan">FASTER reads the record log, every sector held against its checksum, and builds the index.</param>
/// <param name="Bytes">Bytes of that log.</param>
internal sealed record RecoveryParts(double Manifests, double Sums, double Scan, long Bytes)
{
    /// <summary>Recovers once more, part by part, and throws it away.</summary>
    public static RecoveryParts Measure(DurableFolder folder, StoreOptions options)
    {
        var started = Stopwatch.GetTimestamp();
        var manifest = new CheckpointFolder(DiskOperations.Real, folder.Machine).Read()[0].Manifest
                       ?? throw new InvalidOperationException("the newest checkpoint is damaged");
        var read = Stopwatch.GetTimestamp();
        var device = new StateDevice(folder.Machine, folder.Device with { SegmentBytes = 1L << manifest.Geometry.SegmentBits });
        device.LoadSums(manifest.Sums, manifest.Fold.Begin);
        var loaded = Stopwatch.GetTimestamp();
        using var store = StateStore.Recover(options, manifest.Geometry, StoredPolicy.From(DurableFolder.Policy), device, manifest.Fold);
        var scanned = Stopwatch.GetTimestamp();
        return new RecoveryParts(
            Stopwatch.GetElapsedTime(started, read).TotalSeconds, Stopwatch.GetElapsedTime(read, loaded).TotalSeconds,
            Stopwatch.GetElapsedTime(loaded, scanned).TotalSeconds, manifest.Fold.Tail - manifest.Fold.Begin);
    }
}
