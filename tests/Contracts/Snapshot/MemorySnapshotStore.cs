// The snapshot store as Cassandra keeps it, in memory: every cell by its version, rows visible as soon as they are
// written and so ahead of the position, no order among writers but that of versions. The model that others are
// compared with, so it shares no code with the `files` store.
using System.Runtime.CompilerServices;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Contracts.Snapshot;

/// <summary>A deterministic store: a call completes inline unless it is held. Thread-safe.</summary>
public sealed class MemorySnapshotStore(TimeProvider time) : ISnapshotStore
{
    private sealed record Cell(Key16 Root, long Version, byte[] Value);

    private sealed class Rows
    {
        public readonly Dictionary<Key16, Cell> Cells = [];
        public readonly List<SnapshotMark> Intents = [];
        public SnapshotMark? Shipped;
    }

    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, LineageEntry> _lineages = [];
    private readonly Dictionary<SnapshotPartition, Rows> _partitions = [];
    private readonly List<HeldCall> _held = [];
    private long _lastLineage = LineageEntry.FirstNumber - 1;

    /// <summary>Decides what becomes of each call; null: all are served.</summary>
    public Func<SnapshotCall, CallFate>? Decide { get; set; }

    /// <summary>Rows a ship may have on their way before <see cref="IShipment.WriteAsync"/> waits, aggregates.</summary>
    public int InFlightMax { get; init; } = 64;

    /// <summary>Calls that are held, in the order in which they came.</summary>
    public IReadOnlyList<HeldCall> Held
    {
        get
        {
            lock (_lock) return [.. _held];
        }
    }

    /// <summary>Rows written so far, losing ones included.</summary>
    public long RowsWritten { get; private set; }

    public bool KeepsRows => true;

    private Task<T> CallAsync<T>(SnapshotCall call, Func<T> effect)
    {
        try
        {
            switch (Decide?.Invoke(call) ?? CallFate.Serve)
            {
                case CallFate.Fail:
                    throw Unreachable(call);
                case CallFate.LoseAcknowledgement:
                    Apply(effect);
                    throw Unreachable(call);
                case CallFate.Hold:
                    return HoldAsync(call, effect);
                case CallFate.HoldAcknowledgement:
                    var result = Apply(effect);
                    return HoldAsync(call, () => result);
                default:
                    return Task.FromResult(Apply(effect));
            }
        }
        catch (Exception e)
        {
            return Task.FromException<T>(e);
        }
    }

    private T Apply<T>(Func<T> effect)
    {
        lock (_lock) return effect();
    }

    private static SnapshotUnavailableException Unreachable(SnapshotCall call) => new($"{call.Kind} did not answer");

    private Task<T> HoldAsync<T>(SnapshotCall call, Func<T> effect)
    {
        // Continued inline by whoever releases it, so that a simulation stays on its one thread.
        var done = new TaskCompletionSource<T>();
        var held = new HeldCall(call, serve =>
        {
            if (!serve)
            {
                done.SetException(Unreachable(call));
                return;
            }
            try
            {
                done.SetResult(Apply(effect));
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        });
        held.Gone = gone =>
        {
            lock (_lock)
                if (!_held.Remove(gone))
                    throw new InvalidOperationException("released before");
        };
        lock (_lock) _held.Add(held);
        return done.Task;
    }

    private static SnapshotCall Of(SnapshotCallKind kind, SnapshotPartition partition = default, long target = 0) => new(kind, partition, target);

    private void Require(long lineage)
    {
        if (!_lineages.ContainsKey(lineage)) throw new LineageGoneException(lineage);
    }

    private Rows? Find(SnapshotPartition partition)
    {
        Require(partition.Lineage);
        return _partitions.GetValueOrDefault(partition);
    }

    private Rows Open(SnapshotPartition partition)
    {
        if (Find(partition) is { } rows) return rows;
        return _partitions[partition] = new Rows();
    }

    public Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation) =>
        CallAsync<IReadOnlyList<LineageEntry>>(Of(SnapshotCallKind.ListLineages), () => [.. _lineages.Values]);

