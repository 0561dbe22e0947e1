using Microsoft.Win32.SafeHandles;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>A file that got a name, and the files of its folder with bytes that were not forced onto the disk by then.</summary>
internal sealed record NamedFile(string Name, IReadOnlyList<string> Unsynced);

/// <summary>The real disk, which a test may take away or fill up for a while; notes what is named before it is synced.</summary>
internal sealed class TroubledDisk : DiskOperations
{
    private readonly HashSet<string> unsynced = [];
    private readonly List<NamedFile> named = [];
    private readonly List<string> unsyncedNames = [];
    private readonly List<string> deletedTooEarly = [];

    /// <summary>Every file that was renamed, in order.</summary>
    public IReadOnlyList<NamedFile> Named => named;

    /// <summary>Names given in folders that were not forced onto the disk since.</summary>
    public IReadOnlyList<string> UnsyncedNames => unsyncedNames;

    /// <summary>Files deleted while a name in their folder was not on the disk: a power cut may take both.</summary>
    public IReadOnlyList<string> DeletedTooEarly => deletedTooEarly;

    /// <summary>Nothing answers: a volume that is not mounted, a server that is gone.</summary>
    public bool IsAway { get; set; }

    /// <summary>Nothing can be written or created.</summary>
    public bool IsFull { get; set; }

    /// <summary>After so many reads more it is away; null: it stays as it is.</summary>
    public int? ReadsUntilAway { get; set; }

    /// <summary>Operations that failed.</summary>
    public int Refused { get; private set; }

    private void Meet(bool takesSpace = false)
    {
        if (!IsAway && !(IsFull && takesSpace)) return;
        Refused++;
        throw IsAway ? new IOException("Input/output error", 5) : new IOException("No space left on device", 28);
    }

    public override SafeFileHandle? Open(string path, bool create)
    {
        Meet(create && !File.Exists(path));
        return base.Open(path, create);
    }

    public override SafeFileHandle? OpenRead(string path)
    {
        Meet();
        return base.OpenRead(path);
    }

    public override SafeFileHandle Create(string path)
    {
        Meet(takesSpace: true);
        return base.Create(path);
    }

    public override int Read(string path, SafeFileHandle file, Span<byte> destination, long offset)
    {
        if (ReadsUntilAway-- == 0) IsAway = true;
        Meet();
        return base.Read(path, file, destination, offset);
    }

    public override byte[]? ReadAll(string path)
    {
        Meet();
        return base.ReadAll(path);
    }

    public override long? Length(string path)
    {
        Meet();
        return base.Length(path);
    }

    public override IReadOnlyList<string>? List(string folder)
    {
        Meet();
        return base.List(folder);
    }

    public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        Meet(takesSpace: true);
        unsynced.Add(path);
        base.Write(path, file, source, offset);
    }

    public override void Sync(string path, SafeFileHandle file)
    {
        Meet();
        base.Sync(path, file);
        unsynced.Remove(path);
    }

    public override void CreateFolder(string folder)
    {
        Meet(takesSpace: !Directory.Exists(folder));
        base.CreateFolder(folder);
    }

    public override void Rename(string from, string to)
    {
        Meet();
        base.Rename(from, to);
        NoteNamed(from, to);
    }

    public override bool TryRename(string from, string to)
    {
        Meet();
        if (!base.TryRename(from, to)) return false;
        NoteNamed(from, to);
        return true;
    }

    private void NoteNamed(string from, string to)
    {
        if (unsynced.Remove(from)) unsynced.Add(to);
        unsyncedNames.Add(to);
        var folder = Path.GetDirectoryName(to);
        named.Add(new NamedFile(Path.GetFileName(to), [.. unsynced.Where(path => Path.GetDirectoryName(path) == folder).Select(path => Path.GetFileName(path))]));
    }

    public override void Delete(string path)
    {
        Meet();
        if (unsyncedNames.Exists(name => Path.GetDirectoryName(name) == Path.GetDirectoryName(path))) deletedTooEarly.Add(path);
        base.Delete(path);
        unsynced.Remove(path);
    }

    public override void SyncFolder(string folder)
    {
        Meet();
        base.SyncFolder(folder);
        unsyncedNames.RemoveAll(name => Path.GetDirectoryName(name) == folder);
    }
}
