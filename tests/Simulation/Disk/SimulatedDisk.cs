// A disk in memory that outlives the processes using it: files, folders, and which of it would survive a power cut.
//
// Invariants:
// - What is not synced may be kept, dropped or torn, each sector and each entry of a folder by itself, and in any order.
// - Nothing is real: no file of the machine is touched.
namespace ReadStateStream.Simulation.Disk;

/// <summary>A folder with its entries as shown, as on the disk, and the changes between the two.</summary>
internal sealed class SimulatedFolder
{
    public SortedDictionary<string, SimulatedFile> Files { get; } = new(StringComparer.Ordinal);

    public SortedSet<string> Folders { get; } = new(StringComparer.Ordinal);

    private readonly SortedDictionary<string, SimulatedFile> syncedFiles = new(StringComparer.Ordinal);
    private readonly SortedSet<string> syncedFolders = new(StringComparer.Ordinal);
    private readonly List<Change> changes = [];

    /// <summary>An entry came, went or moved.</summary>
    private sealed record Change(string? Gone, string? Come, SimulatedFile? File);

    public void Put(string name, SimulatedFile file)
    {
        Files[name] = file;
        changes.Add(new Change(null, name, file));
    }

    public void Remove(string name)
    {
        if (Files.Remove(name)) changes.Add(new Change(name, null, null));
    }

    public void Move(string from, string to)
    {
        Files.Remove(from, out var file);
        Files[to] = file!;
        changes.Add(new Change(from, to, file));
    }

    public void AddFolder(string name)
    {
        if (Folders.Add(name)) changes.Add(new Change(null, name, null));
    }

    public void RemoveFolder(string name)
    {
        Folders.Remove(name);
        syncedFolders.Remove(name);
        changes.RemoveAll(change => change.File is null && change.Come == name);
    }

    public void Sync()
    {
        syncedFiles.Clear();
        foreach (var (name, file) in Files) syncedFiles[name] = file;
        syncedFolders.UnionWith(Folders);
        changes.Clear();
    }

    /// <summary>What a power cut leaves; the number of changes that are gone.</summary>
    public int CutPower(Random random)
    {
        var style = random.Next(4);
        var upTo = random.Next(changes.Count + 1);
        var dropped = 0;
        for (var i = 0; i < changes.Count; i++)
        {
            var keep = style switch { 0 => false, 1 => true, 2 => i < upTo, _ => random.Next(2) == 0 };
            if (!keep)
            {
                dropped++;
                continue;
            }
            var (gone, come, file) = changes[i];
            if (gone is not null) syncedFiles.Remove(gone);
            if (come is not null && file is not null) syncedFiles[come] = file;
            else if (come is not null) syncedFolders.Add(come);
        }
        changes.Clear();
        Files.Clear();
        foreach (var (name, file) in syncedFiles) Files[name] = file;
        Folders.Clear();
        Folders.UnionWith(syncedFolders);
        return dropped;
    }
}

/// <summary>The disk; views of it are what processes use.</summary>
internal sealed class SimulatedDisk
{
    private readonly SortedDictionary<string, SimulatedFolder> folders = new(StringComparer.Ordinal);

    public SimulatedDisk(string name)
    {
        Name = name;
        folders["/"] = new SimulatedFolder();
    }

    public string Name { get; }

    public DiskFaults Faults { get; } = new();

    /// <summary>Bytes of all files.</summary>
    public long Used => folders.Values.Sum(static folder => folder.Files.Values.Sum(static file => (long)file.Length));

    public SimulatedFolder? Folder(string path) => folders.GetValueOrDefault(path);

    public SimulatedFile? File(string path) => Folder(FolderOf(path))?.Files.GetValueOrDefault(Path.GetFileName(path));

    /// <summary>All files by path.</summary>
    public IEnumerable<(string Path, SimulatedFile File)> AllFiles =>
        from folder in folders from file in folder.Value.Files select (Path.Combine(folder.Key, file.Key), file.Value);

    public static string FolderOf(string path) => Path.GetDirectoryName(path) ?? "/";

    public void CreateFolder(string path)
    {
        if (folders.ContainsKey(path)) return;
        var above = FolderOf(path);
        CreateFolder(above);
        folders[above].AddFolder(Path.GetFileName(path));
        folders[path] = new SimulatedFolder();
    }

    public void DeleteFolder(string path)
    {
        if (!folders.Remove(path)) return;
        Folder(FolderOf(path))?.RemoveFolder(Path.GetFileName(path));
    }

    /// <summary>Folders above included, everything of it is on the disk: as an operator prepared it.</summary>
    public void Prepare(string path)
    {
        CreateFolder(path);
        for (var at = path; at != "/"; at = FolderOf(at)) folders[FolderOf(at)].Sync();
    }

    /// <summary>The power goes: (sectors, entries) that are not as they were shown.</summary>
    public (int Sectors, int Entries) CutPower(Random random)
    {
        var entries = 0;
        var sectors = 0;
        foreach (var path in folders.Keys.ToList())
        {
            if (!folders.TryGetValue(path, out var folder)) continue;
            if (path != "/" && folders.GetValueOrDefault(FolderOf(path))?.Folders.Contains(Path.GetFileName(path)) != true)
            {
                folders.Remove(path);
                continue;
            }
            entries += folder.CutPower(random);
            foreach (var file in folder.Files.Values) sectors += file.CutPower(random);
        }
        return (sectors, entries);
    }
}
