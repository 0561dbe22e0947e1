using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// Operations done on the caller's thread: at once, or when they are asked for. A callback that adds an operation
/// does not nest: what it adds is done after it has returned. One thread at a time.
/// </summary>
internal sealed class InlineDeviceQueue(FileDeviceRun run, long heldWriteBytes) : IDeviceQueue
{
    private readonly List<FileDeviceRequest> _waiting = [];
    private bool _running;

    /// <summary>Whether operations wait until they are asked for.</summary>
    public bool IsHolding { get; set; }

    /// <inheritdoc/>
    public int Pending => _waiting.Count;

    /// <inheritdoc/>
    public long PendingWriteBytes { get; private set; }

    /// <inheritdoc/>
    public void Add(in FileDeviceRequest request)
    {
        _waiting.Add(request);
        if (request.Verb == FileDeviceVerb.Write) PendingWriteBytes += request.Length;
        Settle();
    }

    /// <summary>Does the operation at this place among the waiting, and what may not wait after it.</summary>
    public void CompleteOne(int index)
    {
        if (_running) return; // FASTER asks from within a callback: the outer call goes on
        Do(index);
        Settle();
    }

    /// <summary>Does everything that waits.</summary>
    public void WaitIdle()
    {
        while (_waiting.Count > 0 && !_running) Do(0);
    }

    /// <summary>Forgets what waits: no callback runs.</summary>
    public void Drop()
    {
        _waiting.Clear();
        PendingWriteBytes = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => WaitIdle();

    private void Settle()
    {
        if (_running) return;
        while (_waiting.Count > 0 && !IsHolding) Do(0);
        while (PendingWriteBytes > heldWriteBytes) Do(_waiting.FindIndex(static request => request.Verb == FileDeviceVerb.Write));
    }

    private void Do(int index)
    {
        var request = _waiting[index];
        _waiting.RemoveAt(index);
        if (request.Verb == FileDeviceVerb.Write) PendingWriteBytes -= request.Length;
        _running = true;
        try
        {
            run(request);
        }
        finally
        {
            _running = false;
        }
    }
}
