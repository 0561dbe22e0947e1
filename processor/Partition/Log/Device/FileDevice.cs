using FASTER.core;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// The device under FASTER's logs: segment files through <see cref="RandomAccess"/>, a bounded number of
/// threads of its own (a blocked fsync must not starve the pool), every error counted, retried a bounded
/// number of times and then reported. FASTER's own devices swallow errors and never sync.
/// </summary>
/// <remarks>
/// Invariants: a durable write's callback runs only after fsync of the file and, for a new segment, of the
/// folder. After a failed fsync the data is written again, not only synced again (the kernel drops the dirty
/// pages). Bytes beyond a file's end read as zeros. Every operation's callback runs exactly once.
/// </remarks>
public sealed class FileDevice : StorageDeviceBase
{
    private const int DiskFullErrno = 28;
    private const int QuotaErrno = 122;
    private const int DiskFullWindows = 112;

    private readonly FileDeviceOptions _options;
    private readonly SegmentFiles _files;
    private readonly FileDeviceQueue _queue;
    private long _reads, _writes, _bytesRead, _bytesWritten, _errors, _failures, _missing;
    private volatile bool _disposed;

    /// <summary>Makes a device; files appear when they are first written.</summary>
    /// <param name="pathPrefix">Path of the segment files without their number.</param>
    /// <param name="options">How the files are treated.</param>
    public FileDevice(string pathPrefix, FileDeviceOptions options)
        : base(pathPrefix, options.Validated().SectorSizeBytes, Devices.CAPACITY_UNSPECIFIED)
    {
        _options = options;
        _files = new SegmentFiles(pathPrefix, options);
        _queue = new FileDeviceQueue(Run, options.MaxParallelism, Path.GetFileName(pathPrefix));
        ThrottleLimit = options.ThrottleLimit;
    }

    /// <summary>
    /// Called on the device's thread when a write is given up, before its callback. Must not block.
    /// </summary>
    public Action<Exception>? OnWriteFailure { get; set; }

    /// <summary>What the device has done so far.</summary>
    public FileDeviceCounters Counters => new(
        Volatile.Read(ref _reads), Volatile.Read(ref _writes), Volatile.Read(ref _bytesRead),
        Volatile.Read(ref _bytesWritten), Volatile.Read(ref _errors), Volatile.Read(ref _failures),
        _queue.PendingWriteBytes, Volatile.Read(ref _missing));

    /// <summary>Whether an I/O error means that the disk (or the quota) is full.</summary>
    public static bool IsDiskFull(Exception error) => error is IOException &&
        (OperatingSystem.IsWindows() ? (error.HResult & 0xffff) == DiskFullWindows
            : error.HResult is DiskFullErrno or QuotaErrno);

    /// <inheritdoc/>
    public override void Initialize(long segmentSize, LightEpoch epoch = null!, bool omitSegmentIdFromFilename = false)
    {
        base.Initialize(segmentSize, epoch, omitSegmentIdFromFilename);
        _files.OmitNumber = omitSegmentIdFromFilename;
    }

    /// <inheritdoc/>
    public override bool Throttle() => _queue.Pending > ThrottleLimit;

    /// <inheritdoc/>
    public override void WriteAsync(IntPtr sourceAddress, int segmentId, ulong destinationAddress,
        uint numBytesToWrite, DeviceIOCompletionCallback callback, object context) =>
        _queue.Add(new FileDeviceRequest(FileDeviceVerb.Write, segmentId, (long)destinationAddress, sourceAddress,
            checked((int)numBytesToWrite), callback, context));

    /// <inheritdoc/>
    public override void ReadAsync(int segmentId, ulong sourceAddress, IntPtr destinationAddress,
        uint readLength, DeviceIOCompletionCallback callback, object context) =>
        _queue.Add(new FileDeviceRequest(FileDeviceVerb.Read, segmentId, (long)sourceAddress, destinationAddress,
            checked((int)readLength), callback, context));

