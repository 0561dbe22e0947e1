// Lineages of a `files` or `none` store: lineages/lineage.<n> (identity, first settings), answers.<n> (settings since),
// dropped.<n>, partition.<n>.<p> (rows of that partition have been begun).
//
// Invariants:
// - lineage.<n> is created by exclusive rename and never deleted, so no number is given twice.
// - Numbers are dense: one below the greatest seen in any name that has no file is damaged, not absent.
// - A lineage is dropped once dropped.<n> is durable; its rows go after that.
// - After partition.<n>.<p> exists, a partition without a catalog is damaged, not new.
using System.Globalization;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Snapshot.Files;

/// <summary>The lineages of a store. Thread-safe.</summary>
internal sealed class LineageFolder(FilesSnapshotOptions options, StoreFolder root, TimeProvider time)
{
    private const string FolderName = "lineages";
    private const string LineageKind = "lineage";
    private const string AnswersKind = "answers";

    private static readonly HashSet<string> Prefixes = ["lineage", "answers", "dropped", "partition"];

    private sealed record Settings(AnswerSettings Answers);

    private string Folder { get; } = Path.Combine(options.Folder, FolderName);

    private DiskOperations Disk => options.Disk;

    private string PathOf(string prefix, long number) => Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"{prefix}.{number}"));

    private string Temporary() => Path.Combine(Folder, $"tmp.{options.NewId():N}");

    /// <summary>The greatest number given so far, and those that were dropped.</summary>
    private (long Greatest, HashSet<long> Dropped) Numbers()
    {
        var greatest = LineageEntry.FirstNumber - 1;
        HashSet<long> dropped = [];
        foreach (var name in Disk.List(Folder) ?? [])
        {
            var parts = name.Split('.');
            if (parts.Length < 2 || !Prefixes.Contains(parts[0])
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) continue;
            greatest = Math.Max(greatest, number);
            if (parts[0] == "dropped") dropped.Add(number);
        }
        return (greatest, dropped);
    }

    public List<LineageEntry> List()
    {
        var (greatest, dropped) = Numbers();
        List<LineageEntry> entries = [];
        for (var number = LineageEntry.FirstNumber; number <= greatest; number++)
            if (!dropped.Contains(number))
                entries.Add(Read(number));
        return entries;
    }

    private LineageEntry Read(long number)
    {
        var path = PathOf("lineage", number);
        var entry = SealedFile.Read<LineageEntry>(Disk, LineageKind, path) ?? throw new SnapshotDamagedException($"'{path}' is missing.");
        if (entry.Number != number) throw new SnapshotDamagedException($"'{path}' is of lineage {entry.Number}.");
        return SealedFile.Read<Settings>(Disk, AnswersKind, PathOf("answers", number)) is { } settings
            ? entry with { Answers = settings.Answers }
            : entry;
    }

    public LineageEntry Create(LineageIdentity identity, AnswerSettings answers)
    {
        root.CreateFolders(FolderName);
        for (var number = Numbers().Greatest + 1; number <= LineageEntry.LastNumber; number++)
        {
            var entry = new LineageEntry(number, identity, answers, time.GetUtcNow().ToUnixTimeMilliseconds());
            if (SealedFile.TryCreate(Disk, Temporary(), PathOf("lineage", number), SealedFile.Seal(LineageKind, entry))) return entry;
        }
        throw new SnapshotUnavailableException($"all lineages up to {LineageEntry.LastNumber} have been given");
    }

    public void Describe(long lineage, AnswerSettings answers)
    {
        Require(lineage);
        Disk.ReplaceDurably(PathOf("answers", lineage), SealedFile.Seal(AnswersKind, new Settings(answers)), Temporary());
    }

    /// <exception cref="LineageGoneException">The lineage was dropped, or never created.</exception>
    /// <exception cref="SnapshotDamagedException">It was created, but its file is missing.</exception>
    public void Require(long lineage)
    {
        if (Disk.Length(PathOf("dropped", lineage)) is not null) throw new LineageGoneException(lineage);
        if (Disk.Length(PathOf("lineage", lineage)) is not null) return;
        if (lineage < LineageEntry.FirstNumber || lineage > Numbers().Greatest) throw new LineageGoneException(lineage);
        throw new SnapshotDamagedException($"'{PathOf("lineage", lineage)}' is missing.");
    }

    /// <summary>Writes the tombstone; false where no such number was ever given.</summary>
    public bool TryBury(long lineage)
    {
        if (lineage < LineageEntry.FirstNumber || lineage > Numbers().Greatest) return false;
        Note(PathOf("dropped", lineage));
        return true;
    }

    private string PartitionPath(SnapshotPartition partition) =>
        Path.Combine(Folder, string.Create(CultureInfo.InvariantCulture, $"partition.{partition.Lineage}.{partition.Number}"));

    /// <summary>Whether a catalog of this partition was once durable.</summary>
    public bool HasBegun(SnapshotPartition partition) => Disk.Length(PartitionPath(partition)) is not null;

    public void NoteBegun(SnapshotPartition partition) => Note(PartitionPath(partition));

    // The name says it all: nothing in the file can be damaged. Synced also where it exists: whoever created it may
    // have failed before it was durable.
    private void Note(string path)
    {
        Disk.Open(path, create: true)!.Dispose();
        Disk.SyncFolder(Folder);
    }
}
