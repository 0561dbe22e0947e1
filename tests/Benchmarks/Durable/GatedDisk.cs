using Microsoft.Win32.SafeHandles;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Benchmarks.Durable;

/// <summary>
/// The real disk behind a gate: while it is closed, reads, writes and syncs wait, and with them everything that works
/// beside the writer. So nothing of a round's work is done in the time between two rounds.
/// </summary>
internal sealed class GatedDisk : DiskOperations, IDisposable
{
    private readonly ManualResetEventSlim gate = new(initialState: true);

    public void OpenGate() => gate.Set();

    public void CloseGate() => gate.Reset();

    public override int Read(string path, SafeFileHandle file, Span<byte> destination, long offset)
    {
        gate.Wait();
        return base.Read(path, file, destination, offset);
    }

    public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        gate.Wait();
        base.Write(path, file, source, offset);
    }

    public override void Sync(string path, SafeFileHandle file)
    {
        gate.Wait();
        base.Sync(path, file);
    }

    public void Dispose()
    {
        gate.Set();
        gate.Dispose();
    }
}
