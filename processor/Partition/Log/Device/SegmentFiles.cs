using System.Globalization;
using Microsoft.Win32.SafeHandles;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Partition.Log;

/// <summary>One open segment file.</summary>
/// <param name="path">Its path.</param>
/// <param name="handle">Through the system's cache.</param>
/// <param name="direct">Past it; null where that is not wanted, or the system cannot.</param>
internal sealed class SegmentFile(string path, SafeFileHandle handle, SafeFileHandle? direct)
{
    private volatile bool refused;

    public string Path { get; } = path;

    public SafeFileHandle Handle { get; } = handle;

    /// <summary>Past the system's cache; null where the system cannot.</summary>
    public SafeFileHandle? Direct => refused ? null : direct;

    /// <summary>All goes through the system's cache from now on.</summary>
    public void GiveUpDirect() => refused = true;

    public void Close()
    {
        Handle.Dispose();
        direct?.Dispose();
    }

    /// <summary>Whether it was closed under its user, who then asks for it again.</summary>
    public bool IsClosed => Handle.IsClosed;

    /// <summary>Number of its last use, to find the least recently used.</summary>
    public long LastUse { get; set; }
}

/// <summary>
/// The segment files of one device: <c>prefix.0</c>, <c>prefix.1</c> … (or <c>prefix</c> alone), opened on
/// demand, a bounded number at once. Thread-safe. A file given out may be closed at any time (LRU, reset,
/// removal); whoever meets ObjectDisposedException asks again, and after <see cref="Dispose"/> gets it from there.
/// </summary>
internal sealed class SegmentFiles(string prefix, FileDeviceOptions options) : IDisposable
{
    private readonly string _folder = Path.GetDirectoryName(Path.GetFullPath(prefix))!;
    private readonly string _name = Path.GetFileName(prefix);
    private readonly Lock _lock = new();
    private readonly Dictionary<int, SegmentFile> _open = [];
    private readonly HashSet<int> _unsynced = [];
    private bool _folderUnsynced;
    private long _uses;
    private bool _disposed;

    /// <summary>Set where FASTER asks for a single file without a number.</summary>
    public bool OmitNumber { get; set; }

    public string PathOf(int segment) =>
        OmitNumber ? prefix : string.Create(CultureInfo.InvariantCulture, $"{prefix}.{segment}");

