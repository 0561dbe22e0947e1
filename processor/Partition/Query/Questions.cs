using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Partition.Query;

/// <summary>States by key.</summary>
internal sealed class StatesQuestion(
    IReadOnlyList<GetStatesRequest.Types.Key> keys, BlockedLookup blocked, long atLeast, CancellationToken cancellation)
    : PartitionQuestion(atLeast, cancellation)
{
    public StateAnswer[] Answers { get; } = new StateAnswer[keys.Count];

    public override void Execute(StateReaders readers)
    {
        for (var i = 0; i < keys.Count; i++)
        {
            var key = keys[i];
            Answers[i] = readers.Channels.Read(key.UserId, key.ChannelId, blocked.Of(key.UserId), key.ProbeMessageId, key.Threads);
        }
    }
}

/// <summary>A user's states, or their sums.</summary>
internal sealed class UserQuestion(GetUserRequest request, BlockedLookup blocked, long atLeast, CancellationToken cancellation)
    : PartitionQuestion(atLeast, cancellation)
{
    private readonly List<ulong> channels = [];

    public List<(ulong Channel, StateAnswer Answer)> Answers { get; } = [];
    public bool More { get; private set; }
    public Totals Totals { get; private set; } = new();

    /// <summary>Channels read here that lost edits or deletes.</summary>
    public int Lost { get; private set; }

    public override void Execute(StateReaders readers)
    {
        Begin(readers);
        foreach (var channel in channels)
        {
            if (!request.TotalsOnly && channel <= request.AfterChannelId) continue;
            var answer = readers.Channels.Read(request.UserId, channel, blocked.Of(request.UserId), 0, false);
            if (!answer.Member) continue;
            if (request.TotalsOnly)
            {
                Sum(answer);
                continue;
            }
            if (request.UnreadOnly && answer.Counts.Unread == 0 && answer.Counts.Mentions == 0) continue;
            if (Answers.Count == request.Limit)
            {
                More = true;
                break;
            }
            Answers.Add((channel, answer));
            if (answer.Lost) Lost++;
        }
    }

    private void Begin(StateReaders readers)
    {
        channels.Clear();
        Answers.Clear();
        Totals = new Totals();
        More = false;
        Lost = 0;
        ListReader.Read(readers.Records, request.UserId, SubKind.ChannelList, blocksOnly: false, channels);
        channels.Sort();
    }

    private void Sum(in StateAnswer answer)
    {
        var (unread, mentions) = Counting.Badge(answer.Counts, answer.Muted);
        Totals.Channels++;
        Totals.Unread += (ulong)unread;
        Totals.Mentions += (ulong)mentions;
        Totals.Capped |= answer.Capped;
        if (unread != 0 || mentions != 0) Totals.UnreadChannels++;
        if (answer.Lost) Lost++;
    }
}

/// <summary>Whom a user blocked.</summary>
internal sealed class BlockedQuestion(ulong user, long atLeast, CancellationToken cancellation)
    : PartitionQuestion(atLeast, cancellation)
{
    public List<ulong> Blocked { get; } = [];

    public override void Execute(StateReaders readers)
    {
        Blocked.Clear();
        ListReader.Read(readers.Records, user, SubKind.Blocked, blocksOnly: true, Blocked);
    }
}
