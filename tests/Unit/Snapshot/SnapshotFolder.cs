using ReadStateStream.Snapshot.Files;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>A scratch folder for a `files` store.</summary>
internal sealed class SnapshotFolder : IDisposable
{
    public string Path { get; } = System.IO.Path.Combine(Directory.CreateTempSubdirectory("rss-snapshot-").FullName, "store");

    /// <summary>Small, so that few rows make blocks, parts and merges.</summary>
    public FilesSnapshotOptions Options => new()
    {
        Folder = Path,
        BlockBytes = 512,
        SortBytes = 4096,
        SmallRunBytes = 256,
        MergeBytesMin = 4096,
        Inline = true,
        Disk = new UnsyncedDisk(),
    };

    public string Rows(SnapshotPartition partition) => System.IO.Path.Combine(Path, "rows", $"{partition.Lineage}", $"{partition.Number}");

    public FilesSnapshotStore Open(Func<FilesSnapshotOptions, FilesSnapshotOptions>? change = null) =>
        new(change is null ? Options : change(Options), TimeProvider.System);

    public SnapshotFolder Copy()
    {
        var copy = new SnapshotFolder();
        Directory.CreateDirectory(copy.Path);
        foreach (var folder in Directory.EnumerateDirectories(Path, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(folder.Replace(Path, copy.Path, StringComparison.Ordinal));
        foreach (var file in Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories))
            File.Copy(file, file.Replace(Path, copy.Path, StringComparison.Ordinal));
        return copy;
    }

    public void Dispose() => Directory.Delete(System.IO.Path.GetDirectoryName(Path)!, recursive: true);

    /// <summary>The real disk without waiting for it: what counts here is the order of operations.</summary>
    private sealed class UnsyncedDisk : DiskOperations
    {
        public override void Sync(string path, Microsoft.Win32.SafeHandles.SafeFileHandle file)
        {
        }

        public override void SyncFolder(string folder)
        {
        }
    }
}
