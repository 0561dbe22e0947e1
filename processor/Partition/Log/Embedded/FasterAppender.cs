using FASTER.core;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// One FasterLog from its opening to its first I/O error. After an error FasterLog stays broken for good
/// ("canned" exception); the partition then makes a new one. Used by one thread at a time.
/// </summary>
/// <remarks>
/// It begins at the start of a page. FasterLog.Initialize in the middle of a page would not load what is
/// there, and the first flush would write zeros over the durable front of that sector; and so no sector that
/// is durable is ever written again by a later run. What is left of the page before is a hole in the file.
/// </remarks>
internal sealed class FasterAppender : IDisposable
{
    private readonly FileDevice _device;
    private readonly FasterLog _log;
    private readonly TaskCompletionSource<Exception> _failure = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public FasterAppender(FileDevice device, EmbeddedLogOptions options, long endAddress)
    {
        _device = device;
        device.OnWriteFailure = error => _failure.TrySetResult(error);
        _log = new FasterLog(new FasterLogSettings
        {
            LogDevice = device,
            PageSize = options.PageSizeBytes,
            MemorySize = (long)options.PageSizeBytes * options.MemoryPages,
            SegmentSize = options.SegmentSizeBytes,
            LogCommitManager = NoCommitFiles.Instance,
            LogChecksum = LogChecksumType.PerEntry,
            FastCommitMode = true,
            MutableFraction = 0,
            TryRecoverLatest = false,
        });
        var resume = NextPageStart(endAddress, options.PageSizeBytes);
        if (resume > LogFrame.FirstAddress) _log.Initialize(LogFrame.FirstAddress, resume);
    }

    private static long NextPageStart(long address, int pageSize) =>
        address == LogFrame.FirstAddress ? address : (address + pageSize - 1) & ~(pageSize - 1L);

    /// <summary>Puts a frame into memory; returns its address.</summary>
    /// <exception cref="IOException">The device has failed.</exception>
    public long Enqueue(FrameBuffer.Entry frame)
    {
        long address;
        while (!_log.TryEnqueue(frame, out address))
        {
            // The ring is larger than what is enqueued between two commits, so this waits for an eviction at most.
            ThrowIfFailed();
            Thread.Yield();
        }
        return address;
    }

    /// <summary>Completes when all that was enqueued is on the disk; returns the end of the commit's record.</summary>
    /// <exception cref="IOException">The device has failed; nothing may be concluded about what was enqueued.</exception>
    public async Task<long> CommitAsync()
    {
        var commit = _log.CommitAsync().AsTask();
        // FasterLog's word is not evidence, and it can miss an error: the device's own report goes first.
        await Task.WhenAny(commit, _failure.Task).ConfigureAwait(false);
        if (_failure.Task.IsCompleted) _ = commit.ContinueWith(static task => task.Exception, TaskScheduler.Default);
        ThrowIfFailed();
        await commit.ConfigureAwait(false);
        return _log.CommittedUntilAddress;
    }

    private void ThrowIfFailed()
    {
        if (_failure.Task.IsCompleted) throw new IOException("The log's device has failed.", _failure.Task.Result);
    }

    /// <summary>Waits for the device, so that no write out of the pages is under way when they go.</summary>
    public void Dispose()
    {
        _device.WaitIdle();
        _log.Dispose();
        _device.OnWriteFailure = null;
    }

    /// <summary>
    /// With FastCommitMode the log itself records its commits, and recovery is our own: no files beside it.
    /// </summary>
    private sealed class NoCommitFiles : ILogCommitManager
    {
        public static readonly NoCommitFiles Instance = new();

        public void Commit(long beginAddress, long untilAddress, byte[] commitMetadata, long commitNum, bool forceWriteMetadata) { }

        public byte[] GetCommitMetadata(long commitNum) => [];

        public IEnumerable<long> ListCommits() => [];

        public void RemoveCommit(long commitNum) { }

        public void RemoveAllCommits() { }

        public void OnRecovery(long commitNum) { }

        public void Dispose() { }
    }
}
