using System.Buffers;
using FASTER.core;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// The device under the record log of a state store: segment files <c>records.n</c> with a checksum for each sector
/// of 512 bytes. It deletes nothing by itself, reports no failed write to FASTER, and hands over no byte that is not
/// the one written.
/// </summary>
/// <remarks>
/// FASTER 2.6.5 loses data on a failed write and knows no checksums. So a write that fails is kept (its memory stays
/// valid until the callback has run) and tried again until it succeeds: <see cref="Stuck"/>. A read that finds
/// something else than was written sets <see cref="Damage"/>, before its callback runs, and hands over zeros: FASTER
/// then finds no record there, and the owner publishes nothing computed after it.
/// <para>
/// A failed fsync means that what was written since the last one may be gone although the system still shows it; it
/// cannot be written again, since FASTER has reused the memory. <see cref="Flush"/> then throws, and the next one
/// that succeeds reads those segments back from the disk itself before it returns: damage, if they are gone.
/// </para>
/// </remarks>
public sealed class StateDevice : StorageDeviceBase
{
    /// <summary>Bytes of a sector: the unit of the checksums.</summary>
    public const int SectorBytes = SectorSums.SectorBytes;

    /// <summary>Most bytes that one <see cref="Verify"/> reads.</summary>
    public const int VerifySliceBytes = 1 << 20;

    private readonly StateDeviceOptions _options;
    private readonly SegmentFiles _files;
    private readonly SectorSums _sums;
    private readonly SumsFiles _sumsFiles;
    private readonly StuckWrites _stuck;
    private readonly CheckedSectors _sectors;
    private readonly IDeviceQueue _queue;
    private readonly InlineDeviceQueue? _inline;
    private readonly Lock _owner = new();
    private readonly HashSet<int> _suspects = [];
    private AlignedBuffer? _proving;
    private DamageException? _damage;
    private long _damaged;
    private volatile bool _disposed;

    /// <summary>Makes a device; files appear when they are first written.</summary>
    /// <param name="folder">Folder of the files <c>records.n</c> and <c>sums.n</c>.</param>
    /// <param name="options">How they are treated.</param>
    public StateDevice(string folder, StateDeviceOptions options)
        : base(Path.Combine(folder, "records"), SectorBytes, Devices.CAPACITY_UNSPECIFIED)
    {
        _options = options.Validated();
        _files = new SegmentFiles(FileName, options.Files());
        _sums = new SectorSums(options.SegmentBytes);
        _sumsFiles = new SumsFiles(folder, options, _sums, _files);
        _stuck = new StuckWrites(options) { OnRetry = RetryNow, OnChanged = state => OnStuckChanged?.Invoke(state) };
        _sectors = new CheckedSectors(options, _files, _sums, _stuck);
        _inline = options.Mode == DeviceMode.Threads ? null
            : new InlineDeviceQueue(Run, options.SegmentBytes, options.HeldWriteBytes) { IsHolding = options.Mode == DeviceMode.Held };
        _queue = _inline ?? (IDeviceQueue)new FileDeviceQueue(Run, options.MaxParallelism, "records");
        ThrottleLimit = options.ThrottleLimit;
        base.Initialize(options.SegmentBytes);
    }

    /// <summary>The first damage found; null: none. Set before the bytes are handed over. Any thread.</summary>
    public DamageException? Damage => Volatile.Read(ref _damage);

    /// <summary>Called once, with the first damage, on the thread that found it. Must not block.</summary>
    public Action<DamageException>? OnDamage { get; set; }

    /// <summary>Writes that failed and wait to be tried again; null: none. Any thread.</summary>
    public StuckWrite? Stuck => _stuck.State;

    /// <summary>Called when <see cref="Stuck"/> has changed, with its value, on the thread that found out. Must not block.</summary>
    public Action<StuckWrite?>? OnStuckChanged { get; set; }

    /// <summary>What the device has done so far.</summary>
    public StateDeviceCounters Counters
    {
        get
        {
            var done = _sectors.Counters;
            return new StateDeviceCounters(done.Reads, done.Writes, done.BytesRead, done.BytesWritten, done.Errors, done.Retries,
                done.Verified, Volatile.Read(ref _damaged), _queue.PendingWriteBytes, _stuck.Count);
        }
    }

