using FASTER.core;

namespace ReadStateStream.Partition.Log;

internal enum FileDeviceVerb { Read, Write, Remove }

/// <summary>One operation asked of a device. <c>Memory</c> stays valid until the callback has run.</summary>
internal readonly record struct FileDeviceRequest(
    FileDeviceVerb Verb, int Segment, long Offset, IntPtr Memory, int Length,
    DeviceIOCompletionCallback Callback, object? Context);

/// <summary>Carries out one operation of a device, its callback included; never throws.</summary>
internal delegate void FileDeviceRun(in FileDeviceRequest request);

/// <summary>The operations a device has to do. Disposing finishes what is queued.</summary>
internal interface IDeviceQueue : IDisposable
{
    /// <summary>Operations queued or running.</summary>
    int Pending { get; }

    /// <summary>Bytes of the writes queued or running.</summary>
    long PendingWriteBytes { get; }

    /// <summary>Adds an operation. Never blocks for others to end: FASTER asks while it holds its epoch.</summary>
    void Add(in FileDeviceRequest request);

    /// <summary>Returns when nothing is queued or running.</summary>
    void WaitIdle();
}

/// <summary>
/// Does the operations on at most a given number of background threads that start when there is work for them: reads
/// first, since somebody waits for them; writes and removals one at a time, in the order asked, since the file system
/// lets nobody else write a file meanwhile, and those who try keep a processor busy.
/// </summary>
internal sealed class FileDeviceQueue(FileDeviceRun run, int maxThreads, string name) : IDeviceQueue
{
    private readonly object _gate = new();
    private readonly Queue<FileDeviceRequest> _reads = new();
    private readonly Queue<FileDeviceRequest> _changes = new();
    private readonly List<Thread> _threads = [];
    private int _idle, _running;
    private long _pendingWriteBytes;
    private bool _changing;
    private bool _stopping;

    /// <inheritdoc/>
    public int Pending
    {
        get { lock (_gate) return Left; }
    }

    private int Left => _reads.Count + _changes.Count + _running;

    private bool CanTake => _reads.Count > 0 || (_changes.Count > 0 && !_changing);

    /// <inheritdoc/>
    public long PendingWriteBytes => Volatile.Read(ref _pendingWriteBytes);

    public void Add(in FileDeviceRequest request)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            if (request.Verb == FileDeviceVerb.Write) _pendingWriteBytes += request.Length;
            (request.Verb == FileDeviceVerb.Read ? _reads : _changes).Enqueue(request);
            if (!CanTake) return;
            if (_idle == 0 && _threads.Count < maxThreads) StartThread();
            Monitor.PulseAll(_gate);
        }
    }

    public void WaitIdle()
    {
        lock (_gate)
            while (Left > 0)
                Monitor.Wait(_gate);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        foreach (var thread in _threads) thread.Join();
    }

    private void StartThread()
    {
        var thread = new Thread(Work) { IsBackground = true, Name = $"device {name} {_threads.Count}" };
        _threads.Add(thread);
        thread.Start();
    }

    private void Work()
    {
        while (TryTake(out var request))
        {
            run(request);
            lock (_gate)
            {
                _running--;
                if (request.Verb != FileDeviceVerb.Read) _changing = false;
                if (request.Verb == FileDeviceVerb.Write) _pendingWriteBytes -= request.Length;
                if (Left == 0 || (_idle > 0 && CanTake)) Monitor.PulseAll(_gate);
            }
        }
    }

    // False where nothing is left to take and the device closes.
    private bool TryTake(out FileDeviceRequest request)
    {
        lock (_gate)
        {
            while (!CanTake)
            {
                request = default;
                if (_stopping && _reads.Count + _changes.Count == 0) return false;
                _idle++;
                Monitor.Wait(_gate);
                _idle--;
            }
            request = (_reads.Count > 0 ? _reads : _changes).Dequeue();
            if (request.Verb != FileDeviceVerb.Read) _changing = true;
            _running++;
            return true;
        }
    }
}
