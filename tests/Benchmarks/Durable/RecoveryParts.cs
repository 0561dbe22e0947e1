using System.Diagnostics;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>The parts of a recovery from a checkpoint, by the calls that the product's recovery makes; s.</summary>
/// <param name="Manifests">Reading the manifests.</param>
/// <param name="Sums">Loading and proving the checksums of the record log.</param>
/// <param name="Index">FASTER takes the index image, with memory for a few pages.</param>
/// <param name="ByImage">The same with all of the memory: the log's end is brought there, every sector of it held against its checksum.</param>
/// <param name="Scan">Without an image: FASTER reads the whole record log the same way, and builds the index.</param>
/// <param name="Bytes">Bytes of that log.</param>
/// <param name="InMemory">Those of them that are brought into memory.</param>
/// <param name="Image">The image.</param>
internal sealed record RecoveryParts(double Manifests, double Sums, double Index, double ByImage, double Scan, long Bytes, long InMemory, IndexImageMark Image)
{
    /// <summary>Recovers twice more, part by part, and throws it away.</summary>
    public static RecoveryParts Measure(DurableFolder folder, StoreOptions options)
    {
        var started = Stopwatch.GetTimestamp();
        var manifest = new CheckpointFolder(DiskOperations.Real, folder.Machine).Read()[0].Manifest
                       ?? throw new InvalidOperationException("the newest checkpoint is damaged");
        var manifests = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var mark = manifest.Image ?? throw new InvalidOperationException("the newest checkpoint names no index image");
        var fold = manifest.Fold;
        var inMemory = Math.Min(fold.Tail - fold.Begin, fold.Tail - manifest.Geometry.FirstPageAtRecovery(fold, mark.Start, options.LogMemoryBytes));
        var few = options.Share(1);
        few.LogMemoryBytes = (long)StoreOptions.FewestPages << manifest.Geometry.PageBits;
        var (_, index) = Open(folder, few, manifest, mark);
        var (sums, byImage) = Open(folder, options, manifest, mark);
        var (_, scan) = Open(folder, options, manifest, null);
        return new RecoveryParts(manifests, sums, index, byImage, scan, fold.Tail - fold.Begin, inMemory, mark);
    }

    private static (double Sums, double Store) Open(DurableFolder folder, StoreOptions options, CheckpointManifest manifest, IndexImageMark? mark)
    {
        GC.Collect();
        var started = Stopwatch.GetTimestamp();
        var device = new StateDevice(folder.Machine, folder.Device with { SegmentBytes = 1L << manifest.Geometry.SegmentBits });
        device.LoadSums(manifest.Sums, manifest.Fold.Begin);
        var loaded = Stopwatch.GetTimestamp();
        using var image = mark is null ? null : new IndexImageReader(DiskOperations.Real, folder.Machine, mark, manifest.Lineage, manifest.Partition);
        using var store = StateStore.Recover(options, manifest.Geometry, StoredPolicy.From(DurableFolder.Policy), device, manifest.Fold, image);
        return (Stopwatch.GetElapsedTime(started, loaded).TotalSeconds, Stopwatch.GetElapsedTime(loaded).TotalSeconds);
    }
}
