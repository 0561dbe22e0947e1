// The manifests of one partition, in the folder of its record log.
//
// Invariants:
// - A manifest appears whole or not at all: written under another name, synced, renamed, its folder synced.
// - What cannot be read is an error; what is damaged is reported, not skipped in silence.

using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>A manifest as it was found: whole, or why not.</summary>
public readonly record struct FoundManifest(long Sequence, CheckpointManifest? Manifest, DamageException? Damage);

/// <summary>Manifests on the disk.</summary>
public sealed class CheckpointFolder(DiskOperations disk, string path)
{
    private const string Unfinished = "manifest.unfinished";

    /// <summary>The folder.</summary>
    public string FolderPath => path;

    /// <summary>All manifests, newest first; none where the folder does not exist.</summary>
    /// <exception cref="IOException">The folder or a file cannot be read: nothing is known of what it holds.</exception>
    public IReadOnlyList<FoundManifest> Read()
    {
        var found = new List<FoundManifest>();
        foreach (var name in disk.List(path) ?? [])
        {
            if (!CheckpointManifest.TrySequence(Path.GetFileName(name), out var sequence)) continue;
            found.Add(ReadOne(sequence));
        }
        found.Sort(static (a, b) => b.Sequence.CompareTo(a.Sequence));
        return found;
    }

    /// <summary>Makes a manifest durable.</summary>
    public void Write(CheckpointManifest manifest, IFaultPoints? faults = null)
    {
        var temporary = Path.Combine(path, Unfinished);
        using (var file = disk.Create(temporary))
        {
            disk.Write(temporary, file, manifest.Encode(), 0);
            disk.Sync(temporary, file);
        }
        faults?.Reach("manifest-before-rename");
        disk.Rename(temporary, Path.Combine(path, manifest.FileName));
        faults?.Reach("manifest-after-rename");
        disk.SyncFolder(path);
    }

    /// <summary>Deletes a manifest, durably.</summary>
    public void Delete(long sequence)
    {
        disk.Delete(Path.Combine(path, CheckpointManifest.NameOf(sequence)));
        disk.SyncFolder(path);
    }

    private FoundManifest ReadOne(long sequence)
    {
        var file = Path.Combine(path, CheckpointManifest.NameOf(sequence));
        try
        {
            var bytes = disk.ReadAll(file) ?? throw new DamageException($"{file} vanished");
            var manifest = CheckpointManifest.Decode(file, bytes);
            return manifest.Sequence == sequence
                ? new FoundManifest(sequence, manifest, null)
                : new FoundManifest(sequence, null, new DamageException($"{file} is the manifest {manifest.Sequence}"));
        }
        catch (DamageException damage)
        {
            return new FoundManifest(sequence, null, damage);
        }
    }
}
