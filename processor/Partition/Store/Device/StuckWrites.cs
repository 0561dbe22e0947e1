using ReadStateStream.Partition.Log;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// The writes that failed. What they were to overwrite may be torn on the disk until they come off; their memory
/// stays valid until then, since FASTER is told nothing. Thread-safe. A timer runs only where the device has threads.
/// </summary>
internal sealed class StuckWrites(StateDeviceOptions options) : IDisposable
{
    private sealed class Entry(FileDeviceRequest request)
    {
        public FileDeviceRequest Request { get; } = request;

        /// <summary>Its attempts are used up: it waits for the next retry.</summary>
        public bool Waits { get; set; }
    }

    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];
    private StuckWrite? _state;
    private ITimer? _timer;
    private TimeSpan _delay;
    private bool _disposed;

    /// <summary>What is shown of it; null where nothing is stuck.</summary>
    public StuckWrite? State => Volatile.Read(ref _state);

    /// <summary>Called when it is time to try again.</summary>
    public required Action OnRetry { get; init; }

    /// <summary>Called when <see cref="State"/> has changed.</summary>
    public required Action<StuckWrite?> OnChanged { get; init; }

    /// <summary>Writes whose attempts are used up.</summary>
    public int Count
    {
        get { lock (_lock) return _entries.Count(static entry => entry.Waits); }
    }

    /// <summary>An attempt failed: its sectors may be torn.</summary>
    public void NoteFailure(in FileDeviceRequest request)
    {
        lock (_lock)
            if (Find(request) < 0)
                _entries.Add(new Entry(request));
    }

    /// <summary>The attempts are used up; a retry is due after a while.</summary>
    public void NoteStuck(in FileDeviceRequest request, Exception error)
    {
        StuckWrite state;
        lock (_lock)
        {
            _entries[Find(request)].Waits = true;
            var since = _state?.SinceUnixMs ?? options.Time.GetUtcNow().ToUnixTimeMilliseconds();
            state = new StuckWrite(error, since, FileDevice.IsDiskFull(error));
            Volatile.Write(ref _state, state);
            Schedule();
        }
        OnChanged(state);
    }

    /// <summary>The write came off. True where with it nothing is stuck any more: <see cref="OnChanged"/> is to be called.</summary>
    public bool NoteWritten(in FileDeviceRequest request)
    {
        lock (_lock)
        {
            if (_entries.Count == 0 || Find(request) is var found && found < 0) return false;
            _entries.RemoveAt(found);
            if (_entries.Count > 0 || _state is null) return false;
            Volatile.Write(ref _state, null);
            _delay = TimeSpan.Zero;
            return true;
        }
    }

    /// <summary>The writes to try again now; each once until it is stuck anew.</summary>
    public List<FileDeviceRequest> TakeForRetry()
    {
        lock (_lock)
        {
            List<FileDeviceRequest> taken = [];
            foreach (var entry in _entries)
                if (entry.Waits)
                {
                    entry.Waits = false;
                    taken.Add(entry.Request);
                }
            return taken;
        }
    }

    /// <summary>Copies a sector out of the memory of a failed write; false where none covers it. With no write under way.</summary>
    public unsafe bool TryCopy(int segment, long offset, Span<byte> sector)
    {
        lock (_lock)
        {
            foreach (var entry in _entries)
            {
                var (_, itsSegment, itsOffset, memory, length, _, _) = entry.Request;
                if (itsSegment != segment || offset < itsOffset || offset + sector.Length > itsOffset + length) continue;
                new ReadOnlySpan<byte>((byte*)memory + (offset - itsOffset), sector.Length).CopyTo(sector);
                return true;
            }
            return false;
        }
    }

    /// <summary>No more retries.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _timer?.Dispose();
            _timer = null;
        }
    }

    private int Find(FileDeviceRequest request) => _entries.FindIndex(entry =>
        ReferenceEquals(entry.Request.Context, request.Context) && entry.Request.Memory == request.Memory
        && entry.Request.Segment == request.Segment && entry.Request.Offset == request.Offset);

    private void Schedule()
    {
        if (_disposed || _timer is not null || options.Mode != DeviceMode.Threads) return;
        _delay = _delay == TimeSpan.Zero ? options.RetryDelay
            : _delay * 2 < options.LongestRetryDelay ? _delay * 2 : options.LongestRetryDelay;
        _timer = options.Time.CreateTimer(static state => ((StuckWrites)state!).Fire(), this, _delay, Timeout.InfiniteTimeSpan);
    }

    private void Fire()
    {
        lock (_lock)
        {
            _timer?.Dispose();
            _timer = null;
            if (_disposed) return;
        }
        OnRetry();
    }
}
