namespace ReadStateStream.Partition.Log;

/// <summary>
/// The appending side of a partition: requests queue while a commit is under way, and share the next one,
/// which starts when that ends. No timer. One round runs at a time, on the pool.
/// </summary>
/// <remarks>
/// Invariants: a record is answered with an offset only after the device has synced it and every record
/// before it. After a failed round the log is cut back to the last durable frame before anything is
/// appended again; frames carry a term that grows with each such opening. Bytes waiting stay bounded.
/// </remarks>
internal sealed class GroupCommit(EmbeddedLog owner, FileDevice device, EmbeddedLogOptions options, uint seed,
    TimeProvider time)
{
    private readonly record struct Taken(AppendRequest Request, int ResultPlace, int Bytes);

    private readonly Lock _lock = new();
    private readonly Queue<AppendRequest> _queue = new();
    private readonly List<Taken> _round = [];
    private readonly List<(long Offset, long Address)> _frames = [];
    private readonly FrameBuffer _frame = new(seed);
    private FasterAppender? _appender;
    private Task _running = Task.CompletedTask;
    private bool _isRunning, _isClosed, _hasAppended;
    private long _pendingBytes;
    private int _term;

    /// <summary>Bytes of records admitted and not yet answered.</summary>
    public long PendingBytes => Volatile.Read(ref _pendingBytes);

    /// <summary>
    /// Admits the records of a request, or those in front of the first that exceeds the bound: the rest are
    /// answered with <see cref="LogUnavailableException"/>, so that order is kept. The call was opened for it.
    /// </summary>
    /// <returns>False where nothing was admitted: the caller closes the call's part.</returns>
    public bool TryAdd(AppendRequest request)
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                request.Refuse(0, new LogUnavailableException($"Partition {owner.Partition} is closing.", options.RetryAfter));
                return false;
            }
            Admit(request);
            if (request.Count == 0) return false;
            _queue.Enqueue(request);
            if (_isRunning) return true;
            _isRunning = true;
            _running = Task.Run(RunAsync);
            return true;
        }
    }

    private void Admit(AppendRequest request)
    {
        for (var i = 0; i < request.Count; i++)
        {
            var bytes = FrameBuffer.BytesOf(request.RecordAt(i));
            if (_pendingBytes > 0 && _pendingBytes + bytes > options.MaxPendingBytes)
            {
                request.Refuse(i, new LogUnavailableException(
                    $"{_pendingBytes} bytes wait for their commit in partition {owner.Partition}; the limit is {options.MaxPendingBytes}.",
                    options.RetryAfter));
                return;
            }
            _pendingBytes += bytes;
        }
    }

    private async Task RunAsync()
    {
        while (TakeRound())
        {
            try
            {
                await AppendRoundAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                FailRound(e);
            }
        }
    }

    // Fills a round from the queue; false where there is nothing left to do.
    private bool TakeRound()
    {
        // Half the pages: enqueueing a round never waits for a flush, whatever is lost at page ends.
        var room = (long)options.PageSizeBytes * options.MemoryPages / 2 - options.PageSizeBytes;
        lock (_lock)
        {
            _round.Clear();
            while (_queue.TryPeek(out var request))
            {
                if (request.IsCancelled)
                {
                    Cancel(_queue.Dequeue());
                    continue;
                }
                room = TakeFrom(request, room);
                if (request.Left > 0) break;
                _queue.Dequeue();
            }
            _isRunning = _round.Count > 0;
            return _isRunning;
        }
    }

    private long TakeFrom(AppendRequest request, long room)
    {
        while (request.Left > 0)
        {
            var bytes = FrameBuffer.BytesOf(request.Next);
            if (_round.Count > 0 && bytes > room) return room;
            room -= bytes;
            _round.Add(new Taken(request, request.Take(), bytes));
        }
        return room;
    }

    private void Cancel(AppendRequest request)
    {
        while (request.Left > 0)
        {
            _pendingBytes -= FrameBuffer.BytesOf(request.Next);
            request.Answer(request.Take(), new PublishResult(-1, new OperationCanceledException()));
        }
    }

    private async Task AppendRoundAsync()
    {
        var tail = owner.Tail;
        var appender = OpenAppender(tail);
        tail = EnqueueFrames(appender, tail);
        _hasAppended = true;
        var end = await appender.CommitAsync().ConfigureAwait(false);
        owner.Advance(tail with { Address = end }, _frames);
        AnswerRound(tail.NextOffset - _round.Count, null);
    }

    private FasterAppender OpenAppender(LogTail tail)
    {
        if (_appender is not null) return _appender;
        // Whatever a failed round left above the durable end must not be found there by a later recovery.
        device.CutTo(tail.Address);
        var appender = new FasterAppender(device, options, tail.Address);
        _term = Math.Max(_term, tail.Term) + 1;
        return _appender = appender;
    }

    private LogTail EnqueueFrames(FasterAppender appender, LogTail durable)
    {
        var now = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), durable.LastAppendedUnixMs);
        var tail = durable;
        var maxFrame = options.PageSizeBytes - LogFrame.FramingBytes(0);
        _frames.Clear();
        _frame.Clear();
        foreach (var taken in _round)
        {
            if (_frame.Count > 0 && _frame.Length + taken.Bytes > Math.Min(options.TargetFrameBytes, maxFrame))
                tail = EnqueueFrame(appender, tail, durable.Address, now);
            _frame.Add(taken.Request.RecordOf(taken.ResultPlace));
        }
        return EnqueueFrame(appender, tail, durable.Address, now);
    }

    private LogTail EnqueueFrame(FasterAppender appender, LogTail tail, long durableAddress, long now)
    {
        var head = new FrameHead(tail.NextOffset, _frame.Count, now,
            Math.Max(tail.GreatestStampedEventId, _frame.GreatestStampedEventId), durableAddress, _term);
        var address = appender.Enqueue(_frame.With(head));
        if (head.Count > 0) _frames.Add((head.FirstOffset, address));
        _frame.Clear();
        return LogTail.After(head, address);
    }

    private void FailRound(Exception error)
    {
        LogEvents.AppendFailed(owner.Logger, owner.Partition, _round.Count, owner.Tail.NextOffset, error);
        var cause = FileDevice.IsDiskFull(error.InnerException ?? error) ? "the disk is full" : error.Message;
        var appender = _appender;
        _appender = null;
        try
        {
            appender?.Dispose();
        }
        catch (Exception e)
        {
            // It is broken already; what counts is that the round is answered and the next one runs.
            LogEvents.DisposeFailed(owner.Logger, owner.Partition, e);
        }
        AnswerRound(-1, new LogUnavailableException(
            $"Partition {owner.Partition} could not append: {cause}.", options.RetryAfter, error));
    }

    private void AnswerRound(long firstOffset, Exception? error)
    {
        lock (_lock)
            foreach (var taken in _round)
                _pendingBytes -= taken.Bytes;
        for (var i = 0; i < _round.Count; i++)
            _round[i].Request.Answer(_round[i].ResultPlace,
                error is null ? new PublishResult(firstOffset + i, null) : new PublishResult(-1, error));
    }

    /// <summary>
    /// Takes no more, finishes what was admitted, and writes a mark that lets a later opening tell damage of
    /// the last records from a torn tail.
    /// </summary>
    public async Task CloseAsync()
    {
        lock (_lock) _isClosed = true;
        await _running.ConfigureAwait(false);
        if (_hasAppended && _appender is not null)
        {
            _round.Clear();
            try
            {
                await AppendRoundAsync().ConfigureAwait(false);
            }
            catch (Exception e)
            {
                FailRound(e); // every record answered is durable all the same
            }
        }
        _appender?.Dispose();
        _appender = null;
    }
}
