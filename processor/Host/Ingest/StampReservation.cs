using System.Globalization;
using ReadStateStream.Host.Settings;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Host.Ingest;

/// <summary>
/// Keeps, in the data folder, an id above all that were stamped: a processor whose log does not tell them apart from others'
/// goes on above it after a restart. It is about a second ahead, so that it is written once a second at most.
/// </summary>
public sealed class StampReservation
{
    private const ulong Ahead = 1_000UL << 22;

    private readonly string path;
    private ulong reserved;

    /// <summary>That of a data folder.</summary>
    /// <exception cref="SettingException">The file is no longer readable.</exception>
    public StampReservation(string dataFolder)
    {
        path = Path.Combine(dataFolder, "event-ids");
        if (!File.Exists(path)) return;
        if (!ulong.TryParse(File.ReadAllText(path), NumberStyles.None, CultureInfo.InvariantCulture, out reserved))
            throw new SettingException($"{path}, below which event ids were given, cannot be read: delete it if the clock was not set back");
    }

    /// <summary>Ids up to this one may have been stamped; 0: none.</summary>
    public ulong Greatest => reserved;

    /// <summary>Before an id is used; one thread at a time.</summary>
    /// <exception cref="IOException">The folder cannot be written: the id must not be used.</exception>
    public void Reserve(ulong id)
    {
        if (id <= reserved) return;
        var next = Math.Min(id + Ahead, EventValidator.MaxId);
        DiskOperations.Real.ReplaceDurably(path, System.Text.Encoding.ASCII.GetBytes(next.ToString(CultureInfo.InvariantCulture)));
        reserved = next;
    }
}