    public Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation) =>
        CallAsync(Of(SnapshotCallKind.CreateLineage), () =>
        {
            var entry = new LineageEntry(++_lastLineage, identity, answers, time.GetUtcNow().ToUnixTimeMilliseconds());
            return _lineages[entry.Number] = entry;
        });

    public Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation) =>
        CallAsync(Of(SnapshotCallKind.DescribeLineage), () =>
        {
            Require(lineage);
            return _lineages[lineage] = _lineages[lineage] with { Answers = answers };
        });

    public Task DropLineageAsync(long lineage, CancellationToken cancellation) => CallAsync(Of(SnapshotCallKind.DropLineage), () =>
    {
        foreach (var partition in _partitions.Keys.Where(key => key.Lineage == lineage).ToList()) _partitions.Remove(partition);
        return _lineages.Remove(lineage);
    });

    public Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation) =>
        CallAsync(Of(SnapshotCallKind.ReadProgress, partition), () => Find(partition) is { } rows
            ? new SnapshotProgress(rows.Shipped, [.. rows.Intents.OrderBy(static intent => intent.Position)])
            : new SnapshotProgress(null, []));

    public async IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(
        SnapshotPartition partition, long position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var rows = await CallAsync(Of(SnapshotCallKind.ReadPartition, partition), () => (Find(partition)?.Shipped?.Position ?? 0) < position
            ? throw new SnapshotDamagedException($"the rows do not reach position {position}") : Select(partition, static _ => true)).ConfigureAwait(false);
        foreach (var row in rows)
        {
            cancellation.ThrowIfCancellationRequested();
            yield return row;
        }
    }

    public Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation) =>
        ReadAsync(SnapshotCallKind.ReadUser, partition, root => root.Kind is RecordKind.ReadState or RecordKind.User && root.User == user);

    public Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation) =>
        ReadAsync(SnapshotCallKind.ReadChannel, partition, root => root.Kind == RecordKind.Channel && root.Channel == channel);

    private Task<RowSet> ReadAsync(SnapshotCallKind kind, SnapshotPartition partition, Func<Key16, bool> isMeant) =>
        CallAsync(Of(kind, partition), () =>
        {
            var set = new RowSet();
            foreach (var row in Select(partition, isMeant)) set.Add(row);
            return set;
        });

    private List<SnapshotRow> Select(SnapshotPartition partition, Func<Key16, bool> isMeant) =>
    [
        .. (Find(partition)?.Cells ?? []).Where(cell => cell.Value.Value.Length > 0 && isMeant(cell.Value.Root))
            .OrderBy(static cell => cell.Value.Root.A).ThenBy(static cell => cell.Value.Root.B)
            .ThenBy(static cell => cell.Key.A).ThenBy(static cell => cell.Key.B)
            .Select(static cell => new SnapshotRow(cell.Value.Root, cell.Key, cell.Value.Version & ((1L << 44) - 1), cell.Value.Value)),
    ];

    public async Task<IShipment> BeginShipAsync(SnapshotPartition partition, long since, SnapshotMark target, CancellationToken cancellation) =>
        await CallAsync<IShipment>(Of(SnapshotCallKind.WriteIntent, partition, target.Position), () =>
        {
            var rows = Open(partition);
            RequireBase(rows, since);
            if (target.Position > (rows.Shipped?.Position ?? 0) && !rows.Intents.Contains(target)) rows.Intents.Add(target);
            return new Shipment(this, partition, since, target);
        }).ConfigureAwait(false);

    private static void RequireBase(Rows rows, long since)
    {
        var position = rows.Shipped?.Position ?? 0;
        if (since > position) throw new SnapshotBehindException(position, since);
    }

    private Task<bool> WriteRowsAsync(SnapshotPartition partition, SnapshotMark target, List<(SnapshotRow Row, byte[] Value)> aggregate) =>
        CallAsync(Of(SnapshotCallKind.WriteRows, partition, target.Position), () =>
        {
            var rows = Open(partition);
            foreach (var (row, value) in aggregate)
            {
                var cell = new Cell(row.Root, LineageEntry.Version(partition.Lineage, row.Offset), value);
                RowsWritten++;
                if (!rows.Cells.TryGetValue(row.Key, out var present) || Wins(cell, present)) rows.Cells[row.Key] = cell;
            }
            return true;
        });

    // As Cassandra settles equal timestamps: a tombstone, then the greater bytes.
    private static bool Wins(Cell cell, Cell present)
    {
        if (cell.Version != present.Version) return cell.Version > present.Version;
        if (present.Value.Length == 0) return false;
        return cell.Value.Length == 0 || cell.Value.AsSpan().SequenceCompareTo(present.Value) > 0;
    }

    private Task<bool> WritePositionAsync(SnapshotPartition partition, long since, SnapshotMark target) =>
        CallAsync(Of(SnapshotCallKind.WritePosition, partition, target.Position), () =>
        {
            var rows = Open(partition);
            RequireBase(rows, since);
            if (rows.Shipped is not { } shipped || shipped.Position < target.Position) rows.Shipped = target;
            rows.Intents.RemoveAll(intent => intent.Position <= rows.Shipped.Value.Position);
            return true;
        });

    /// <summary>Puts a partition's position back and keeps its rows, as an operator's backup may do.</summary>
    public void PutBack(SnapshotPartition partition, SnapshotMark mark)
    {
        lock (_lock) Open(partition).Shipped = mark;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Shipment(MemorySnapshotStore store, SnapshotPartition partition, long since, SnapshotMark target) : IShipment
    {
        private readonly List<Task> _inFlight = [];
        private Exception? _failure;
        private bool _ended;

        public async Task WriteAsync(IReadOnlyList<SnapshotRow> aggregate, CancellationToken cancellation)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            // Refused before anything is sent.
            foreach (var row in aggregate) _ = LineageEntry.Version(partition.Lineage, row.Offset);
            Collect();
            while (_inFlight.Count >= store.InFlightMax)
            {
                await Task.WhenAny(_inFlight).WaitAsync(cancellation).ConfigureAwait(false);
                Collect();
            }
            if (_failure is not null) return; // CompleteAsync says so.
            _inFlight.Add(store.WriteRowsAsync(partition, target, [.. aggregate.Select(static row => (row, row.Value.ToArray()))]));
        }

        private void Collect()
        {
            _failure ??= _inFlight.Find(static task => task.IsFaulted)?.Exception!.InnerException;
            _inFlight.RemoveAll(static task => task.IsCompleted);
        }

        public async Task CompleteAsync(CancellationToken cancellation)
        {
            ObjectDisposedException.ThrowIf(_ended, this);
            cancellation.ThrowIfCancellationRequested();
            _ended = true;
            while (_inFlight.Count > 0)
            {
                await Task.WhenAny(_inFlight).WaitAsync(cancellation).ConfigureAwait(false);
                Collect();
            }
            if (_failure is not null) throw new SnapshotUnavailableException("rows were not acknowledged", _failure);
            await store.WritePositionAsync(partition, since, target).WaitAsync(cancellation).ConfigureAwait(false);
        }

        public ValueTask DisposeAsync()
        {
            _ended = true;
            return ValueTask.CompletedTask;
        }
    }
}
