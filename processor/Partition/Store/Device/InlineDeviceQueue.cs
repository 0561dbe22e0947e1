using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// Operations done on the caller's thread: at once, or when they are asked for. A callback that adds an operation
/// does not nest: what it adds is done after it has returned. One thread at a time.
/// </summary>
/// <remarks>
/// A write may wait only as long as the newest one is not too far ahead of it. FASTER waits for room without asking the
/// device for anything; how many bytes wait does not tell, since it keeps the next part of a page back behind the first.
/// </remarks>
internal sealed class InlineDeviceQueue(FileDeviceRun run, long segmentBytes, long heldWriteBytes) : IDeviceQueue
{
    private readonly List<FileDeviceRequest> _waiting = [];
    private bool _running;
    private long _newestEnd;
    private long _addedReads;
    private long _endedReads;

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
        if (request.Verb == FileDeviceVerb.Read) _addedReads++;
        if (request.Verb == FileDeviceVerb.Write)
        {
            PendingWriteBytes += request.Length;
            _newestEnd = Math.Max(_newestEnd, AddressOf(request) + request.Length);
        }
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
    /// Does operations until a read has ended, its callback not asking for another one; one operation where no read
    /// waits. FASTER looks for ended reads once, and then sleeps until there is one.
    /// </summary>
    public void CompleteSome(Func<int, int> choose)
    {
        var ended = _endedReads;
        while (_waiting.Count > 0 && !_running)
        {
            CompleteOne(choose(_waiting.Count));
            if (ended != _endedReads || !_waiting.Exists(static request => request.Verb == FileDeviceVerb.Read)) return;
        }
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
        while (_waiting.FindIndex(MayNotWait) is var index and >= 0) Do(index);
    }

    private bool MayNotWait(FileDeviceRequest request) =>
        request.Verb == FileDeviceVerb.Write && _newestEnd - AddressOf(request) > heldWriteBytes;

    private long AddressOf(in FileDeviceRequest request) => (request.Segment * segmentBytes) + request.Offset;

    private void Do(int index)
    {
        var request = _waiting[index];
        _waiting.RemoveAt(index);
        if (request.Verb == FileDeviceVerb.Write) PendingWriteBytes -= request.Length;
        var added = _addedReads;
        _running = true;
        try
        {
            run(request);
        }
        finally
        {
            _running = false;
        }
        if (request.Verb == FileDeviceVerb.Read && added == _addedReads) _endedReads++;
    }
}
