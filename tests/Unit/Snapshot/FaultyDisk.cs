using Microsoft.Win32.SafeHandles;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>How the disk fails.</summary>
public enum DiskFault
{
    /// <summary>One operation fails; the process goes on.</summary>
    Once,
    /// <summary>One operation happens, but is told as failed.</summary>
    AnswerLost,
    /// <summary>From then on everything fails, a write half done: the process has died.</summary>
    Crash,
    /// <summary>From then on nothing can be written or created.</summary>
    Full,
}

/// <summary>The real disk, of which the n-th operation fails. Counts what is written.</summary>
internal sealed class FaultyDisk(DiskFault fault, int failing) : DiskOperations
{
    private int _operations;

    public bool HasFailed { get; private set; }

    public long BytesWritten { get; private set; }

    public int Operations => _operations;

    private static IOException Error(bool full = false) => full ? new("No space left on device", 28) : new("Input/output error", 5);

    private T Meet<T>(Func<T> operation, bool takesSpace = false, Action? half = null)
    {
        var number = ++_operations;
        if (number < failing || (number > failing && fault is DiskFault.Once or DiskFault.AnswerLost)) return operation();
        if (fault == DiskFault.Full && !takesSpace) return operation();
        if (fault == DiskFault.AnswerLost) operation();
        if (number == failing) half?.Invoke();
        HasFailed = true;
        throw Error(fault == DiskFault.Full);
    }

    private void Meet(Action operation, bool takesSpace = false, Action? half = null) => Meet(() =>
    {
        operation();
        return true;
    }, takesSpace, half);

    public override SafeFileHandle? Open(string path, bool create) => Meet(() => base.Open(path, create), create);

    public override SafeFileHandle? OpenRead(string path) => Meet(() => base.OpenRead(path));

    public override SafeFileHandle Create(string path) => Meet(() => base.Create(path), takesSpace: true);

    public override int Read(string path, SafeFileHandle file, Span<byte> destination, long offset)
    {
        Meet(static () => { });
        return base.Read(path, file, destination, offset);
    }

    public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        var bytes = source.ToArray();
        BytesWritten += bytes.Length;
        Meet(() => base.Write(path, file, bytes, offset), takesSpace: true, () => base.Write(path, file, bytes.AsSpan(0, bytes.Length / 2), offset));
    }

    public override void Sync(string path, SafeFileHandle file) => Meet(static () => { }, takesSpace: true);

    public override void SyncFolder(string folder) => Meet(static () => { }, takesSpace: true);

    public override void Delete(string path) => Meet(() => base.Delete(path));

    public override IReadOnlyList<string>? List(string folder) => Meet(() => base.List(folder));

    public override void CreateFolder(string folder) => Meet(() => base.CreateFolder(folder), takesSpace: true);

    public override void DeleteFolder(string folder) => Meet(() => base.DeleteFolder(folder));

    public override void Rename(string from, string to) => Meet(() => base.Rename(from, to), takesSpace: true);

    public override bool TryRename(string from, string to) => Meet(() => base.TryRename(from, to), takesSpace: true);
}
