using ReadStateStream.Fold;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Reading;
using ReadStateStream.Snapshot.Records;
using V1 = ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Snapshots;

/// <summary>
/// The snapshot store, for the partitions of a table that have no owner: computes from rows, by the same code, what
/// the owner would from its store. One object an attempt at an answer; it touches the store when it is asked.
/// </summary>
internal sealed class SnapshotSource(SnapshotReader reader, Func<CancellationToken, Task<LineageEntry>> findLineage, RoutingTable table)
    : AnswerSource
{
    public override async Task<bool> ThreadsSeparateAsync(CancellationToken cancellation) =>
        (await findLineage(cancellation)).Answers.Policy.Threads == ThreadMode.Separate;

    public override async Task<Answered<V1.GetStatesResponse>> AskAsync(
        V1.GetStatesRequest request, IReadOnlyCollection<int> partitions, PositionWait wait, CancellationToken cancellation)
    {
        var lineage = await findLineage(cancellation);
        var given = request.Blocked.Select(b => b.UserId).ToHashSet();
        var needed = new NeededUsers();
        foreach (var key in request.Keys)
        {
            needed.Add(table.PartitionOf(key.ChannelId), key.UserId);
            if (!given.Contains(key.UserId)) needed.Add(table.PartitionOf(key.UserId), key.UserId);
        }
        return await reader.ReadAsync(lineage, needed, int.MaxValue, wait, parts =>
        {
            var blocked = Blocked(parts, request.Blocked, request.Keys.Select(k => k.UserId));
            var response = new V1.GetStatesResponse();
            var readers = new Dictionary<int, ChannelReader>();
            foreach (var key in request.Keys)
            {
                var partition = table.PartitionOf(key.ChannelId);
                if (!readers.TryGetValue(partition, out var channels))
                    readers[partition] = channels = Reader(parts[partition], lineage);
                var answer = channels.Read(key.UserId, key.ChannelId, blocked.Of(key.UserId), key.ProbeMessageId, key.Threads);
                response.States.Add(Writer(partition, lineage).State(key.UserId, key.ChannelId, answer));
                if (answer.Lost) parts[partition].Lost++;
            }
            return response;
        }, cancellation);
    }

    public override async Task<Answered<IReadOnlyList<V1.GetUserResponse>>> AskAsync(
        V1.GetUserRequest request, PositionWait wait, CancellationToken cancellation)
    {
        var lineage = await findLineage(cancellation);
        var needed = new NeededUsers();
        foreach (var partition in request.Partitions) needed.Add((int)partition, request.UserId);
        if (request.Blocked is null) needed.Add(table.PartitionOf(request.UserId), request.UserId);
        // One more than a page, to know whether there are more.
        var channelsFirst = request.TotalsOnly ? int.MaxValue : (int)request.Limit + 1;
        return await reader.ReadAsync<IReadOnlyList<V1.GetUserResponse>>(lineage, needed, channelsFirst, wait, parts =>
        {
            var blocked = Blocked(parts, request.Blocked is { } given ? [given] : [], [request.UserId]);
            return [.. request.Partitions.Select(p => User(parts[(int)p], request, blocked, lineage))];
        }, cancellation);
    }

    public override async Task<Answered<V1.BlockedUsers>> AskAsync(
        V1.GetBlockedUsersRequest request, int partition, PositionWait wait, CancellationToken cancellation)
    {
        var lineage = await findLineage(cancellation);
        var needed = new NeededUsers();
        needed.Add(partition, request.UserId);
        return await reader.ReadAsync(lineage, needed, 0, wait, parts =>
        {
            var rows = parts[partition];
            return new V1.BlockedUsers
            {
                UserId = request.UserId,
                BlockedUserIds = { BlockedBy(rows, request.UserId) },
                AsOf = new V1.PartitionPosition { Partition = (uint)partition, Position = (ulong)rows.Mark.Position },
            };
        }, cancellation);
    }

    private static V1.GetUserResponse User(PartitionRows rows, V1.GetUserRequest request, BlockedLookup blocked, LineageEntry lineage)
    {
        var found = new UserStates();
        found.Read(rows, Reader(rows, lineage), request, blocked);
        rows.Lost = found.Lost;
        // How fresh it is stands beside the response.
        return Writer(rows.Partition.Number, lineage).User(request.UserId, found, default);
    }

    // Of users whose own partition has an owner the request says whom they blocked.
    private BlockedLookup Blocked(
        IReadOnlyDictionary<int, PartitionRows> parts, IEnumerable<V1.BlockedUsers> given, IEnumerable<ulong> users)
    {
        var lookup = new BlockedLookup();
        var known = new HashSet<ulong>();
        foreach (var blocked in given)
            if (known.Add(blocked.UserId)) lookup.Add(blocked.UserId, blocked.BlockedUserIds);
        foreach (var user in users)
            if (known.Add(user)) lookup.Add(user, BlockedBy(parts[table.PartitionOf(user)], user));
        return lookup;
    }

    private static List<ulong> BlockedBy(PartitionRows rows, ulong user)
    {
        var blocked = new List<ulong>();
        ListReader.Read(rows, user, SubKind.Blocked, blocksOnly: true, blocked);
        return blocked;
    }

    private static ChannelReader Reader(PartitionRows rows, LineageEntry lineage) =>
        new(rows, AnswerPolicy.From(lineage.Answers.Policy), lineage.Answers.MaxValueBytes);

    private static AnswerWriter Writer(int partition, LineageEntry lineage) =>
        new(partition, lineage.Answers.Policy.MuteZeroes, lineage.Answers.EventIdEpochUnixMs);
}