    /// <inheritdoc/>
    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result) =>
        _queue.Add(new FileDeviceRequest(FileDeviceVerb.Remove, segment, 0, IntPtr.Zero, 0,
            (_, _, _) => callback(result), null));

    /// <inheritdoc/>
    public override void RemoveSegment(int segment) => Attempt(() => RemoveNow(segment));

    /// <inheritdoc/>
    public override long GetFileSize(int segment) => segmentSize > 0 ? segmentSize : _files.LengthOf(segment);

    /// <summary>Fsync of everything written since the last call, and of the folder: for devices that are not durable.</summary>
    /// <exception cref="IOException">Something did not reach the disk; the next call tries it again.</exception>
    public void Flush() => Attempt(_files.SyncAll);

    /// <summary>
    /// Reads from a log address on the caller's thread; bytes beyond the end of a file, and of segments that
    /// have none, are zeros. Without allocation.
    /// </summary>
    /// <exception cref="IOException">The disk does not answer; the attempts are used up.</exception>
    public void Read(long address, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        while (destination.Length > 0)
        {
            var segment = segmentSize > 0 ? (int)(address / segmentSize) : 0;
            var offset = segmentSize > 0 ? address % segmentSize : address;
            var length = segmentSize > 0 ? (int)Math.Min(destination.Length, segmentSize - offset) : destination.Length;
            ReadSegment(segment, offset, destination[..length]);
            address += length;
            destination = destination[length..];
        }
    }

    /// <summary>
    /// Advises the system that a stretch of the log is read soon; up to the end of the segment it begins in.
    /// Returns the address up to which it did.
    /// </summary>
    public long Prefetch(long address, long length)
    {
        var segment = segmentSize > 0 ? (int)(address / segmentSize) : 0;
        var offset = segmentSize > 0 ? address % segmentSize : address;
        if (segmentSize > 0) length = Math.Min(length, segmentSize - offset);
        _files.Prefetch(segment, offset, length);
        return address + length;
    }

    /// <summary>Number of the lowest segment on the disk; null where there is none.</summary>
    public int? FirstSegment() => _files.List() is [var first, ..] ? first : null;

    /// <summary>Address just above the last byte on the disk, 0 where there is none. Needs a segment size.</summary>
    public long FindEnd()
    {
        var segments = _files.List();
        return segments.Count == 0 ? 0 : segments[^1] * segmentSize + _files.LengthOf(segments[^1]);
    }

    /// <summary>
    /// Cuts everything at and above an address from the disk and syncs it. Not while operations are pending.
    /// </summary>
    /// <exception cref="IOException">The cut is not known to be on the disk.</exception>
    public void CutTo(long address) => Attempt(() =>
    {
        var last = (int)(address / segmentSize);
        // Highest first: a crash in between leaves a shorter log, never one with a hole.
        foreach (var segment in _files.List().AsEnumerable().Reverse())
        {
            if (segment > last) _files.Remove(segment);
            else if (segment == last && _files.LengthOf(segment) > address % segmentSize)
                _files.SetLength(segment, address % segmentSize);
        }
        _files.SyncFolderIfChanged();
    });

    /// <summary>Fsync of the segments from an address on, whoever wrote them: what is read there then lasts.</summary>
    public void SyncFrom(long address) => Attempt(() =>
    {
        foreach (var segment in _files.List())
            if (segment >= address / segmentSize)
                _files.Sync(segment);
        if (FileName is { } name && Path.GetDirectoryName(Path.GetFullPath(name)) is { } folder && Directory.Exists(folder))
            _options.Disk.SyncFolder(folder);
    });

    /// <summary>Returns when no operation is queued or running. Not from a callback.</summary>
    public void WaitIdle() => _queue.WaitIdle();

    /// <inheritdoc/>
    public override void Reset() => _files.CloseAll();

    /// <summary>Finishes what is queued, closes the files, and deletes them where they are scratch.</summary>
    public override void Dispose()
    {
        if (_disposed) return;
        _queue.Dispose();
        _disposed = true;
        _files.Dispose();
    }

    /// <summary>Runs one queued operation on a thread of the queue, its callback included.</summary>
    private unsafe void Run(in FileDeviceRequest request)
    {
        Exception? error = null;
        try
        {
            switch (request.Verb)
            {
                case FileDeviceVerb.Write:
                    WriteSegment(request.Segment, request.Offset, new ReadOnlySpan<byte>((void*)request.Memory, request.Length));
                    break;
                case FileDeviceVerb.Read:
                    ReadSegment(request.Segment, request.Offset, new Span<byte>((void*)request.Memory, request.Length));
                    break;
                default:
                    RemoveSegment(request.Segment);
                    break;
            }
        }
        catch (Exception e)
        {
            error = e; // reported through the callback: a throw here would end the device's thread
            if (request.Verb == FileDeviceVerb.Write) OnWriteFailure?.Invoke(e);
        }
        request.Callback(error is null ? 0 : ErrorCode(error), error is null ? (uint)request.Length : 0, request.Context!);
    }

    private static uint ErrorCode(Exception error) =>
        error is IOException && (error.HResult & 0xffff) is var code and not 0 ? (uint)code : uint.MaxValue;

    private void WriteSegment(int segment, long offset, ReadOnlySpan<byte> source)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                WriteOnce(segment, offset, source);
                Interlocked.Increment(ref _writes);
                Interlocked.Add(ref _bytesWritten, source.Length);
                return;
            }
            catch (Exception e) when (Again(e, attempt))
            {
            }
        }
    }

    private void WriteOnce(int segment, long offset, ReadOnlySpan<byte> source)
    {
        _files.Write(segment, offset, source);
        if (!_options.Durable)
        {
            _files.NoteWritten(segment);
            return;
        }
        _files.Sync(segment);
        _files.SyncFolderIfChanged();
    }

    private void ReadSegment(int segment, long offset, Span<byte> destination)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var read = ReadOnce(segment, offset, destination);
                destination[read..].Clear();
                Interlocked.Increment(ref _reads);
                Interlocked.Add(ref _bytesRead, read);
                return;
            }
            catch (Exception e) when (Again(e, attempt))
            {
            }
        }
    }

    private int ReadOnce(int segment, long offset, Span<byte> destination)
    {
        var read = _files.Read(segment, offset, destination);
        if (read < 0) Interlocked.Increment(ref _missing);
        return Math.Max(0, read);
    }

    private void RemoveNow(int segment)
    {
        _files.Remove(segment);
        if (_options.Durable) _files.SyncFolderIfChanged();
    }

    private void Attempt(Action operation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                operation();
                return;
            }
            catch (Exception e) when (Again(e, attempt))
            {
            }
        }
    }

    // Counts the error; true where the operation is to be tried once more.
    private bool Again(Exception error, int attempt)
    {
        Interlocked.Increment(ref _errors);
        if (attempt < _options.MaxAttempts && error is IOException && !IsDiskFull(error)) return true;
        Interlocked.Increment(ref _failures);
        return false;
    }
}
