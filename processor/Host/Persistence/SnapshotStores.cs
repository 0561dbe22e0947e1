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
        return Open(settings, FilesOf(settings) with { Notice = Say, Reach = faults.Reach }, time);
    }

    /// <summary>The same with other options for its files.</summary>
    public static ISnapshotStore Open(ProcessorSettings settings, FilesSnapshotOptions files, TimeProvider time) =>
        settings.Snapshot.Store == SnapshotOptions.Files ? new FilesSnapshotStore(files, time) : new NoneSnapshotStore(files, time);

    /// <summary>Where its files lie. Lineages are numbered in any case: beside the log where no rows are kept.</summary>
    public static FilesSnapshotOptions FilesOf(ProcessorSettings settings)
    {
        if (settings.Snapshot.Store != SnapshotOptions.Files)
            return new FilesSnapshotOptions { Folder = Path.Combine(settings.Processor.DataFolder, "lineages") };
        // A data folder that has met its store takes no other for it, and no empty mount point.
        var known = new KnownSnapshotStore(settings.Processor.DataFolder).Read();
        return new FilesSnapshotOptions { Folder = settings.Snapshot.Folder, ExpectedStoreId = known, CreateIfNew = known is null };
    }
}
