using System.Globalization;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Host.Persistence;

/// <summary>Where the partitions' record logs and manifests lie.</summary>
public static class StoreFolders
{
    private const string Name = "store";

    /// <summary>Folder of one partition of a lineage.</summary>
    public static string Of(string dataFolder, long lineage, int partition) =>
        Path.Combine(Of(dataFolder, lineage), partition.ToString(CultureInfo.InvariantCulture));

    /// <summary>Folder of a lineage.</summary>
    public static string Of(string dataFolder, long lineage) =>
        Path.Combine(dataFolder, Name, lineage.ToString(CultureInfo.InvariantCulture));

    /// <summary>
    /// Keeps other processes off the stores of a data folder, which must exist, until it is disposed. Where the log is embedded, the
    /// lock of its topic does.
    /// </summary>
    /// <exception cref="IOException">Another process works on them.</exception>
    public static FileStream Lock(string dataFolder) => FolderLock.Take(dataFolder, Name);

    /// <summary>Lineages and partitions that have a folder, ascending.</summary>
    /// <exception cref="IOException">A folder cannot be listed.</exception>
    public static IReadOnlyList<(long Lineage, int Partition)> In(string dataFolder, DiskOperations disk)
    {
        var found = new List<(long, int)>();
        foreach (var name in disk.List(Path.Combine(dataFolder, Name)) ?? [])
        {
            if (!long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var lineage)) continue;
            foreach (var below in disk.List(Of(dataFolder, lineage)) ?? [])
                if (int.TryParse(below, NumberStyles.None, CultureInfo.InvariantCulture, out var partition))
                    found.Add((lineage, partition));
        }
        found.Sort();
        return found;
    }
}
