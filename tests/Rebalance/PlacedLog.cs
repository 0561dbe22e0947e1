using ReadStateStream.Crash;
using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Rebalance;

/// <summary>A generated log, with the place of each of its events in the topic: what is true as of any positions can be told.</summary>
internal sealed class PlacedLog(LoadLog log)
{
    private readonly List<(int Partition, long Offset)> places = [];
    private readonly Lock gate = new();
    private TaskCompletionSource acknowledged = Done();
    private int handedOut;

    /// <summary>The log.</summary>
    public LoadLog Log => log;

    /// <summary>The next few events, on their way from now on.</summary>
    public IReadOnlyList<ChannelEvent> Next(int count)
    {
        lock (gate)
        {
            var some = log.Next(count);
            handedOut = places.Count + some.Count;
            acknowledged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return some;
        }
    }

    /// <summary>The broker has them there.</summary>
    public void Acknowledge(IReadOnlyList<(int Partition, long Offset)> theirs)
    {
        lock (gate)
        {
            places.AddRange(theirs);
            log.Acknowledge(theirs.Count);
            acknowledged.TrySetResult();
        }
    }

    /// <summary>Completes once the place of everything that was handed out up to now is known.</summary>
    public async Task SettleAsync(CancellationToken cancellation)
    {
        int until;
        lock (gate) until = handedOut;
        while (true)
        {
            Task next;
            lock (gate)
            {
                if (places.Count >= until) return;
                next = acknowledged.Task;
            }
            await next.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>What is true as of positions; a partition without one counts whole.</summary>
    public ReadStateOracle AsOf(OraclePolicy policy, int partitions, IReadOnlyDictionary<int, long> positions)
    {
        List<ChannelEvent> told = [];
        lock (gate)
        {
            var published = log.Published;
            for (var i = 0; i < published.Count; i++)
                if (!positions.TryGetValue(places[i].Partition, out var position) || places[i].Offset < position)
                    told.Add(published[i]);
        }
        return new ReadStateOracle(policy, partitions).AppendAll(told);
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }
}