    /// <summary>Operations that wait or run, without stuck writes.</summary>
    public int Waiting => _queue.Pending;

    /// <summary>
    /// With <see cref="DeviceMode.Held"/>: whether operations wait. False does them at once, as FASTER's recovery needs
    /// it, which waits without asking the device to complete anything.
    /// </summary>
    public bool IsHolding
    {
        get => _inline?.IsHolding ?? false;
        set
        {
            if (_inline is null || _options.Mode != DeviceMode.Held) throw new InvalidOperationException("the device holds no operations");
            _inline.IsHolding = value;
            if (!value) _inline.WaitIdle();
        }
    }

    // FASTER's side

    /// <inheritdoc/>
    public override void Initialize(long segmentSize, LightEpoch epoch = null!, bool omitSegmentIdFromFilename = false)
    {
        if (segmentSize != _options.SegmentBytes)
            throw new ArgumentException($"the store's segments have {segmentSize} bytes, the device's {_options.SegmentBytes}", nameof(segmentSize));
        base.Initialize(segmentSize, epoch, omitSegmentIdFromFilename);
    }

    /// <inheritdoc/>
    public override bool Throttle() => _queue.Pending > ThrottleLimit;

    /// <summary>
    /// Where the device has no threads: starts the stuck writes again, and with <see cref="DeviceMode.Held"/> does
    /// waiting operations until one read has ended, or one write where no read waits. FASTER calls it before it waits
    /// for a read, and while it waits for a page to close.
    /// </summary>
    public override bool TryComplete()
    {
        if (_inline is null || _disposed) return true;
        if (_stuck.State is not null) RetryNow();
        _inline.CompleteSome(_options.Choose ?? (static _ => 0));
        return true;
    }

