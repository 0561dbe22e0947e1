using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// The disk as <see cref="FileDevice"/> and the embedded topic use it. The methods are virtual so that a
/// test can stand between: fail them, hold them, or record what was written and not yet synced.
/// </summary>
public partial class DiskOperations
{
    /// <summary>The real disk.</summary>
    public static DiskOperations Real { get; } = new();

    /// <summary>Opens a segment file for reading and writing; null where it does not exist and is not to be created.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    public virtual SafeFileHandle? Open(string path, bool create)
    {
        try
        {
            return File.OpenHandle(path, create ? FileMode.OpenOrCreate : FileMode.Open, FileAccess.ReadWrite,
                FileShare.ReadWrite | FileShare.Delete);
        }
        catch (Exception e) when (!create && e is FileNotFoundException or DirectoryNotFoundException)
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

    /// <summary>Writes all bytes; they may still be in the operating system's cache.</summary>
    public virtual void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset) =>
        RandomAccess.Write(file, source, offset);

    /// <summary>Forces what was written to this file onto the disk.</summary>
    public virtual void Sync(string path, SafeFileHandle file) => RandomAccess.FlushToDisk(file);

    /// <summary>Cuts a file to a length in bytes.</summary>
    public virtual void SetLength(string path, SafeFileHandle file, long length) => RandomAccess.SetLength(file, length);

    /// <summary>Deletes a file; no error where it does not exist.</summary>
    public virtual void Delete(string path) => File.Delete(path);

    /// <summary>Forces a folder's entries (created, renamed, deleted files) onto the disk. Nothing to do on Windows.</summary>
    /// <exception cref="IOException">The folder cannot be opened or synced.</exception>
    public virtual void SyncFolder(string folder)
    {
        if (OperatingSystem.IsWindows()) return;
        var descriptor = NativeOpen(folder, 0);
        if (descriptor < 0) throw FolderError(folder);
        try
        {
            if (NativeSync(descriptor) != 0) throw FolderError(folder);
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

    private const int WillNeed = 3; // POSIX_FADV_WILLNEED

    [LibraryImport("libc", EntryPoint = "posix_fadvise64")]
    private static partial int NativeAdvise(SafeFileHandle file, long offset, long length, int advice);

    // .NET refuses to open a folder, so the three calls that sync one are the C library's own.
    private static IOException FolderError(string folder)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new IOException($"Folder '{folder}' could not be synced: {Marshal.GetPInvokeErrorMessage(errno)}.", errno);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int NativeSync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int NativeClose(int descriptor);
}
