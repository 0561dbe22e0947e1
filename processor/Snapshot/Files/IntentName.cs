// An intent is an empty file: intent.<position>.<hash>.<append time>.<written>.<crc32c>. The name is the content, so it
// is there whole or not at all, and nothing in it can be torn.
using System.Globalization;
using System.Text;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Names of intents.</summary>
internal static class IntentName
{
    public static string Of(in SnapshotMark mark)
    {
        var name = string.Create(CultureInfo.InvariantCulture,
            $"{PartitionNames.IntentPrefix}{mark.Position}.{mark.Fingerprint.Hash:x16}.{mark.Fingerprint.AppendedUnixMs}.{mark.WrittenUnixMs}");
        return string.Create(CultureInfo.InvariantCulture, $"{name}.{ChecksumOf(name):x8}");
    }

    private static uint ChecksumOf(string name) => Crc32C.Of(Encoding.ASCII.GetBytes(name));

    /// <summary>Whether a file is an intent, and of what.</summary>
    /// <exception cref="SnapshotDamagedException">It is one whose name fails its checksum.</exception>
    public static bool TryRead(string name, out SnapshotMark mark)
    {
        mark = default;
        if (!name.StartsWith(PartitionNames.IntentPrefix, StringComparison.Ordinal)) return false;
        var parts = name.Split('.');
        if (parts.Length == 6
            && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            && ulong.TryParse(parts[2], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hash)
            && long.TryParse(parts[3], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var appended)
            && long.TryParse(parts[4], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var written))
        {
            mark = new SnapshotMark(position, new RecordFingerprint(hash, appended), written);
            if (name == Of(mark)) return true;
        }
        throw new SnapshotDamagedException($"The name of the intent '{name}' fails its checksum.");
    }
}