    /// <summary>With <see cref="DeviceMode.Held"/>: does the operation at this place among the <see cref="Waiting"/>, oldest first.</summary>
    public void CompleteOne(int index)
    {
        if (_inline is null) throw new InvalidOperationException("the device holds no operations");
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_inline.Pending, nameof(index));
        _inline.CompleteOne(index);
    }

    /// <inheritdoc/>
    public override void WriteAsync(IntPtr sourceAddress, int segmentId, ulong destinationAddress, uint numBytesToWrite,
        DeviceIOCompletionCallback callback, object context) =>
        Add(FileDeviceVerb.Write, segmentId, destinationAddress, sourceAddress, numBytesToWrite, callback, context);

    /// <summary>
    /// Reads. What lies above the segment's end is zeros: FASTER asks for the record before one in its chain with the
    /// length of that one, and the shorter record may be the last of a segment.
    /// </summary>
    public override unsafe void ReadAsync(int segmentId, ulong sourceAddress, IntPtr destinationAddress, uint readLength,
        DeviceIOCompletionCallback callback, object context)
    {
        var inside = (uint)Math.Min(readLength, Math.Max(0, segmentSize - (long)sourceAddress));
        new Span<byte>((byte*)destinationAddress + inside, (int)(readLength - inside)).Clear();
        Add(FileDeviceVerb.Read, segmentId, sourceAddress, destinationAddress, inside, callback, context);
    }

    /// <summary>Nothing: only the owner removes segments, once no checkpoint needs them.</summary>
    public override void RemoveSegmentAsync(int segment, AsyncCallback callback, IAsyncResult result) => callback(result);

    /// <summary>Nothing, as <see cref="RemoveSegmentAsync"/>.</summary>
    public override void RemoveSegment(int segment)
    {
    }

    /// <summary>Nothing, as <see cref="RemoveSegmentAsync"/>.</summary>
    public override void TruncateUntilAddressAsync(long toAddress, AsyncCallback callback, IAsyncResult result) => callback(result);

    /// <summary>Nothing, as <see cref="RemoveSegmentAsync"/>.</summary>
    public override void TruncateUntilAddress(long toAddress)
    {
    }

    private void Add(FileDeviceVerb verb, int segment, ulong offset, IntPtr memory, uint length, DeviceIOCompletionCallback callback, object context)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if ((offset | length) % SectorBytes != 0 || offset + length > (ulong)segmentSize)
            throw new ArgumentException($"{length} bytes at {offset} are no whole sectors of a segment");
        _queue.Add(new FileDeviceRequest(verb, segment, (long)offset, memory, (int)length, callback, context));
    }

    private unsafe void Run(in FileDeviceRequest request)
    {
        if (request.Verb == FileDeviceVerb.Write)
        {
            if (!_sectors.TryWrite(request)) return; // kept: the callback runs when it has come off
        }
        else
        {
            var destination = new Span<byte>((void*)request.Memory, request.Length);
            try
            {
                _sectors.Read(request.Segment, request.Offset, destination);
            }
            catch (DamageException e)
            {
                Note(e);
                destination.Clear();
            }
        }
        request.Callback(0, (uint)request.Length, request.Context!);
    }

    private void Note(DamageException damage)
    {
        Interlocked.Increment(ref _damaged);
        if (Interlocked.CompareExchange(ref _damage, damage, null) is null) OnDamage?.Invoke(damage);
    }

    // The owner's side

    /// <summary>Starts the stuck writes again, without waiting for the time of their retry.</summary>
    public void RetryNow()
    {
        if (_disposed) return;
        foreach (var request in _stuck.TakeForRetry()) _queue.Add(request);
    }

    /// <summary>
    /// Reads from the files on the caller's thread, checked. Address and length are whole sectors; what lies above the
    /// last bytes written are zeros. Without allocation.
    /// </summary>
    /// <exception cref="DamageException">The bytes are not those written; <see cref="Damage"/> is set.</exception>
    public void Read(long address, Span<byte> destination)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (((ulong)address | (uint)destination.Length) % SectorBytes != 0) throw new ArgumentException($"{destination.Length} bytes at {address} are no whole sectors");
        try
        {
            while (destination.Length > 0)
            {
                var offset = address % segmentSize;
                var length = (int)Math.Min(destination.Length, segmentSize - offset);
                _sectors.Read((int)(address / segmentSize), offset, destination[..length]);
                address += length;
                destination = destination[length..];
            }
        }
        catch (DamageException e)
        {
            Note(e);
            throw;
        }
    }

    /// <summary>Asks the system to read ahead, as far as the segment goes.</summary>
    public void Prefetch(long address, long length)
    {
        var offset = address % segmentSize;
        _files.Prefetch((int)(address / segmentSize), offset, Math.Min(length, segmentSize - offset));
    }

    /// <summary>
    /// Fsync of what was written since the last call, and of the folder. After a failed one the next that succeeds
    /// reads back what may be lost.
    /// </summary>
    /// <exception cref="IOException">Something is not known to be on the disk: no checkpoint may count on it.</exception>
    /// <exception cref="DamageException">Something is known not to be there, or damage was found before.</exception>
    public void Flush()
    {
        lock (_owner)
        {
            ThrowIfDamaged();
            SyncSegments();
            foreach (var suspect in _suspects.ToArray())
            {
                ReadBack(suspect);
                _suspects.Remove(suspect);
            }
        }
    }

    private void SyncSegments()
    {
        var segments = _files.TakeUnsynced();
        for (var i = 0; i < segments.Length; i++)
        {
            try
            {
                _files.Sync(segments[i]);
            }
            catch
            {
                _suspects.Add(segments[i]);
                foreach (var segment in segments.AsSpan(i)) _files.NoteWritten(segment);
                throw;
            }
        }
        _files.SyncFolderIfChanged();
    }

    private void ReadBack(int segment)
    {
        _files.Forget(segment, 0, segmentSize);
        var buffer = ArrayPool<byte>.Shared.Rent(VerifySliceBytes);
        try
        {
            for (var offset = 0L; offset < segmentSize; offset += VerifySliceBytes)
                Read((segment * segmentSize) + offset, buffer.AsSpan(0, (int)Math.Min(VerifySliceBytes, segmentSize - offset)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Reads a slice of at most <see cref="VerifySliceBytes"/> back from the disk itself, not from the system's copy of
    /// it, and holds it against the checksums. Only what is flushed.
    /// </summary>
    /// <returns>
    /// The address up to which everything below holds: <paramref name="to"/> at the end. The address asked for where
    /// it cannot be told now, because a write in it is <see cref="Stuck"/>: to be asked again later.
    /// </returns>
    /// <exception cref="DamageException">A sector does not hold, has no checksum, or cannot be read; <see cref="Damage"/> is set.</exception>
    public long Verify(long from, long to)
    {
        if (from >= to) return to;
        var start = from & -SectorBytes;
        var end = Math.Min(Math.Min((to + SectorBytes - 1) & -SectorBytes, start + VerifySliceBytes), (start / segmentSize + 1) * segmentSize);
        end = start + CheckedSectors.SliceOf(start, (int)(end - start), VerifySliceBytes);
        var segment = (int)(start / segmentSize);
        _files.Forget(segment, start % segmentSize, end - start);
        var buffer = Interlocked.Exchange(ref _proving, null) ?? new AlignedBuffer(VerifySliceBytes);
        try
        {
            var read = _sectors.Read(segment, start % segmentSize, buffer.Bytes[..(int)(end - start)], proving: true);
            return Math.Clamp(start + read, from, to);
        }
        catch (DamageException e)
        {
            Note(e);
            throw;
        }
        finally
        {
            _proving = buffer;
        }
    }

    /// <summary>
    /// Makes the bytes below a tail final and saves their checksums, both on the disk when it returns. FASTER must
    /// have flushed up to the tail. What lies below is not written again, whatever FASTER writes.
    /// </summary>
    /// <exception cref="IOException">Not everything reached the disk; to be asked again.</exception>
    /// <exception cref="DamageException">What was written does not hold, or damage was found before.</exception>
    public SumsMark SaveSums(long tail)
    {
        lock (_owner)
        {
            ThrowIfDamaged();
            ArgumentOutOfRangeException.ThrowIfLessThan(tail, _sumsFiles.SavedTail);
            uint tailSum;
            try
            {
                tailSum = _sectors.Settle(tail);
            }
            catch (DamageException e)
            {
                Note(e);
                throw;
            }
            Flush(); // the cut sector may have been written again since the caller's
            return _sumsFiles.Save(tail, tailSum);
        }
    }

    /// <summary>
    /// Begins with what a manifest names: its checksums are loaded and proven, and everything above its tail counts as
    /// never written. Before FASTER uses the device. After a <see cref="DamageException"/> the device is empty, and
    /// another mark may be tried; <see cref="Damage"/> is not set by it.
    /// </summary>
    /// <param name="mark">From the manifest.</param>
    /// <param name="beginAddress">Segments that end at or below are not looked at.</param>
    /// <exception cref="DamageException">Files are missing or short, or do not match the mark.</exception>
    public void LoadSums(SumsMark mark, long beginAddress)
    {
        lock (_owner)
        {
            try
            {
                _sumsFiles.Load(mark, beginAddress);
                _sectors.Begin(mark.Tail, mark.TailSum);
            }
            catch
            {
                _sumsFiles.Clear();
                _sectors.Begin(0, 0);
                throw;
            }
        }
    }

    /// <summary>Deletes the segments that end at or below an address, with their checksums, and syncs the folder.</summary>
    /// <exception cref="IOException">Not all of it is known to be done; to be asked again.</exception>
    public void RemoveSegmentsBelow(long address)
    {
        lock (_owner)
        {
            _sectors.ForgetBelow(address / segmentSize * segmentSize);
            _sumsFiles.RemoveBelow((int)(address / segmentSize));
        }
    }

    /// <summary>Returns when no operation waits or runs; stuck writes do not count. Not from a callback.</summary>
    public void WaitIdle() => _queue.WaitIdle();

    /// <summary>Stops as a killed process does: what waits is not done, and no callback runs any more. Without threads only.</summary>
    public void Abandon()
    {
        if (_inline is null) throw new InvalidOperationException("a device with threads finishes what it has begun");
        _inline.Drop();
        Close();
    }

    /// <summary>
    /// Finishes what waits and closes the files; deletes nothing. Stuck writes are tried once more, and dropped
    /// without a callback where they fail again.
    /// </summary>
    public override void Dispose()
    {
        if (_disposed) return;
        RetryNow();
        Close();
    }

    private void Close()
    {
        _disposed = true;
        _stuck.Dispose();
        _queue.Dispose();
        _files.Dispose();
        _sumsFiles.Dispose();
        _sectors.Dispose();
    }

    private void ThrowIfDamaged()
    {
        if (Damage is { } damage) throw new DamageException(damage.Segment, damage.Address, damage.Reason, damage);
    }
}
