using Microsoft.Win32.SafeHandles;

namespace ReadStateStream.Simulation.Disk;

/// <summary>
/// A disk as one process uses it. After the process died nothing reaches the disk any more: what its code does then
/// succeeds and has no effect, so that it comes to an end.
/// </summary>
internal sealed class DiskView(SimulatedDisk disk, ProcessLife life, Random random, Tally tally, Trace trace) : DiskOperations
{
    private readonly Dictionary<nint, SimulatedFile> open = [];
    private nint handles = 1 << 20;

    private const int DiskFull = 28;

    public SimulatedDisk Disk => disk;

    private bool IsOfSnapshots => disk.Name == "snapshots";

    /// <summary>Whether a write of the record log may fail now: FASTER must have room for what it still does in this step.</summary>
    public Func<bool> MayRefuseRecords { get; set; } = static () => true;

    /// <summary>Meets no error: the view of whoever judges.</summary>
    public bool Immune { get; init; }

    /// <summary>Told of errors after which read data may differ from what was written.</summary>
    public Action? OnDoubt { get; set; }

    /// <summary>Told of damage that was read.</summary>
    public Action<string>? OnDamageMet { get; set; }

    public override SafeFileHandle? Open(string path, bool create)
    {
        if (!Enter(DiskVerb.Open, path)) return Handle(disk.File(path) ?? (create ? new SimulatedFile() : null));
        var file = disk.File(path);
        if (file is null && !create) return null;
        if (file is null) Put(path, file = new SimulatedFile());
        return Handle(file);
    }

    public override SafeFileHandle? OpenDirect(string path) => null;

    public override SafeFileHandle? OpenRead(string path)
    {
        Enter(DiskVerb.Open, path);
        return Handle(disk.File(path));
    }

    public override SafeFileHandle Create(string path)
    {
        if (!Enter(DiskVerb.Open, path)) return Handle(new SimulatedFile())!;
        if (disk.File(path) is { } there) there.SetLength(0);
        else Put(path, new SimulatedFile());
        return Handle(disk.File(path))!;
    }

    private void Put(string path, SimulatedFile file) =>
        (disk.Folder(SimulatedDisk.FolderOf(path)) ?? throw new DirectoryNotFoundException($"no folder for '{path}'")).Put(Path.GetFileName(path), file);

    private SafeFileHandle? Handle(SimulatedFile? file)
    {
        if (file is null) return null;
        file.OnDamageMet = OnDamageMet;
        open[++handles] = file;
        return new SafeFileHandle(handles, ownsHandle: false);
    }