    /// <summary>The segment's file; null where it does not exist and <paramref name="create"/> is false.</summary>
    public SegmentFile? Get(int segment, bool create)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_open.TryGetValue(segment, out var found))
            {
                found = OpenFile(segment, create);
                if (found is null) return null;
                CloseOldest();
                _open[segment] = found;
            }
            found.LastUse = ++_uses;
            return found;
        }
    }

    private SegmentFile? OpenFile(int segment, bool create)
    {
        var path = PathOf(segment);
        if (create && options.Disk.Length(path) is null)
        {
            options.Disk.CreateFolder(_folder);
            _folderUnsynced = true;
        }
        return options.Disk.Open(path, create) is { } handle
            ? new SegmentFile(path, handle, options.Direct ? options.Disk.OpenDirect(path) : null) : null;
    }

    private void CloseOldest()
    {
        if (_open.Count < options.MaxOpenSegments) return;
        var oldest = _open.MinBy(static entry => entry.Value.LastUse);
        _open.Remove(oldest.Key);
        oldest.Value.Close();
    }

    /// <summary>Reads up to the span's length, fewer only at the file's end; -1 where there is no file.</summary>
    /// <param name="segment">Number of the segment.</param>
    /// <param name="offset">Where in it.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="direct">From the disk itself, as far as the system does that for this place in the file and in memory.</param>
    public int Read(int segment, long offset, Span<byte> destination, bool direct = false)
    {
        direct &= AlignedBuffer.IsAligned(destination, offset);
        while (true)
        {
            if (Get(segment, create: false) is not { } file) return -1;
            var past = direct ? file.Direct : null;
            try
            {
                return options.Disk.Read(file.Path, past ?? file.Handle, destination, offset);
            }
            catch (ObjectDisposedException) when (file.IsClosed)
            {
                // Closed as the least recently used: it is opened again.
            }
            catch (IOException e) when (past is not null && DiskOperations.IsRefused(e))
            {
                file.GiveUpDirect();
            }
        }
    }

    /// <summary>
    /// Writes all bytes; notes nothing. Past the system's cache where that was asked for, and the system does it for this
    /// place in the file and in memory.
    /// </summary>
    public void Write(int segment, long offset, ReadOnlySpan<byte> source)
    {
        while (true)
        {
            var file = Get(segment, create: true)!;
            var direct = AlignedBuffer.IsAligned(source, offset) ? file.Direct : null;
            try
            {
                options.Disk.Write(file.Path, direct ?? file.Handle, source, offset);
                return;
            }
            catch (ObjectDisposedException) when (file.IsClosed)
            {
                // As above.
            }
            catch (IOException e) when (direct is not null && DiskOperations.IsRefused(e))
            {
                file.GiveUpDirect();
            }
        }
    }

    /// <summary>Asks the system to read ahead.</summary>
    public void Prefetch(int segment, long offset, long length)
    {
        try
        {
            if (Get(segment, create: false) is { } file) options.Disk.Prefetch(file.Handle, offset, length);
        }
        catch (ObjectDisposedException)
        {
            // Closed as the least recently used: the read itself opens it again.
        }
    }

    /// <summary>Asks the system to read the next bytes from the disk itself; they must be synced.</summary>
    public void Forget(int segment, long offset, long length)
    {
        try
        {
            if (Get(segment, create: false) is { } file) options.Disk.Forget(file.Handle, offset, length);
        }
        catch (ObjectDisposedException)
        {
            // Closed as the least recently used: only advice is lost.
        }
    }

    /// <summary>Notes a write that is not yet known to be on the disk.</summary>
    public void NoteWritten(int segment)
    {
        lock (_lock) _unsynced.Add(segment);
    }

    /// <summary>Syncs the folder if a file was created or removed in it since the last time.</summary>
    public void SyncFolderIfChanged()
    {
        lock (_lock)
        {
            if (!_folderUnsynced) return;
            options.Disk.SyncFolder(_folder);
            _folderUnsynced = false;
        }
    }

    /// <summary>Segments written since the last call or sync of all; whoever takes them syncs them, or notes them again.</summary>
    public int[] TakeUnsynced()
    {
        lock (_lock)
        {
            int[] segments = [.. _unsynced];
            _unsynced.Clear();
            return segments;
        }
    }

    /// <summary>Syncs every segment written since the last call, then the folder.</summary>
    public void SyncAll()
    {
        var segments = TakeUnsynced();
        try
        {
            foreach (var segment in segments) Sync(segment);
            SyncFolderIfChanged();
        }
        catch
        {
            // A later flush has to try these again: success may not be claimed for them.
            lock (_lock) _unsynced.UnionWith(segments);
            throw;
        }
    }

    /// <summary>Syncs one segment; nothing where it has no file.</summary>
    public void Sync(int segment)
    {
        while (true)
        {
            var file = Get(segment, create: false);
            if (file is null) return;
            try
            {
                options.Disk.Sync(file.Path, file.Handle);
                return;
            }
            catch (ObjectDisposedException) when (file.IsClosed)
            {
                // Closed as the least recently used between the two calls.
            }
        }
    }

    /// <summary>Numbers of the segments that exist, ascending.</summary>
    public List<int> List()
    {
        List<int> numbers = [];
        foreach (var name in options.Disk.List(_folder) ?? [])
            if (name.Length > _name.Length && name[_name.Length] == '.' && name.StartsWith(_name, StringComparison.Ordinal)
                && int.TryParse(name.AsSpan(_name.Length + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                numbers.Add(number);
        numbers.Sort();
        return numbers;
    }

    /// <summary>Length of a segment's file, bytes; 0 where it has none.</summary>
    public long LengthOf(int segment) => options.Disk.Length(PathOf(segment)) ?? 0;

    public void Remove(int segment)
    {
        Close(segment);
        options.Disk.Delete(PathOf(segment));
        // A reader may have opened it in between: its handle would keep the space.
        Close(segment);
        lock (_lock)
        {
            _unsynced.Remove(segment);
            _folderUnsynced = true;
        }
    }

    public void SetLength(int segment, long length)
    {
        if (Get(segment, create: false) is not { } file) return;
        options.Disk.SetLength(file.Path, file.Handle, length);
        options.Disk.Sync(file.Path, file.Handle);
    }

    private void Close(int segment)
    {
        lock (_lock)
            if (_open.Remove(segment, out var found))
                found.Close();
    }

    /// <summary>Closes all files, and deletes them where they are scratch.</summary>
    public void CloseAll()
    {
        lock (_lock)
        {
            foreach (var segment in _open.Values) segment.Close();
            _open.Clear();
        }
        if (!options.DeleteOnClose) return;
        foreach (var segment in OmitNumber ? [0] : List()) options.Disk.Delete(PathOf(segment));
    }

    /// <summary>Closes all files for good.</summary>
    public void Dispose()
    {
        lock (_lock) _disposed = true;
        CloseAll();
    }
}
