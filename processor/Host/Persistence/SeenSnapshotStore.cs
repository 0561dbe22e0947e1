// The identity of the snapshot store that this machine's state was shipped to, in the data folder. Without it an empty
// mount point would be taken for a new, empty store: a volume that is not mounted is waited for instead.
using ReadStateStream.Host.Settings;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Snapshot.Files;

namespace ReadStateStream.Host.Persistence;

/// <summary>Remembers which `files` store was seen.</summary>
public static class SeenSnapshotStore
{
    /// <summary>Name of the file in the data folder; whoever means another store from now on deletes it.</summary>
    public const string FileName = "snapshot-store";

    /// <summary>The store that was seen; null: none yet.</summary>
    /// <exception cref="SettingException">The file cannot be read.</exception>
    public static Guid? Read(string dataFolder)
    {
        var path = Path.Combine(dataFolder, FileName);
        try
        {
            if (DiskOperations.Real.ReadAll(path) is not { } bytes) return null;
            if (Guid.TryParse(System.Text.Encoding.ASCII.GetString(bytes).Trim(), out var id)) return id;
            throw new SettingException($"'{path}' does not hold the identity of a snapshot store; delete it if Snapshot__Folder is the right one");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SettingException($"'{path}' cannot be read: {error.Message}");
        }
    }

    /// <summary>Notes the store, durably, where none was noted.</summary>
    /// <exception cref="SnapshotUnavailableException">The store, or the data folder's disk, does not answer.</exception>
    public static async Task NoteAsync(ISnapshotStore snapshots, string dataFolder, CancellationToken cancellation)
    {
        if (snapshots is not FilesSnapshotStore files || Read(dataFolder) is not null) return;
        var id = await files.ReadStoreIdAsync(cancellation).ConfigureAwait(false);
        var disk = DiskOperations.Real;
        var path = Path.Combine(dataFolder, FileName);
        var temporary = path + ".new";
        try
        {
            using (var file = disk.Create(temporary))
            {
                disk.Write(temporary, file, System.Text.Encoding.ASCII.GetBytes($"{id}\n"), 0);
                disk.Sync(temporary, file);
            }
            disk.Rename(temporary, path);
            disk.SyncFolder(dataFolder);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new SnapshotUnavailableException($"'{path}' cannot be written: {error.Message}", error);
        }
    }
}
