using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;

namespace ReadStateStream.Host.Verbs.Snapshots;

/// <summary>The snapshot store that keeps rows.</summary>
internal static class SnapshotFolder
{
    /// <exception cref="SettingException">The settings name none.</exception>
    public static void Require(ProcessorSettings settings)
    {
        if (settings.Snapshot.Store != SnapshotOptions.Files)
            throw new SettingException($"Snapshot__Store must be '{SnapshotOptions.Files}'; '{settings.Snapshot.Store}' keeps no rows");
    }
}
