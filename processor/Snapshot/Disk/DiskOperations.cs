using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReadStateStream.Snapshot.Disk;

/// <summary>
/// The disk as everything durable uses it: the event log, the store's device, manifests and the `files` snapshot
/// store. The methods are virtual so that a test or the simulator can stand between: fail them, hold them, or
/// record what was written and not yet synced. Thread-safe.
/// </summary>
/// <remarks>
/// What is not there is told by null, and only that: a folder that may not be read, an I/O error, a name in the
/// way is an <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>, never "does not exist".
/// </remarks>
public partial class DiskOperations
{
    /// <summary>The real disk.</summary>
    public static DiskOperations Real { get; } = new();

    /// <summary>Opens a file for reading and writing; null where it does not exist and is not to be created.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public virtual SafeFileHandle? Open(string path, bool create) =>
        OpenOrNull(path, create ? FileMode.OpenOrCreate : FileMode.Open, FileAccess.ReadWrite);

    /// <summary>Opens a file for reading alone, as on a volume mounted read-only; null where it does not exist.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public virtual SafeFileHandle? OpenRead(string path) => OpenOrNull(path, FileMode.Open, FileAccess.Read);

    /// <summary>Creates a file, or empties the one that is there. Its folder must exist.</summary>
    /// <exception cref="IOException">The file cannot be created.</exception>
    public virtual SafeFileHandle Create(string path) =>
        File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>
    /// Opens a file that is there for reading and writing past the system's cache: whole blocks in the file and in memory
    /// only, see <see cref="IsRefused"/>. Null where the system or the file system cannot.
    /// </summary>
    public virtual SafeFileHandle? OpenDirect(string path)
    {
        if (!OperatingSystem.IsLinux() || DirectFlag is not { } direct) return null;
        var descriptor = NativeOpen(path, ReadWrite | CloseOnExec | direct);
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>O_DIRECT, a number of its own on each architecture; null where it is not known.</summary>
    private static int? DirectFlag => RuntimeInformation.ProcessArchitecture switch
    {
        Architecture.X64 => 0x4000,
        Architecture.Arm64 => 0x10000,
        _ => null,
    };

    /// <summary>An error of what <see cref="OpenDirect"/> opened: not in this way.</summary>
    public static bool IsRefused(IOException error) => error.HResult == InvalidArgument;

    private static SafeFileHandle? OpenOrNull(string path, FileMode mode, FileAccess access)
    {
        try
        {
            return File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (mode == FileMode.Open && e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Reads up to the span's length; fewer only at the file's end.</summary>
    public virtual int Read(string path, SafeFileHandle file, Span<byte> destination, long offset)
    {
        var total = 0;
        while (total < destination.Length)
        {
            var read = RandomAccess.Read(file, destination[total..], offset + total);
            if (read == 0) break;
            total += read;
        }
        return total;
    }

    /// <summary>A whole small file; null where it does not exist.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public virtual byte[]? ReadAll(string path)
    {
        using var file = OpenRead(path);
        if (file is null) return null;
        var bytes = new byte[LengthOf(path, file)];
        var read = Read(path, file, bytes, 0);
        return read == bytes.Length ? bytes : bytes[..read];
    }

    /// <summary>Length of an open file, bytes.</summary>
    public virtual long LengthOf(string path, SafeFileHandle file) => RandomAccess.GetLength(file);

    /// <summary>Writes all bytes; they may still be in the operating system's cache.</summary>
    public virtual void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset) =>
        RandomAccess.Write(file, source, offset);

    /// <summary>Forces what was written to this file onto the disk.</summary>
    public virtual void Sync(string path, SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    /// <summary>Cuts a file to a length in bytes.</summary>
    public virtual void SetLength(string path, SafeFileHandle file, long length) => RandomAccess.SetLength(file, length);

    /// <summary>Deletes a file; no error where it does not exist.</summary>
    public virtual void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (DirectoryNotFoundException)
        {
            // Gone with its folder.
        }
    }

    /// <summary>Length of a file by name, bytes; null where there is none.</summary>
    /// <exception cref="IOException">It cannot be found out.</exception>
    public virtual long? Length(string path)
    {
        // Opened rather than asked for: the framework says "does not exist" of what it may not see, too.
        using var file = OpenRead(path);
        return file is null ? null : LengthOf(path, file);
    }

    /// <summary>Names (without the folder) of the files and folders in a folder, in no order; null where it does not exist.</summary>
    /// <exception cref="IOException">It cannot be listed.</exception>
    public virtual IReadOnlyList<string>? List(string folder)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries(folder).Select(static path => Path.GetFileName(path))];
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Creates a folder with those above it; no error where it exists. Durable once the folder above is synced.</summary>
    public virtual void CreateFolder(string folder) => Directory.CreateDirectory(folder);

    /// <summary>
    /// Creates a folder with those above it, each durable before the next: what is synced in a folder whose own entry
    /// is lost is lost with it. Where it exists, its entry is synced too: whoever created it may have ended before that.
    /// </summary>
    /// <exception cref="IOException">One cannot be created or synced.</exception>
    public void CreateFolderDurably(string folder)
    {
        folder = Path.GetFullPath(folder);
        CreateFolder(folder);
        // Those above too, though they exist: whoever made them may have died before they were synced.
        for (var level = 0; level < LevelsMadeDurable && Path.GetDirectoryName(folder) is { } above; level++) SyncQuietly(folder = above);
    }

    private void SyncQuietly(string folder)
    {
        try
        {
            SyncFolder(folder);
        }
        catch (IOException e) when (e.HResult == AccessDenied)
        {
            // Made by somebody else, in a folder that is not ours.
        }
    }

    /// <summary>Deletes an empty folder; no error where it does not exist.</summary>
    /// <exception cref="IOException">It is not empty, or cannot be deleted.</exception>
    public virtual void DeleteFolder(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: false);
        }
        catch (DirectoryNotFoundException)
        {
            // Gone already.
        }
    }

