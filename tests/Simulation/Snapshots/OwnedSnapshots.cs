using System.Runtime.CompilerServices;

namespace ReadStateStream.Simulation.Snapshots;

/// <summary>
/// The snapshot store as one process reaches it: slow, failing or away as the weather is, and out of reach once the
/// process is dead. What was under way then still arrives where the store is a server of its own.
/// </summary>
internal sealed class OwnedSnapshots(ISnapshotStore inner, ProcessLife life, SnapshotWeather weather, bool isServer, Tally tally, Trace trace)
    : ISnapshotStore
{
    private readonly ProcessLife life = life;

    public bool KeepsRows => inner.KeepsRows;

    /// <summary>A newer owner is at work: whatever arrives now is a zombie's.</summary>
    public bool IsSuperseded { get; set; }

    private Task<T> CallAsync<T>(string name, Func<Task<T>> effect, CancellationToken cancellation)
    {
        if (life.IsDead) return Task.FromException<T>(Unreachable(name));
        var end = weather.Decide();
        trace.Add("snapshot", name, (long)end);
        switch (end)
        {
            case CallEnd.Fail:
                tally.Add(TallyGroup.Fault, "snapshot call failed");
                return Task.FromException<T>(Unreachable(name));
            case CallEnd.LoseAnswer:
                return LoseAnswerAsync(name, effect);
            case CallEnd.Hold:
                tally.Add(TallyGroup.Fault, "snapshot call slow");
                return HoldAsync(name, effect, cancellation);
            default:
                NoteLate(name);
                return effect();
        }
    }

    private async Task<T> LoseAnswerAsync<T>(string name, Func<Task<T>> effect)
    {
        NoteLate(name);
        await effect().ConfigureAwait(false);
        tally.Add(TallyGroup.Fault, "snapshot acknowledgement lost");
        throw Unreachable(name);
    }

    private Task<T> HoldAsync<T>(string name, Func<Task<T>> effect, CancellationToken cancellation)
    {
        var done = new TaskCompletionSource<T>();
        if (cancellation.CanBeCanceled) cancellation.Register(() => done.TrySetCanceled(cancellation));
        weather.Hold(new HeldCall(name, life, Arrive));
        return done.Task;

        async void Arrive()
        {
            if (life.IsDead && !isServer) return;
            if (life.IsDead || done.Task.IsCompleted) tally.Add(TallyGroup.Fault, "late call of an abandoned ship");
            NoteLate(name);
            try
            {
                var result = await effect().ConfigureAwait(false);
                done.TrySetResult(result);
            }
            catch (Exception error)
            {
                done.TrySetException(error);
            }
        }
    }

    private void NoteLate(string name)
    {
        if (IsSuperseded && name is "rows" or "position" or "intent") tally.Add(TallyGroup.Other, "zombie's late " + name);
    }

    private static SnapshotUnavailableException Unreachable(string name) => new($"the simulated snapshot store does not answer ({name})");

    public Task<IReadOnlyList<LineageEntry>> ListLineagesAsync(CancellationToken cancellation) => inner.ListLineagesAsync(cancellation);

    public Task<LineageEntry> CreateLineageAsync(LineageIdentity identity, AnswerSettings answers, CancellationToken cancellation) =>
        inner.CreateLineageAsync(identity, answers, cancellation);

    public Task DescribeLineageAsync(long lineage, AnswerSettings answers, CancellationToken cancellation) =>
        inner.DescribeLineageAsync(lineage, answers, cancellation);

    public Task DropLineageAsync(long lineage, CancellationToken cancellation) => inner.DropLineageAsync(lineage, cancellation);

    public Task<SnapshotProgress> ReadProgressAsync(SnapshotPartition partition, CancellationToken cancellation) =>
        CallAsync("progress", () => inner.ReadProgressAsync(partition, cancellation), cancellation);

    public async Task<IShipment> BeginShipAsync(SnapshotPartition partition, long since, SnapshotMark target, CancellationToken cancellation)
    {
        var begun = await CallAsync("intent", () => inner.BeginShipAsync(partition, since, target, cancellation), cancellation).ConfigureAwait(false);
        return new Shipment(this, begun);
    }

    public async IAsyncEnumerable<SnapshotRow> ReadPartitionAsync(
        SnapshotPartition partition, long position, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await CallAsync("read rows", static () => Task.FromResult(true), cancellation).ConfigureAwait(false);
        var left = weather.RowsUntilBreak();
        await foreach (var row in inner.ReadPartitionAsync(partition, position, cancellation).ConfigureAwait(false))
        {
            if (left-- == 0)
            {
                tally.Add(TallyGroup.Fault, "snapshot read broke off");
                throw Unreachable("read rows");
            }
            yield return row;
        }
    }

    public Task<RowSet> ReadUserAsync(SnapshotPartition partition, ulong user, CancellationToken cancellation) =>
        inner.ReadUserAsync(partition, user, cancellation);

    public Task<RowSet> ReadChannelAsync(SnapshotPartition partition, ulong channel, CancellationToken cancellation) =>
        inner.ReadChannelAsync(partition, channel, cancellation);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class Shipment(OwnedSnapshots owned, IShipment inner) : IShipment
    {
        public Task WriteAsync(IReadOnlyList<SnapshotRow> aggregate, CancellationToken cancellation) =>
            owned.CallAsync("rows", () => Done(inner.WriteAsync(aggregate, cancellation)), cancellation);

        public Task CompleteAsync(CancellationToken cancellation) =>
            owned.CallAsync("position", () => Done(inner.CompleteAsync(cancellation)), cancellation);

        private static async Task<bool> Done(Task task)
        {
            await task.ConfigureAwait(false);
            return true;
        }

        public ValueTask DisposeAsync() => owned.life.IsDead ? ValueTask.CompletedTask : inner.DisposeAsync();
    }
}
