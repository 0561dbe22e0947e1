using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Snapshot;

namespace ReadStateStream.QueryApi.Snapshots;

/// <summary>Users whose rows a question needs, by partition.</summary>
internal sealed class NeededUsers
{
    private readonly Dictionary<int, HashSet<ulong>> byPartition = [];

    public IEnumerable<int> Partitions => byPartition.Keys;

    public IEnumerable<ulong> Of(int partition) => byPartition[partition];

    public void Add(int partition, ulong user)
    {
        // User 0 holds the partition's dead letters, which every answer counts.
        if (!byPartition.TryGetValue(partition, out var users)) byPartition[partition] = users = [0];
        users.Add(user);
    }
}

/// <summary>
/// Fetches the rows that a question needs and computes it, with the position of each partition read before and after.
/// Invariants: what is computed holds all records below the position read before; where that is also the position
/// after and no row lies above, exactly these. A position that moves meanwhile makes it begin anew, a bounded number
/// of times; then the first one is a lower bound.
/// </summary>
internal sealed class SnapshotReader(
    SnapshotCalls calls, IOptions<SnapshotReadOptions> options, IOptions<AnswerOptions> answers, TimeProvider time)
{
    private const int AttemptsMax = 3;

    private readonly int readsMax = options.Value.ReadsMax;
    private readonly int rowsMax = options.Value.RowsMax;
    private readonly int retryAfterSeconds = answers.Value.RetryAfterSeconds;

    /// <summary>Computes a question over the rows of partitions, by number.</summary>
    /// <param name="lineage">Whose rows.</param>
    /// <param name="needed">Users read, by partition.</param>
    /// <param name="channelsFirst">Channels of a partition fetched at first, where more are missed; doubles.</param>
    /// <param name="wait">Positions that the snapshot must have reached.</param>
    /// <param name="compute">Called until no channel is missed; what it returned last counts.</param>
    /// <param name="cancellation">Gives it up.</param>
    public Task<Answered<T>> ReadAsync<T>(
        LineageEntry lineage, NeededUsers needed, int channelsFirst, PositionWait wait,
        Func<IReadOnlyDictionary<int, PartitionRows>, T> compute, CancellationToken cancellation) =>
        calls.QuestionAsync(async stop =>
        {
            for (var attempt = 1; ; attempt++)
            {
                var parts = await OpenAsync(lineage, needed.Partitions, wait, stop);
                await FetchUsersAsync(parts.Values, needed, stop);
                var found = await ComputeAsync(parts, channelsFirst, compute, stop);
                await CloseAsync(parts.Values, stop);
                if (attempt < AttemptsMax && parts.Values.Any(p => !p.Held)) continue;
                var now = time.GetUtcNow();
                return new Answered<T>(found, [.. parts.Values.Select(p => p.Freshness(now))]);
            }
        }, cancellation);

    private async Task<SortedDictionary<int, PartitionRows>> OpenAsync(
        LineageEntry lineage, IEnumerable<int> partitions, PositionWait wait, CancellationToken cancellation)
    {
        var parts = new SortedDictionary<int, PartitionRows>();
        await ForEachAsync(partitions, async (number, stop) =>
        {
            var partition = new SnapshotPartition(lineage.Number, number);
            var progress = await calls.ReadProgressAsync(partition, stop);
            // Rows without a position say nothing of what they lack.
            var mark = progress.Shipped ?? throw Problems.SnapshotUnavailable(
                $"of partition {number} of lineage {lineage.Number} no snapshot was completed yet", retryAfterSeconds);
            lock (parts) parts[number] = new PartitionRows(partition, mark);
        }, cancellation);
        var reached = parts.Select(p => new PartitionPosition { Partition = (uint)p.Key, Position = (ulong)p.Value.Mark.Position }).ToList();
        return wait.IsReached(reached) ? parts : throw new SnapshotTooOldException(reached);
    }

    private Task FetchUsersAsync(IEnumerable<PartitionRows> parts, NeededUsers needed, CancellationToken cancellation) =>
        ForEachAsync(parts.SelectMany(part => needed.Of(part.Partition.Number).Select(user => (part, user))), async (read, stop) =>
        {
            read.part.AddUser(await calls.ReadUserAsync(read.part.Partition, read.user, stop));
            EnsureBounded(read.part);
        }, cancellation);

    private async Task<T> ComputeAsync<T>(
        IReadOnlyDictionary<int, PartitionRows> parts, int channelsFirst, Func<IReadOnlyDictionary<int, PartitionRows>, T> compute,
        CancellationToken cancellation)
    {
        for (var most = channelsFirst; ; most = (int)Math.Min(int.MaxValue, 2L * most))
        {
            foreach (var part in parts.Values) part.Begin();
            var found = Computed(parts, compute);
            var missed = parts.Values.SelectMany(part => part.MissedChannels.Take(most).Select(channel => (part, channel))).ToList();
            if (missed.Count == 0) return found;
            await ForEachAsync(missed, async (read, stop) =>
            {
                read.part.AddChannel(read.channel, await calls.ReadChannelAsync(read.part.Partition, read.channel, stop));
                EnsureBounded(read.part);
            }, cancellation);
            EnsureBounded([.. parts.Values]);
        }
    }

    private T Computed<T>(IReadOnlyDictionary<int, PartitionRows> parts, Func<IReadOnlyDictionary<int, PartitionRows>, T> compute)
    {
        try
        {
            return compute(parts);
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            throw calls.Damaged($"rows of the snapshot contradict each other or do not decode: {e.Message}");
        }
    }

    private Task CloseAsync(IEnumerable<PartitionRows> parts, CancellationToken cancellation) =>
        ForEachAsync(parts, async (part, stop) =>
        {
            var progress = await calls.ReadProgressAsync(part.Partition, stop);
            part.Held = progress.Shipped?.Position == part.Mark.Position;
        }, cancellation);

    private void EnsureBounded(params PartitionRows[] parts)
    {
        if (parts.Sum(p => (long)p.Count) > rowsMax)
            throw Problems.SnapshotOverloaded($"the answer needs more than {rowsMax} rows: the limit is the setting SnapshotReads__RowsMax", retryAfterSeconds);
    }

    private Task ForEachAsync<T>(IEnumerable<T> items, Func<T, CancellationToken, Task> read, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            items, new ParallelOptions { MaxDegreeOfParallelism = readsMax, CancellationToken = cancellation },
            async (item, stop) => await read(item, stop));
}
