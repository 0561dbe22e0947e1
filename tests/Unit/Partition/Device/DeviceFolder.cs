using System.Runtime.InteropServices;
using FASTER.core;
using ReadStateStream.Partition.Store;
using ReadStateStream.Unit.Log;
using Xunit;

namespace ReadStateStream.Unit.Partition.Device;

/// <summary>A folder with the files of a state device, and plain reads and writes through it.</summary>
internal sealed unsafe class DeviceFolder : IDisposable
{
    public const int SegmentBytes = 16 << 10;

    public string Folder { get; } = Directory.CreateTempSubdirectory("rss-state-").FullName;

    public DiskDouble Disk { get; } = new();

    public ManualTime Time { get; } = new();

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    public StateDevice Open(DeviceMode mode = DeviceMode.Inline, long heldWriteBytes = 0, Func<int, int>? choose = null, int segmentBytes = SegmentBytes) =>
        new(Folder, new StateDeviceOptions
        {
            SegmentBytes = segmentBytes, Mode = mode, Disk = Disk, Time = Time, HeldWriteBytes = heldWriteBytes, Choose = choose,
        });

    public string Records(int segment) => Path.Combine(Folder, $"records.{segment}");

    public string Sums(int segment) => Path.Combine(Folder, $"sums.{segment}");

    public static byte[] Pattern(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    /// <summary>Starts a write; the task ends with its callback.</summary>
    public static Task Write(StateDevice device, long address, byte[] bytes)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var memory = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        device.WriteAsync(memory.AddrOfPinnedObject(), (ulong)address, (uint)bytes.Length, (error, length, _) =>
        {
            memory.Free();
            Assert.Equal((0u, (uint)bytes.Length), (error, length));
            done.SetResult();
        }, new object());
        return done.Task;
    }

    /// <summary>Starts a read as FASTER does; damage gives zeros.</summary>
    public static Task<byte[]> Read(StateDevice device, long address, int length)
    {
        var done = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)0xee);
        var memory = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        device.ReadAsync((ulong)address, memory.AddrOfPinnedObject(), (uint)length, (error, read, _) =>
        {
            memory.Free();
            Assert.Equal((0u, true), (error, read <= (uint)length));
            done.SetResult(bytes);
        }, new object());
        return done.Task;
    }

    /// <summary>A read through a device without threads.</summary>
    public static byte[] ReadNow(StateDevice device, long address, int length)
    {
        var read = Read(device, address, length);
        Assert.True(read.IsCompletedSuccessfully);
        return read.GetAwaiter().GetResult();
    }

    /// <summary>Writes so many bytes from an address on, page by page, the last sector padded with zeros.</summary>
    public static void Fill(StateDevice device, long address, byte[] bytes)
    {
        var padded = new byte[(bytes.Length + 511) & ~511];
        bytes.CopyTo(padded, 0);
        for (var at = 0; at < padded.Length;)
        {
            var page = Math.Min(padded.Length - at, 4096 - (int)((address + at) % 4096));
            Assert.True(Write(device, address + at, padded[at..(at + page)]).IsCompletedSuccessfully);
            at += page;
        }
    }

    public static void VerifyAll(StateDevice device, long from, long to)
    {
        while (from < to)
        {
            var reached = device.Verify(from, to);
            Assert.True(reached > from, "no progress");
            from = reached;
        }
    }

    public static void Flip(string path, long offset)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Span<byte> one = stackalloc byte[1];
        RandomAccess.Read(file, one, offset);
        one[0] ^= 0x10;
        RandomAccess.Write(file, one, offset);
    }
}

/// <summary>A clock that a test moves; timers fire on the thread that moves it.</summary>
internal sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<Timer> _timers = [];
    private DateTimeOffset _now = DateTimeOffset.UnixEpoch.AddDays(20_000);

    public int Timers
    {
        get { lock (_lock) return _timers.Count; }
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock) return _now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            var timer = new Timer(this, () => callback(state), _now + dueTime);
            _timers.Add(timer);
            return timer;
        }
    }

    public void Advance(TimeSpan by)
    {
        List<Timer> due;
        lock (_lock)
        {
            _now += by;
            due = _timers.FindAll(timer => timer.Due <= _now);
            _timers.RemoveAll(due.Contains);
        }
        foreach (var timer in due) timer.Fire();
    }

    private sealed class Timer(ManualTime time, Action fire, DateTimeOffset due) : ITimer
    {
        public DateTimeOffset Due { get; } = due;

        public void Fire() => fire();

        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose()
        {
            lock (time._lock) time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
