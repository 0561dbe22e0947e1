using Microsoft.Win32.SafeHandles;

namespace ReadStateStream.Crash.PowerCuts;

/// <summary>
/// A disk in memory that notes every operation, so that what a power cut leaves can be made up afterwards. One thread
/// at a time.
/// </summary>
internal sealed class TracedDisk : DiskOperations
{
    private readonly Dictionary<string, DiskNode> files = [];
    private readonly HashSet<string> folders = [];
    private readonly Dictionary<SafeFileHandle, DiskNode> open = [];
    private int handles;

    /// <summary>An empty disk.</summary>
    public TracedDisk() => folders.Add("/");

    /// <summary>A disk that holds what a power cut has left.</summary>
    public TracedDisk(IEnumerable<KeyValuePair<string, DiskNode>> files, IEnumerable<string> folders)
        : this()
    {
        this.files = new(files);
        this.folders.UnionWith(folders);
    }

    /// <summary>Everything done, in order.</summary>
    public List<DiskOperation> Trace { get; } = [];

    /// <summary>Notes that a position was called durable.</summary>
    public void Mark(long position, bool shipped) => Trace.Add(new PositionDurable(position, shipped));

    public override SafeFileHandle? Open(string path, bool create)
    {
        path = Path.GetFullPath(path);
        if (files.TryGetValue(path, out var file)) return HandleOf(file);
        return create ? Create(path) : null;
    }

    public override SafeFileHandle? OpenRead(string path) => Open(path, create: false);

    public override SafeFileHandle Create(string path)
    {
        path = Path.GetFullPath(path);
        var folder = FolderOf(path);
        if (!folders.Contains(folder)) throw new DirectoryNotFoundException(folder);
        if (folders.Contains(path)) throw new UnauthorizedAccessException(path);
        if (files.TryGetValue(path, out var file))
        {
            file.SetLength(0);
            Trace.Add(new LengthSet(file, 0));
            return HandleOf(file);
        }
        file = files[path] = new DiskNode();
        Trace.Add(new EntryChanged(folder, null, path, file));
        return HandleOf(file);
    }

    public override int Read(string path, SafeFileHandle file, Span<byte> destination, long offset)
    {
        var content = NodeOf(file).Content;
        if (offset >= content.Length) return 0;
        var length = (int)Math.Min(destination.Length, content.Length - offset);
        content.Slice((int)offset, length).CopyTo(destination);
        return length;
    }

    public override long LengthOf(string path, SafeFileHandle file) => NodeOf(file).Length;

    public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        var node = NodeOf(file);
        node.Write(offset, source);
        Trace.Add(new BytesWritten(node, offset, source.ToArray()));
    }

    public override void Sync(string path, SafeFileHandle file) => Trace.Add(new FileSynced(NodeOf(file)));

    public override void SetLength(string path, SafeFileHandle file, long length)
    {
        NodeOf(file).SetLength(length);
        Trace.Add(new LengthSet(NodeOf(file), length));
    }

    public override void Delete(string path)
    {
        path = Path.GetFullPath(path);
        if (files.Remove(path)) Trace.Add(new EntryChanged(FolderOf(path), path, null, null));
    }

    public override IReadOnlyList<string>? List(string folder)
    {
        folder = Path.GetFullPath(folder);
        if (files.ContainsKey(folder)) throw new IOException($"{folder} is a file");
        if (!folders.Contains(folder)) return null;
        return [.. files.Keys.Concat(folders).Where(path => path != "/" && FolderOf(path) == folder).Select(path => Path.GetFileName(path)!)];
    }

    public override void CreateFolder(string folder)
    {
        folder = Path.GetFullPath(folder);
        if (folders.Contains(folder)) return;
        CreateFolder(FolderOf(folder));
        folders.Add(folder);
        Trace.Add(new EntryChanged(FolderOf(folder), null, folder, null));
    }

    public override void DeleteFolder(string folder)
    {
        folder = Path.GetFullPath(folder);
        if (List(folder) is { Count: > 0 }) throw new IOException($"{folder} is not empty");
        if (folders.Remove(folder)) Trace.Add(new EntryChanged(FolderOf(folder), folder, null, null));
    }

    public override void Rename(string from, string to)
    {
        (from, to) = (Path.GetFullPath(from), Path.GetFullPath(to));
        if (!files.Remove(from, out var file)) throw new FileNotFoundException(from);
        if (FolderOf(from) != FolderOf(to)) throw new NotSupportedException("the product renames within a folder");
        files[to] = file;
        Trace.Add(new EntryChanged(FolderOf(to), from, to, file));
    }

    public override bool TryRename(string from, string to)
    {
        if (files.ContainsKey(Path.GetFullPath(to))) return false;
        Rename(from, to);
        return true;
    }

    public override void SyncFolder(string folder)
    {
        folder = Path.GetFullPath(folder);
        if (!folders.Contains(folder)) throw new DirectoryNotFoundException(folder);
        Trace.Add(new FolderSynced(folder));
    }

    public override void Prefetch(SafeFileHandle file, long offset, long length)
    {
        // It is in memory.
    }

    public override void Forget(SafeFileHandle file, long offset, long length)
    {
        // It is in memory.
    }

    private static string FolderOf(string path) => Path.GetDirectoryName(path)!;

    // The handle is a name only: every operation that takes one is overridden here.
    private SafeFileHandle HandleOf(DiskNode file)
    {
        var handle = new SafeFileHandle(new IntPtr(++handles), ownsHandle: false);
        open[handle] = file;
        return handle;
    }

    private DiskNode NodeOf(SafeFileHandle handle)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed, handle);
        return open[handle];
    }
}
