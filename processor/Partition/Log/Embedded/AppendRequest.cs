namespace ReadStateStream.Partition.Log;

/// <summary>One call of PublishAsync: its results, and how many of its partitions have yet to answer.</summary>
internal sealed class PublishCall(IReadOnlyList<OutgoingRecord> records, CancellationToken cancellation)
{
    private readonly TaskCompletionSource<PublishResult[]> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _open = 1;

    public IReadOnlyList<OutgoingRecord> Records { get; } = records;

    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>Results in the order of the records; each slot is written by one partition.</summary>
    public PublishResult[] Results { get; } = new PublishResult[records.Count];

    public Task<PublishResult[]> Completion => _completion.Task;

    public void Open() => Interlocked.Increment(ref _open);

    public void Close()
    {
        if (Interlocked.Decrement(ref _open) == 0) _completion.SetResult(Results);
    }
}

/// <summary>
/// The records of one call that go to one partition, in their order. The caller's memory is read until the
/// call completes; so a cancellation counts only before the first of them is taken.
/// </summary>
internal sealed class AppendRequest(PublishCall call, int[] indexes, int count)
{
    private int _taken;
    private int _answered;

    /// <summary>Records not yet taken into a commit.</summary>
    public int Left => count - _taken;

    public bool IsCancelled => _taken == 0 && call.Cancellation.IsCancellationRequested;

    /// <summary>Records of this request, and so the bytes, that the partition admitted.</summary>
    public int Count => count;

    /// <summary>Drops the records from a place on, with an error: they were not admitted.</summary>
    public void Refuse(int from, Exception error)
    {
        for (var i = from; i < count; i++) call.Results[indexes[i]] = new PublishResult(-1, error);
        count = from;
    }

    public OutgoingRecord RecordAt(int place) => call.Records[indexes[place]];

    /// <summary>A record by its place among the call's results.</summary>
    public OutgoingRecord RecordOf(int resultPlace) => call.Records[resultPlace];

    public OutgoingRecord Next => RecordAt(_taken);

    /// <summary>Takes the next record and returns its place among the results.</summary>
    public int Take() => indexes[_taken++];

    /// <summary>Answers one record taken; the last one closes the partition's part of the call.</summary>
    public void Answer(int resultPlace, PublishResult result)
    {
        call.Results[resultPlace] = result;
        if (++_answered == count) call.Close();
    }
}
