using System.Text.Json;

namespace ReadStateStream.Host.Persistence;

/// <summary>
/// Which snapshot store this data folder ships to, kept beside its log: an empty mount point in its place is then
/// not taken for a new one.
/// </summary>
public sealed class KnownSnapshotStore(string dataFolder)
{
    private readonly string path = Path.Combine(dataFolder, "snapshot-store.json");

    private sealed record Content(Guid StoreId);

    /// <summary>Its id; null where this data folder has not met one yet.</summary>
    /// <exception cref="Settings.SettingException">The file is no longer readable.</exception>
    public Guid? Read()
    {
        if (!File.Exists(path)) return null;
        try
        {
            return JsonSerializer.Deserialize<Content>(File.ReadAllBytes(path))?.StoreId;
        }
        catch (JsonException damaged)
        {
            throw new Settings.SettingException(
                $"{path}, which names the snapshot store of this data folder, cannot be read ({damaged.Message}): delete it if Snapshot__Folder is certainly the right one");
        }
    }

    /// <summary>Keeps it.</summary>
    public void Write(Guid storeId)
    {
        if (Read() == storeId) return;
        ReadStateStream.Snapshot.Disk.DiskOperations.Real.ReplaceDurably(path, JsonSerializer.SerializeToUtf8Bytes(new Content(storeId)));
    }
}