    /// <summary>Renames a file at once, over the one that has the name. Durable once the folder is synced.</summary>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public virtual void Rename(string from, string to) => File.Move(from, to, overwrite: true);

    /// <summary>Writes a file that nobody looks for yet, down to the disk. Its name is durable once the folder is synced.</summary>
    /// <exception cref="IOException">It could not be written.</exception>
    public void WriteSynced(string path, ReadOnlySpan<byte> content)
    {
        using var file = Create(path);
        Write(path, file, content, 0);
        Sync(path, file);
    }

    /// <summary>Replaces a small file, or makes it, at once and durably: a reader sees the old content or the new one, whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="content">All of it.</param>
    /// <param name="temporary">Written first, in the same folder; null: the file's name with <c>.new</c>.</param>
    /// <exception cref="IOException">It is not known which content the file holds, the one before or this one.</exception>
    public void ReplaceDurably(string path, ReadOnlySpan<byte> content, string? temporary = null)
    {
        temporary ??= path + ".new";
        var renamed = false;
        try
        {
            WriteSynced(temporary, content);
            Rename(temporary, path);
            renamed = true;
        }
        finally
        {
            if (!renamed) DeleteQuietly(temporary);
        }
        SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Deletes what an error left behind; the error is what the caller hears of.</summary>
    public void DeleteQuietly(string path)
    {
        try
        {
            Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Tidied up later.
        }
    }

    /// <summary>
    /// Renames a file at once unless the name is taken: of two callers, in two processes too, one gets true. Durable
    /// once the folder is synced. After false, or an error, the file may still lie under its old name.
    /// </summary>
    /// <exception cref="IOException">It cannot be renamed.</exception>
    public virtual bool TryRename(string from, string to) =>
        OperatingSystem.IsWindows() ? MoveOnWindows(from, to) : RenameOnce(from, to) ?? LinkOnce(from, to);

    private static bool MoveOnWindows(string from, string to)
    {
        try
        {
            File.Move(from, to, overwrite: false);
            return true;
        }
        catch (IOException e) when ((e.HResult & 0xffff) is 80 or 183) // ERROR_FILE_EXISTS, ERROR_ALREADY_EXISTS
        {
            return false;
        }
    }

    // The framework's own move without overwriting looks first and renames then: two callers can both get through.
    // Null: this file system (NFS among them) or system cannot, and a hard link has to do.
    private static bool? RenameOnce(string from, string to)
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            if (NativeRename(CurrentFolder, from, CurrentFolder, to, NoReplace) == 0) return true;
        }
        catch (EntryPointNotFoundException)
        {
            return null; // musl before 1.2.5
        }
        return Marshal.GetLastPInvokeError() switch
        {
            Exists => false,
            NotSupported or InvalidArgument or NoSuchCall => null,
            var errno => throw Failed(to, "renamed to", errno),
        };
    }

    private bool LinkOnce(string from, string to)
    {
        if (NativeLink(from, to) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            return errno == Exists ? false : throw Failed(to, "linked to", errno);
        }
        Delete(from);
        return true;
    }

    /// <summary>Forces a folder's entries (created, renamed, deleted files) onto the disk. Nothing to do on Windows.</summary>
    /// <exception cref="IOException">The folder cannot be opened or synced.</exception>
    public virtual void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = NativeOpen(folder, 0);
        if (descriptor < 0) throw Failed(folder, "synced", Marshal.GetLastPInvokeError());
        try
        {
            if (NativeSync(descriptor) != 0) throw Failed(folder, "synced", Marshal.GetLastPInvokeError());
        }
        finally
        {
            _ = NativeClose(descriptor);
        }
    }

    /// <summary>Asks the system to read ahead (Linux; nothing elsewhere). Only advice: it reports no error.</summary>
    public virtual void Prefetch(SafeFileHandle file, long offset, long length)
    {
        if (OperatingSystem.IsLinux()) _ = NativeAdvise(file, offset, length, WillNeed);
    }

    /// <summary>
    /// Asks the system to forget its copy of a stretch that is synced, so that the next read comes from the disk
    /// (Linux; nothing elsewhere). Only advice: it reports no error.
    /// </summary>
    public virtual void Forget(SafeFileHandle file, long offset, long length)
    {
        if (OperatingSystem.IsLinux()) _ = NativeAdvise(file, offset, length, DontNeed);
    }

    private const int ReadWrite = 2; // O_RDWR
    private const int CloseOnExec = 0x80000; // O_CLOEXEC
    private const int WillNeed = 3; // POSIX_FADV_WILLNEED
    private const int DontNeed = 4; // POSIX_FADV_DONTNEED
    private const int CurrentFolder = -100; // AT_FDCWD
    private const uint NoReplace = 1; // RENAME_NOREPLACE
    /// <summary>The folders of a partition, of its lineage, of all lineages, and of the data.</summary>
    private const int LevelsMadeDurable = 4;

    private const int AccessDenied = 13;
    private const int Exists = 17;
    private const int InvalidArgument = 22;
    private const int NoSuchCall = 38;
    private const int NotSupported = 95;

    private static IOException Failed(string path, string verb, int errno) =>
        new($"'{path}' could not be {verb}: {Marshal.GetPInvokeErrorMessage(errno)}.", errno);

    [LibraryImport("libc", EntryPoint = "posix_fadvise64")]
    private static partial int NativeAdvise(SafeFileHandle file, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeRename(int fromFolder, string from, int toFolder, string to, uint flags);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeLink(string from, string to);

    // .NET refuses to open a folder, so the three calls that sync one are the C library's own.
    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int NativeClose(int descriptor);
}