    private SimulatedFile FileOf(SafeFileHandle handle)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        return open[handle.DangerousGetHandle()];
    }

    public override int Read(string path, SafeFileHandle file, Span<byte> destination, long offset)
    {
        var alive = Enter(DiskVerb.Read, path, offset);
        return FileOf(file).Read(destination, offset, counts: alive);
    }

    public override long LengthOf(string path, SafeFileHandle file)
    {
        if (!life.IsDead) FileOf(file).NoteLengthAsked();
        return FileOf(file).Length;
    }

    public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        var target = FileOf(file);
        if (life.IsDead) return;
        trace.Add("write", path, offset, source.Length);
        if (life.DiesInOperation("write", IsOfSnapshots))
        {
            target.Write(source[..random.Next(source.Length + 1)], offset);
            return;
        }
        var mayRefuse = !Immune && (!IsRecords(path) || MayRefuseRecords());
        if (mayRefuse && disk.Faults.Take(DiskVerb.Write))
        {
            tally.Add(TallyGroup.Fault, "write error");
            target.Write(source[..random.Next(source.Length + 1)], offset);
            throw Error("write", path);
        }
        if (mayRefuse && disk.Faults.Capacity != long.MaxValue && offset + source.Length > target.Length
            && disk.Used + (offset + source.Length - target.Length) > disk.Faults.Capacity)
        {
            tally.Add(TallyGroup.Fault, "disk full");
            throw new IOException($"'{path}': no space left on the simulated disk", DiskFull);
        }
        target.Write(source, offset);
    }

    public override void Sync(string path, SafeFileHandle file)
    {
        var target = FileOf(file);
        if (!Enter(DiskVerb.Sync, path, onError: () => target.FailSync(random))) return;
        target.Sync();
    }

    public override void SetLength(string path, SafeFileHandle file, long length)
    {
        if (Enter(DiskVerb.Write, path)) FileOf(file).SetLength((int)length);
    }

    public override void Delete(string path)
    {
        if (Enter(DiskVerb.Delete, path)) disk.Folder(SimulatedDisk.FolderOf(path))?.Remove(Path.GetFileName(path));
    }

    public override IReadOnlyList<string>? List(string folder)
    {
        Enter(DiskVerb.List, folder);
        return disk.Folder(folder) is { } there ? [.. there.Files.Keys, .. there.Folders] : null;
    }

    public override void CreateFolder(string folder)
    {
        if (!life.IsDead) disk.CreateFolder(folder);
    }

    public override void DeleteFolder(string folder)
    {
        if (!Enter(DiskVerb.Delete, folder)) return;
        if (disk.Folder(folder) is { } there && there.Files.Count + there.Folders.Count > 0) throw Error("folder delete", folder);
        disk.DeleteFolder(folder);
    }

    public override void Rename(string from, string to)
    {
        if (!Enter(DiskVerb.Rename, to)) return;
        if (disk.File(from) is null) throw new FileNotFoundException("no such file", from);
        disk.Folder(SimulatedDisk.FolderOf(from))!.Move(Path.GetFileName(from), Path.GetFileName(to));
    }

    public override bool TryRename(string from, string to)
    {
        if (!Enter(DiskVerb.Rename, to)) return true;
        if (disk.File(to) is not null) return false;
        if (disk.File(from) is null) throw new FileNotFoundException("no such file", from);
        disk.Folder(SimulatedDisk.FolderOf(from))!.Move(Path.GetFileName(from), Path.GetFileName(to));
        return true;
    }

    public override void SyncFolder(string folder)
    {
        if (!Enter(DiskVerb.SyncFolder, folder)) return;
        if (disk.Folder(folder) is not { } there) throw new DirectoryNotFoundException($"no folder '{folder}'");
        there.Sync();
    }

    public override void Prefetch(SafeFileHandle file, long offset, long length)
    {
    }

    public override void Forget(SafeFileHandle file, long offset, long length)
    {
        if (!life.IsDead && FileOf(file).Forget(offset, length) > 0) tally.Add(TallyGroup.Fault, "failed fsync lost sectors");
    }

    /// <summary>False where the caller is a ghost, or becomes one now.</summary>
    private bool Enter(DiskVerb verb, string path, long at = 0, Action? onError = null)
    {
        if (life.IsDead) return false;
        trace.Add(Names[(int)verb], path, at);
        if (life.DiesInOperation(Names[(int)verb], IsOfSnapshots)) return false;
        if (Immune || (verb == DiskVerb.Open && IsRecords(path) && !MayRefuseRecords()) || !disk.Faults.Take(verb)) return true;
        tally.Add(TallyGroup.Fault, Errors[(int)verb]);
        onError?.Invoke();
        if (verb is DiskVerb.Read or DiskVerb.Open or DiskVerb.Sync) OnDoubt?.Invoke();
        throw Error(Names[(int)verb], path);
    }

    private static readonly string[] Names = [.. Enum.GetNames<DiskVerb>().Select(static name => name.ToLowerInvariant())];
    private static readonly string[] Errors = [.. Names.Select(static name => name + " error")];

    private static bool IsRecords(string path) => Path.GetFileName(path.AsSpan()).StartsWith("records.", StringComparison.Ordinal);

    private static IOException Error(string verb, string path) => new($"'{path}': a simulated {verb} error", 5);
}
