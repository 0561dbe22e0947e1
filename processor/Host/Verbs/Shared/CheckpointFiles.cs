using ReadStateStream.Host.Persistence;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>The checkpoints of one partition, read from its files without its processor.</summary>
/// <param name="DataFolder">The data folder.</param>
/// <param name="Lineage">Lineage of the state.</param>
/// <param name="Partition">Number of the partition.</param>
internal sealed record CheckpointFiles(string DataFolder, long Lineage, int Partition)
{
    /// <summary>Folder of its record log and manifests.</summary>
    public string Folder => StoreFolders.Of(DataFolder, Lineage, Partition);

    /// <summary>Manifests, newest first. What vanishes while it is read was deleted by a live processor: looked for once more.</summary>
    public IReadOnlyList<FoundManifest> Manifests()
    {
        var folder = new CheckpointFolder(UntouchedDisk.Instance, Folder);
        var found = folder.Read();
        return found.Any(manifest => manifest.Damage is not null) ? folder.Read() : found;
    }

    /// <summary>A device over its record log that proves what it reads by a manifest's checksums.</summary>
    /// <exception cref="DamageException">Files are missing, short, or not those that the manifest names.</exception>
    public StateDevice Open(CheckpointManifest manifest)
    {
        var device = new StateDevice(
            Folder,
            new StateDeviceOptions { SegmentBytes = 1L << manifest.Geometry.SegmentBits, Mode = DeviceMode.Inline, Disk = UntouchedDisk.Instance });
        try
        {
            device.LoadSums(manifest.Sums, manifest.Fold.Begin);
            return device;
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }

    /// <summary>Whether a live processor has deleted this checkpoint since: what is missing of it is then no damage.</summary>
    public bool IsGone(long sequence) => Manifests().All(manifest => manifest.Sequence != sequence);

    /// <summary>The newest manifest that is whole, or the one of a number.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public CheckpointManifest Choose(long? sequence)
    {
        var found = Manifests();
        if (sequence is not { } wanted)
            return found.FirstOrDefault(manifest => manifest.Manifest is not null).Manifest
                   ?? throw new InvalidDataException($"partition {Partition} of lineage {Lineage} has no checkpoint that is whole");
        var one = found.FirstOrDefault(manifest => manifest.Sequence == wanted);
        if (one.Damage is { } damage) throw damage;
        return one.Manifest ?? throw new InvalidDataException(
            $"partition {Partition} of lineage {Lineage} has no checkpoint {wanted}; it has {string.Join(", ", found.Select(manifest => manifest.Sequence))}");
    }
}
