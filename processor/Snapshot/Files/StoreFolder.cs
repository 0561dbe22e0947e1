// The root folder of a `files` or `none` store.
//
// Invariants:
// - The marker is the last thing written when a store is created, and is looked at by every call: a folder without
//   it is not an empty store, it is a store that is not reachable (a volume that is not mounted).
// - Only an absent or empty folder becomes a new store.
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Snapshot.Files;

/// <summary>The root folder with its marker. Thread-safe.</summary>
internal sealed class StoreFolder(FilesSnapshotOptions options)
{
    public const string MarkerName = "readstate-snapshot.json";
    private const string MarkerKind = "snapshot-store";
    private const int Format = 1;

    private sealed record Marker(Guid StoreId, int FormatVersion);

    private readonly Lock _creating = new();
    private Guid? _seen = options.ExpectedStoreId;

    private string MarkerPath => Path.Combine(options.Folder, MarkerName);

    private DiskOperations Disk => options.Disk;

    /// <summary>Makes sure that the store is there, or creates it where it is new; its identity.</summary>
    /// <exception cref="SnapshotUnavailableException">The folder is not there, or is not the one seen before.</exception>
    /// <exception cref="SnapshotDamagedException">The marker fails its checksum.</exception>
    public Guid Attach()
    {
        if (Read() is not { } marker)
        {
            if (_seen is not null) throw new SnapshotUnavailableException($"'{MarkerPath}' is gone: the volume is not there, or was emptied.");
            lock (_creating) marker = Read() ?? Create();
        }
        if (marker.FormatVersion != Format)
            throw new SnapshotUnavailableException($"'{options.Folder}' has format {marker.FormatVersion}; this version reads {Format}.");
        if (_seen is { } seen && seen != marker.StoreId)
            throw new SnapshotUnavailableException($"'{options.Folder}' holds store {marker.StoreId}, not {seen}.");
        _seen = marker.StoreId;
        return marker.StoreId;
    }

    private Marker? Read() => SealedFile.Read<Marker>(Disk, MarkerKind, MarkerPath);

    private Marker Create()
    {
        if (!options.CreateIfNew) throw new SnapshotUnavailableException($"'{MarkerPath}' is not there, and this process creates no store.");
        // What a former attempt left behind is all that may lie here.
        if (Disk.List(options.Folder) is { } names && names.FirstOrDefault(static name => !IsTemporary(name)) is { } other)
        {
            // Another process may have been quicker.
            return Read() ?? throw new SnapshotUnavailableException($"'{options.Folder}' holds '{other}' but no {MarkerName}: it is no snapshot store.");
        }
        Disk.CreateFolderDurably(options.Folder);
        var marker = new Marker(options.NewId(), Format);
        var temporary = Path.Combine(options.Folder, $"tmp.{options.NewId():N}");
        if (SealedFile.TryCreate(Disk, temporary, MarkerPath, SealedFile.Seal(MarkerKind, marker))) return marker;
        return Read() ?? throw new SnapshotUnavailableException($"'{MarkerPath}' came and went.");
    }

    private static bool IsTemporary(string name) => name.StartsWith("tmp.", StringComparison.Ordinal);

    /// <summary>Creates a folder below the root, step by step, each step durable.</summary>
    public void CreateFolders(params string[] steps) => Disk.CreateFolderDurably(Path.Combine([options.Folder, .. steps]));
}
