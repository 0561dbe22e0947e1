// Questions on their way to the partition's writer.
//
// Invariants:
// - At most Capacity questions wait, whatever for; beyond it the caller is told so.
// - Only the writer takes questions out; a question whose caller has gone is dropped.
using System.Collections.Concurrent;

namespace ReadStateStream.Partition.Query;

/// <summary>The partition's mailbox.</summary>
internal sealed class QuestionQueue(int partition)
{
    /// <summary>Questions that may wait for one partition.</summary>
    public const int Capacity = 4096;

    /// <summary>From so many waiting on, those whose callers have gone are looked for.</summary>
    private const int PruneAt = Capacity / 4;

    private readonly ConcurrentQueue<PartitionQuestion> arrived = new();
    private readonly PriorityQueue<PartitionQuestion, long> waiting = new();
    private readonly Queue<PartitionQuestion> cold = new();
    private readonly Queue<PartitionQuestion> ready = new();
    private int count;
    private Exception? closed;

    /// <summary>Questions that could be answered now or after a fetch.</summary>
    public bool HasWork(long position) =>
        !arrived.IsEmpty || ready.Count > 0 || cold.Count > 0 || (waiting.TryPeek(out _, out var atLeast) && atLeast <= position);

    /// <exception cref="QueryQueueFullException">Too many wait.</exception>
    public void Add(PartitionQuestion question)
    {
        if (Interlocked.Increment(ref count) > Capacity)
        {
            Interlocked.Decrement(ref count);
            throw new QueryQueueFullException(partition);
        }
        arrived.Enqueue(question);
        if (Volatile.Read(ref closed) is { } reason) FailArrived(reason);
    }

    /// <summary>The next question that may be answered at this position.</summary>
    public bool TryTake(long position, out PartitionQuestion question)
    {
        if (waiting.Count >= PruneAt) Prune();
        while (arrived.TryDequeue(out var next))
            if (next.AtLeast <= position) ready.Enqueue(next);
            else waiting.Enqueue(next, next.AtLeast);
        while (waiting.TryPeek(out var due, out var atLeast) && (atLeast <= position || due.Abandoned)) ready.Enqueue(waiting.Dequeue());
        while (ready.TryDequeue(out question!))
        {
            if (!question.Abandoned) return true;
            Interlocked.Decrement(ref count);
        }
        return false;
    }

    /// <summary>The question missed a record; it comes again with <see cref="Reheat"/>.</summary>
    public void Chill(PartitionQuestion question) => cold.Enqueue(question);

    public bool HasCold => cold.Count > 0;

    /// <summary>The records asked for have come.</summary>
    public void Reheat()
    {
        while (cold.TryDequeue(out var question)) ready.Enqueue(question);
    }

    /// <summary>The question was answered or failed.</summary>
    public void Done() => Interlocked.Decrement(ref count);

    /// <summary>Fails all that wait and all that come; called by the writer.</summary>
    public void Close(Exception reason)
    {
        Volatile.Write(ref closed, reason);
        FailArrived(reason);
        while (waiting.TryDequeue(out var question, out _)) Fail(question, reason);
        while (ready.TryDequeue(out var question)) Fail(question, reason);
        while (cold.TryDequeue(out var question)) Fail(question, reason);
    }

    /// <summary>Takes questions again after a <see cref="Close"/>.</summary>
    public void Open() => Volatile.Write(ref closed, null);

    private void FailArrived(Exception reason)
    {
        while (arrived.TryDequeue(out var question)) Fail(question, reason);
    }

    private void Fail(PartitionQuestion question, Exception reason)
    {
        Interlocked.Decrement(ref count);
        question.Fail(reason);
    }

    private void Prune()
    {
        var kept = waiting.UnorderedItems.Where(item => !item.Element.Abandoned).ToArray();
        Interlocked.Add(ref count, kept.Length - waiting.Count);
        waiting.Clear();
        waiting.EnqueueRange(kept);
    }
}
