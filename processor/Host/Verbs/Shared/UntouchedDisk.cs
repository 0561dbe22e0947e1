using Microsoft.Win32.SafeHandles;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>
/// The disk for those who only look: nothing on it changes. What an opening would mend (a torn end of the event log, files
/// that nobody needs) stays as it lies and is passed over; whoever wants to write is refused.
/// </summary>
internal sealed class UntouchedDisk : DiskOperations
{
    public static UntouchedDisk Instance { get; } = new();

    private UntouchedDisk()
    {
    }

    public override SafeFileHandle? Open(string path, bool create) => create ? throw Refused(path) : OpenRead(path);

    public override SafeFileHandle? OpenDirect(string path) => null;

    public override SafeFileHandle Create(string path) => throw Refused(path);

    public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset) => throw Refused(path);

    public override void Sync(string path, SafeFileHandle file)
    {
    }

    public override void SetLength(string path, SafeFileHandle file, long length)
    {
    }

    public override void Delete(string path)
    {
    }

    public override void DeleteFolder(string folder)
    {
    }

    public override void CreateFolder(string folder) => throw Refused(folder);

    public override void Rename(string from, string to) => throw Refused(to);

    public override bool TryRename(string from, string to) => throw Refused(to);

    public override void SyncFolder(string folder)
    {
    }

    private static IOException Refused(string path) => new($"'{path}' is only looked at and was not to be written");
}
