using Microsoft.Win32.SafeHandles;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Unit.Log;

/// <summary>
/// The real disk with faults: full, failing, held still, or with a list of what was written and not synced.
/// </summary>
internal sealed class DiskDouble : DiskOperations
{
    public const int NoSpace = 28;
    public const int InputOutput = 5;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<(long Offset, byte[] Before, int Length)>> _unsynced = [];
    private int _failingWrites;
    private int _failingReads;
    private int _failingSyncs;
    private long _writableBytes = long.MaxValue;

    /// <summary>Set: every write beyond this many bytes fails as on a full disk, partly written.</summary>
    public long WritableBytes { set => Volatile.Write(ref _writableBytes, value); }

    public int FailingWrites { set => Volatile.Write(ref _failingWrites, value); }

    public int FailingReads { set => Volatile.Write(ref _failingReads, value); }

    public int FailingSyncs { set => Volatile.Write(ref _failingSyncs, value); }

    /// <summary>Remembers what lay under each write until its file is synced.</summary>
    public bool KeepsBefore { get; init; }

    /// <summary>Called before each sync, with no write under way: what was written since the last one may be lost.</summary>
    public Action? BeforeSync { get; set; }

    /// <summary>Called before each write, also while the disk is held still.</summary>
    public Action? BeforeWrite { get; set; }

    public int FolderSyncs;

    public override int Read(string path, SafeFileHandle file, Span<byte> destination, long offset)
    {
        if (Interlocked.Decrement(ref _failingReads) >= 0) throw new IOException("read failed", InputOutput);
        return base.Read(path, file, destination, offset);
    }

    public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        BeforeWrite?.Invoke();
        lock (_gate)
        {
            if (Interlocked.Decrement(ref _failingWrites) >= 0) throw new IOException("write failed", InputOutput);
            var room = Volatile.Read(ref _writableBytes);
            if (source.Length > room)
            {
                base.Write(path, file, source[..(int)Math.Max(0, room)], offset);
                throw new IOException("No space left on device", NoSpace);
            }
            if (room != long.MaxValue) Interlocked.Add(ref _writableBytes, -source.Length);
            if (KeepsBefore) Keep(path, file, source.Length, offset);
            base.Write(path, file, source, offset);
        }
    }

    public override void Sync(string path, SafeFileHandle file)
    {
        lock (_gate)
        {
            BeforeSync?.Invoke();
            if (Interlocked.Decrement(ref _failingSyncs) >= 0) throw new IOException("fsync failed", InputOutput);
            // The tests' file system is spared the real fsync; what counts is what had been written before it.
            _unsynced.Remove(path);
        }
    }

    public override void SyncFolder(string folder)
    {
        Interlocked.Increment(ref FolderSyncs);
        base.SyncFolder(folder);
    }

    private void Keep(string path, SafeFileHandle file, int length, long offset)
    {
        var before = new byte[length];
        base.Read(path, file, before, offset);
        if (!_unsynced.TryGetValue(path, out var writes)) _unsynced[path] = writes = [];
        writes.Add((offset, before, length));
    }

    /// <summary>Runs something while no write is under way and none can begin: a copy made in it is a crash image.</summary>
    public void WhileStill(Action action)
    {
        lock (_gate) action();
    }

    /// <summary>In a copy of the folder, drops each unsynced sector that the choice names: a power cut. From BeforeSync only.</summary>
    public int DropUnsynced(string from, string to, Func<bool> isLost)
    {
        const int sector = 512;
        var lost = 0;
        foreach (var (path, writes) in _unsynced)
        {
            using var file = File.OpenHandle(path.Replace(from, to, StringComparison.Ordinal), FileMode.Open, FileAccess.Write);
            foreach (var (offset, before, length) in Enumerable.Reverse(writes))
                for (var at = 0; at < length; at += sector)
                    if (isLost())
                    {
                        RandomAccess.Write(file, before.AsSpan(at, Math.Min(sector, length - at)), offset + at);
                        lost++;
                    }
        }
        return lost;
    }
}
