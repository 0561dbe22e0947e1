using System.Buffers.Text;
using Google.Protobuf;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApiTests;

/// <summary>
/// What all fake processors of one deployment know: states by (user, channel), whom users blocked, positions. A
/// mention by an author whom the user blocked does not count, so that a test sees whether blocks were handed over.
/// </summary>
internal sealed class FakeTopic(int partitionCount, string identity = "topic-1")
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<(ulong User, ulong Channel), (ReadState State, ulong[] MentionAuthors)> states = [];
    private readonly Dictionary<ulong, ulong[]> blocked = [];
    private readonly Dictionary<(ulong Channel, ulong Message), ulong> messages = [];
    private readonly ulong[] positions = new ulong[partitionCount];
    private readonly List<ChannelEvent> published = [];
    private TaskCompletionSource moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ulong lastEventId = 1_000;

    public int PartitionCount => partitionCount;
    public string Identity => identity;

    /// <summary>What processors claim of it.</summary>
    public ulong Lineage { get; init; } = 1;

    /// <summary>Every event that any processor's ingest took, in order.</summary>
    public IReadOnlyList<ChannelEvent> Published
    {
        get { lock (gate) return [.. published]; }
    }

    public int PartitionOf(ulong id) => Partitioner.PartitionOf(id, partitionCount);

    /// <summary>The nth id (from 0) at or above <paramref name="from"/> whose key lies in the partition.</summary>
    public ulong IdIn(int partition, int nth = 0, ulong from = 1)
    {
        for (var id = from; ; id++)
            if (PartitionOf(id) == partition && nth-- == 0) return id;
    }

    public void SetState(ulong user, ulong channel, Action<ReadState>? change = null, params ulong[] mentionAuthors)
    {
        var state = new ReadState
        {
            UserId = user, ChannelId = channel, Partition = (uint)PartitionOf(channel), Member = true,
            Counts = new Counts(), Kind = ChannelKind.Guild,
        };
        change?.Invoke(state);
        lock (gate) states[(user, channel)] = (state, mentionAuthors);
    }

    public void Block(ulong user, params ulong[] others)
    {
        lock (gate) blocked[user] = others;
    }

    public void Send(ulong channel, ulong message, ulong author)
    {
        lock (gate) messages[(channel, message)] = author;
    }

    public void SetPosition(int partition, ulong position)
    {
        TaskCompletionSource signal;
        lock (gate)
        {
            positions[partition] = position;
            (signal, moved) = (moved, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        signal.SetResult();
    }

    public ulong PositionOf(int partition)
    {
        lock (gate) return positions[partition];
    }

    public Task Moved
    {
        get { lock (gate) return moved.Task; }
    }

    public string Token(params (int Partition, ulong Position)[] at) => Token(identity, at);

    public static string Token(string identity, params (int Partition, ulong Position)[] at)
    {
        var token = new PublishToken { TopicIdentity = identity };
        token.Positions.Add(at.Select(p => new PartitionPosition { Partition = (uint)p.Partition, Position = p.Position }));
        return Base64Url.EncodeToString(token.ToByteArray());
    }

    public (int Partition, ulong Offset, ulong EventId) Publish(ChannelEvent e)
    {
        lock (gate)
        {
            var stamped = e.Clone();
            if (stamped.EventId == 0) stamped.EventId = ++lastEventId;
            published.Add(stamped);
            var channel = e.MessagesRead?.ChannelId ?? e.PointerSet.ChannelId;
            var partition = PartitionOf(channel);
            return (partition, positions[partition]++, stamped.EventId);
        }
    }

    public ReadState State(GetStatesRequest.Types.Key key, IReadOnlyCollection<ulong> blockedUsers)
    {
        var state = State(key.UserId, key.ChannelId, blockedUsers);
        if (!key.Threads) state.Threads.Clear();
        if (key.ProbeMessageId == 0) return state;
        lock (gate)
            state.Probe = messages.TryGetValue((key.ChannelId, key.ProbeMessageId), out var author)
                ? new MessageProbe { Exists = true, AuthorId = author, Own = author == key.UserId }
                : new MessageProbe();
        return state;
    }

    public List<ReadState> StatesOf(ulong user, IEnumerable<uint> partitions, IReadOnlyCollection<ulong> blockedUsers)
    {
        var wanted = partitions.ToHashSet();
        List<ulong> channels;
        lock (gate) channels = [.. states.Keys.Where(k => k.User == user && wanted.Contains((uint)PartitionOf(k.Channel))).Select(k => k.Channel)];
        return [.. channels.Select(c => State(user, c, blockedUsers))];
    }

    public BlockedUsers BlockedBy(ulong user)
    {
        lock (gate)
        {
            var partition = PartitionOf(user);
            var answer = new BlockedUsers { UserId = user, AsOf = new PartitionPosition { Partition = (uint)partition, Position = positions[partition] } };
            answer.BlockedUserIds.Add(blocked.GetValueOrDefault(user, []));
            return answer;
        }
    }

    private ReadState State(ulong user, ulong channel, IReadOnlyCollection<ulong> blockedUsers)
    {
        lock (gate)
        {
            if (!states.TryGetValue((user, channel), out var entry))
                return new ReadState { UserId = user, ChannelId = channel, Partition = (uint)PartitionOf(channel) };
            var state = entry.State.Clone();
            var mentions = (ulong)entry.MentionAuthors.Count(a => !blockedUsers.Contains(a));
            if (mentions == 0) return state;
            state.Counts.Mentions += mentions;
            state.Counts.MentionsNamed += mentions;
            state.BadgeMentions += mentions;
            return state;
        }
    }
}
