using Microsoft.Extensions.Logging;

namespace ReadStateStream.Partition.Log;

/// <summary>
/// The log of one partition on this machine's disk: FasterLog under frames of our own. Dense offsets from 0,
/// acknowledged only when synced, torn tail cut when it is opened, damage refused, kept whole unless
/// <see cref="CutBelow"/> is called. Thread-safe.
/// </summary>
public sealed class EmbeddedLog : IEventLog, ICuttableLog, IAsyncDisposable
{
    private readonly EmbeddedLogOptions _options;
    private readonly FileDevice _device;
    private readonly SparseIndex _index;
    private readonly GroupCommit _commits;
    private readonly LogBeginning _beginning;
    private readonly VerifiedLog _verified;
    private readonly uint _seed;
    private LogTail _tail = LogTail.Empty;

    private EmbeddedLog(string folder, Guid topic, int partition, EmbeddedLogOptions options, TimeProvider time, ILogger logger)
    {
        _options = options;
        Partition = partition;
        Logger = logger;
        _seed = LogFrame.Seed(topic, partition);
        _index = new SparseIndex(options.IndexIntervalBytes);
        _device = new FileDevice(Path.Combine(folder, "log"), new FileDeviceOptions { Durable = true, Disk = options.Disk });
        _device.Initialize(options.SegmentSizeBytes);
        _commits = new GroupCommit(this, _device, options, _seed, time);
        var heads = new SegmentHeads(_device, options.PageSizeBytes, _seed);
        _beginning = new LogBeginning(
            new NoteFile(options.Disk, folder, NoteFile.Begin, topic, partition), _device, _index, heads, partition, logger);
        _verified = new VerifiedLog(new NoteFile(options.Disk, folder, NoteFile.Verified, topic, partition), _device, heads, partition, logger);
    }

    /// <summary>
    /// Opens a partition's log, or makes it. Verifies every frame that was not verified before; cuts a torn tail. A log
    /// that cannot be opened is returned with <see cref="Refusal"/> set, its files untouched.
    /// </summary>
    internal static EmbeddedLog Open(
        string folder, Guid topic, int partition, EmbeddedLogOptions options, TimeProvider time, ILogger logger)
    {
        var log = new EmbeddedLog(folder, topic, partition, options, time, logger);
        var recovery = new LogRecovery(log._device, partition, options.PageSizeBytes, log._seed, log._index);
        try
        {
            Directory.CreateDirectory(folder);
            log._tail = recovery.Run(log._beginning.Find(), log._verified.Find());
            if (recovery.PassedOverVerified) LogEvents.VerifiedPassedOver(logger, partition, null);
            log._beginning.FinishCutAtOpen();
            log._verified.Advance(log._tail);
            log.CutBytesAtOpen = recovery.CutBytes;
            if (recovery.CutBytes > 0) LogEvents.TornTail(logger, partition, recovery.CutBytes, log.EndOffset);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            log.Refusal = e as IOException ?? new IOException($"Partition {partition} cannot be opened: {e.Message}", e);
            log._tail = LogTail.Empty with { GreatestStampedEventId = recovery.GreatestStampedSeen };
            LogEvents.Refused(logger, partition, e);
        }
        return log;
    }

    /// <summary>The partition's number.</summary>
    public int Partition { get; }

    /// <summary>
    /// Why this partition was not opened: a <see cref="LogDamagedException"/>, or the disk's error. Null for
    /// one that works; otherwise reading throws it and every append is answered with it.
    /// </summary>
    public IOException? Refusal { get; private set; }

    /// <summary>Bytes of a torn tail that were cut when this log was opened.</summary>
    public long CutBytesAtOpen { get; private set; }

    /// <summary>Greatest event id stamped at ingest among the durable records; 0 where there is none.</summary>
    public ulong GreatestStampedEventId => Tail.GreatestStampedEventId;

    /// <summary>Append time of the last durable record, milliseconds since the Unix epoch; 0 where there is none.</summary>
    public long LastAppendedUnixMs => Tail.LastAppendedUnixMs;

    /// <summary>Bytes of records that wait for their commit.</summary>
    public long PendingBytes => _commits.PendingBytes;

    /// <summary>What the partition's device has done.</summary>
    public FileDeviceCounters Device => _device.Counters;

    /// <inheritdoc/>
    public long BeginOffset => _beginning.Now.Offset;

    /// <inheritdoc/>
    public long EndOffset => Tail.NextOffset;

    /// <inheritdoc/>
    public Action? OnGrown { get; set; }

    internal ILogger Logger { get; }

    /// <summary>The durable end; replaced as a whole, so that address and offset belong together.</summary>
    internal LogTail Tail => Volatile.Read(ref _tail);

    /// <inheritdoc/>
    /// <exception cref="LogDamagedException">The partition is refused.</exception>
    public IEventLogReader OpenReader(long offset)
    {
        if (Refusal is not null) throw Refusal;
        ArgumentOutOfRangeException.ThrowIfLessThan(offset, BeginOffset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, EndOffset);
        return Open(offset);
    }

    // A cut meanwhile is met by the reader.
    private EmbeddedLogReader Open(long offset)
    {
        var (first, address) = FrameAtOrBelow(offset);
        var cursor = new EntryCursor(_device, _options.PageSizeBytes, _options.ReadBufferBytes, address);
        return new EmbeddedLogReader(this, cursor, _seed, first, offset);
    }

    /// <inheritdoc/>
    public bool TryFingerprint(long offset, out RecordFingerprint fingerprint)
    {
        fingerprint = default;
        if (offset < BeginOffset || offset >= EndOffset) return false;
        using var reader = Open(offset);
        try
        {
            if (!reader.TryRead(out var record)) return false;
            fingerprint = RecordHash.Of(record);
            return true;
        }
        catch (LogRecordsGoneException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public bool CutBelow(long offset, long appendedBeforeUnixMs, int filesMax)
    {
        if (Refusal is not null) throw Refusal;
        ArgumentOutOfRangeException.ThrowIfLessThan(filesMax, 1);
        var tail = Tail;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, tail.NextOffset);
        return _beginning.CutBelow(offset, appendedBeforeUnixMs, filesMax, tail);
    }

    /// <summary>A frame at which reading may begin, so that it meets an offset.</summary>
    internal (long Offset, long Address) FrameAtOrBelow(long offset)
    {
        var tail = Tail;
        return offset == tail.NextOffset ? (offset, tail.Address) : _index.Floor(offset);
    }

    /// <summary>Admits records for the next commit; false where none was, and all are answered.</summary>
    internal bool TryAppend(AppendRequest request)
    {
        if (Refusal is null) return _commits.TryAdd(request);
        request.Refuse(0, Refusal);
        return false;
    }

    /// <summary>Makes what a commit brought visible to readers. Called by the appender alone.</summary>
    internal void Advance(LogTail tail, List<(long Offset, long Address)> frames)
    {
        var hasGrown = tail.NextOffset > Tail.NextOffset;
        foreach (var (offset, address) in frames) _index.Add(offset, address);
        Volatile.Write(ref _tail, tail);
        _verified.Advance(tail);
        if (!hasGrown) return;
        try
        {
            OnGrown?.Invoke();
        }
        catch (Exception e)
        {
            // The records are durable: a listener's fault may not turn them into failed ones.
            LogEvents.GrownHandlerFailed(Logger, Partition, e);
        }
    }

    /// <summary>Finishes what was admitted and closes the files.</summary>
    public async ValueTask DisposeAsync()
    {
        await _commits.CloseAsync().ConfigureAwait(false);
        _beginning.Close();
        _device.Dispose();
    }
}
