using System.Globalization;

namespace ReadStateStream.Host.Persistence;

/// <summary>Where the partitions' record logs and manifests lie.</summary>
public static class StoreFolders
{
    /// <summary>Folder of one partition of a lineage.</summary>
    public static string Of(string dataFolder, long lineage, int partition) => Path.Combine(
        dataFolder, "store", lineage.ToString(CultureInfo.InvariantCulture), partition.ToString(CultureInfo.InvariantCulture));
}
