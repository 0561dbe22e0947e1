using ReadStateStream.Host.Settings;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Snapshot.Files;
using ReadStateStream.Snapshot.None;

namespace ReadStateStream.Host.Persistence;

/// <summary>The snapshot store that the settings ask for.</summary>
public static class SnapshotStores
{
    /// <summary>Opens it; nothing is touched before its first call.</summary>
    public static ISnapshotStore Open(ProcessorSettings settings, IFaultPoints faults, TimeProvider time, ILogger logger)
    {
        void Say(SnapshotNotice notice) => logger.SnapshotNoticed(notice.Kind, notice.Partition.Lineage, notice.Partition.Number, notice.Detail);
        return settings.Snapshot.Store == SnapshotOptions.Files
            ? new FilesSnapshotStore(FilesOf(settings) with { Notice = Say, Reach = faults.Reach }, time)
            // Lineages are numbered in any case.
            : new NoneSnapshotStore(new FilesSnapshotOptions { Folder = Path.Combine(settings.Processor.DataFolder, "lineages"), Notice = Say }, time);
    }

    private static FilesSnapshotOptions FilesOf(ProcessorSettings settings)
    {
        var known = new KnownSnapshotStore(settings.Processor.DataFolder).Read();
        return new FilesSnapshotOptions { Folder = settings.Snapshot.Folder, ExpectedStoreId = known, CreateIfNew = known is null };
    }
}
