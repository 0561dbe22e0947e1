using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>The positions that an answer must have reached, and how long it may wait for them.</summary>
internal sealed class RequestedPositions
{
    private readonly long[] atLeast;
    private readonly int waitMs;
    private readonly TimeProvider time;
    private readonly CancellationToken stopping;

    /// <summary>
    /// ConnectException (InvalidArgument) for a partition that there is not and a wait beyond the limit. A wait ends
    /// when the process is stopping: whoever waits asks the next owner, and the stop is not held up.
    /// </summary>
    public RequestedPositions(
        Freshness? freshness, int partitionCount, int maxWaitMs, TimeProvider time, CancellationToken stopping)
    {
        this.time = time;
        this.stopping = stopping;
        atLeast = new long[partitionCount];
        if (freshness is null) return;
        if (freshness.WaitMs > (uint)maxWaitMs)
            throw new ConnectException(ConnectCode.InvalidArgument, $"wait_ms is {freshness.WaitMs}; it is 0 .. {maxWaitMs}");
        waitMs = (int)freshness.WaitMs;
        foreach (var wanted in freshness.AtLeast)
        {
            if (wanted.Partition >= (uint)partitionCount || wanted.Position > long.MaxValue)
                throw new ConnectException(ConnectCode.InvalidArgument,
                    $"there is no position {wanted.Position} of partition {wanted.Partition}");
            atLeast[wanted.Partition] = Math.Max(atLeast[wanted.Partition], (long)wanted.Position);
        }
    }

    /// <summary>The next offset that must be reached; 0: any.</summary>
    public long AtLeast(int partition) => atLeast[partition];

    /// <summary>
    /// Runs a read of these partitions. Where one of them is behind, the read has the request's wait for it;
    /// then ConnectException (DeadlineExceeded); Unavailable where the process stops meanwhile.
    /// </summary>
    public async Task<T> ReadAsync<T>(
        IEnumerable<IPartitionQueries> partitions, Func<CancellationToken, Task<T>> read, CancellationToken cancellation)
    {
        var behind = partitions.Where(Behind).ToArray();
        if (behind.Length == 0) return await read(cancellation);
        if (waitMs == 0) throw NotReached(behind);
        using var deadline = new CancellationTokenSource(TimeSpan.FromMilliseconds(waitMs), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, stopping, cancellation);
        try
        {
            return await read(either.Token);
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw NotReached(behind);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new ConnectException(ConnectCode.Unavailable, "the processor is being stopped");
        }
    }

    private bool Behind(IPartitionQueries partition) => partition.Position < AtLeast(partition.Number);

    private ConnectException NotReached(IPartitionQueries[] behind)
    {
        var one = Array.Find(behind, Behind) ?? behind[0];
        return new ConnectException(ConnectCode.DeadlineExceeded,
            $"partition {one.Number} is at {one.Position} after {waitMs} ms; {AtLeast(one.Number)} was asked for");
    }
}
