using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// Operations done on the caller's thread: at once, or when they are asked for. A callback that adds an operation
/// does not nest: what it adds is done after it has returned. One thread at a time.
/// </summary>
internal sealed class InlineDeviceQueue(FileDeviceRun run, long heldWriteBytes) : IDeviceQueue
{
    private readonly List<(FileDeviceRequest Request, long Since)> _waiting = [];
    private long _written;
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
        if (request.Verb == FileDeviceVerb.Write)
        {
            PendingWriteBytes += request.Length;
            _written += request.Length;
        }
        _waiting.Add((request, _written));
        Settle();
    }

    /// <summary>Does the operation at this place among the waiting, and what may not wait after it.</summary>
    public void CompleteOne(int index)
    {
        if (_running) return; // FASTER asks from within a callback: the outer call goes on
        Do(index);
        Settle();
    }

    /// <summary>
    /// Does one operation, and goes on until no read waits: FASTER asks once, then sleeps until a record has come, which
    /// may take several reads.
    /// </summary>
    public void CompleteSome(Func<int, int>? choose)
    {
        if (_running) return;
        do
        {
            var chosen = _waiting.Count == 0 ? -1 : choose?.Invoke(_waiting.Count) ?? 0;
            if (chosen >= 0) CompleteOne(chosen);
            else if (OldestRead() is var read and >= 0) CompleteOne(read);
        }
        while (OldestRead() >= 0);
    }

    private int OldestRead() => _waiting.FindIndex(static waiting => waiting.Request.Verb == FileDeviceVerb.Read);

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
        // By what came after it, not by what waits: the log's room is counted from its oldest write on.
        while (OldestWrite() is var oldest and >= 0 && _written - _waiting[oldest].Since + _waiting[oldest].Request.Length > heldWriteBytes) Do(oldest);
    }

    private int OldestWrite() =>
        PendingWriteBytes == 0 ? -1 : _waiting.FindIndex(static waiting => waiting.Request.Verb == FileDeviceVerb.Write);

    private void Do(int index)
    {
        var request = _waiting[index].Request;
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
