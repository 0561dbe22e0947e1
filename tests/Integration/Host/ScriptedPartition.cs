using ReadStateStream.Snapshot.Reading;
using ReadStateStream.Partition.Query;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Integration.Host;

/// <summary>A partition whose answers the test writes down; positions and waits are real.</summary>
internal sealed class ScriptedPartition(int number) : IPartitionQueries
{
    private readonly Lock gate = new();
    private readonly List<(long Position, TaskCompletionSource Reached)> waiting = [];
    private long position;

    public int Number => number;
    public PartitionState State { get; set; } = PartitionState.Running;
    public long LagEvents { get; set; }
    public long LagMs { get; set; }
    public int DeadLetters { get; set; }

    /// <summary>Whom each user blocked; others blocked nobody.</summary>
    public Dictionary<ulong, ulong[]> Blocked { get; } = [];

    /// <summary>States of a user here, in any order.</summary>
    public List<ReadState> States { get; } = [];

    /// <summary>Thrown by every question.</summary>
    public Exception? Failure { get; set; }

    /// <summary>Called before a question is answered, with its name.</summary>
    public Action<string> OnQuestion { get; set; } = _ => { };

    /// <summary>The blocks that the last question was asked with.</summary>
    public BlockedLookup? LastLookup { get; private set; }

    /// <summary>Completes when a question waits for a position.</summary>
    public TaskCompletionSource Waits { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Position
    {
        get { lock (gate) return position; }
        set
        {
            lock (gate)
            {
                position = value;
                foreach (var (_, reached) in waiting.FindAll(wait => wait.Position <= value)) reached.TrySetResult();
            }
        }
    }

    public async Task<(IReadOnlyList<ReadState> States, PartitionFreshness Freshness)> GetStatesAsync(
        IReadOnlyList<GetStatesRequest.Types.Key> keys, BlockedLookup blocked, long atLeast, CancellationToken cancellation)
    {
        await AskedAsync("GetStates", atLeast, cancellation);
        LastLookup = blocked;
        var states = keys.Select(key => States.Find(state => (state.UserId, state.ChannelId) == (key.UserId, key.ChannelId))
            ?? new ReadState { UserId = key.UserId, ChannelId = key.ChannelId, Partition = (uint)number }).ToArray();
        return (states, Freshness());
    }

    public async Task<GetUserResponse> GetUserAsync(GetUserRequest request, BlockedLookup blocked, long atLeast, CancellationToken cancellation)
    {
        await AskedAsync("GetUser", atLeast, cancellation);
        LastLookup = blocked;
        var all = States.Where(state => state.UserId == request.UserId).OrderBy(state => state.ChannelId).ToArray();
        var above = all.Where(state => state.ChannelId > request.AfterChannelId).ToArray();
        var answer = new GetUserResponse
        {
            Totals = new Totals
            {
                Unread = (ulong)all.Sum(state => (long)state.BadgeUnread),
                Mentions = (ulong)all.Sum(state => (long)state.BadgeMentions),
                Capped = all.Any(state => state.Counts?.Capped == true),
                Channels = (uint)all.Length,
                UnreadChannels = (uint)all.Count(state => state.BadgeUnread > 0),
            },
            Partitions = { Freshness() },
        };
        if (request.TotalsOnly) return answer;
        answer.States.AddRange(above.Take((int)request.Limit));
        answer.More = above.Length > request.Limit;
        return answer;
    }

    public async Task<BlockedUsers> GetBlockedUsersAsync(ulong user, long atLeast, CancellationToken cancellation)
    {
        await AskedAsync("GetBlockedUsers", atLeast, cancellation);
        return new BlockedUsers
        {
            UserId = user,
            BlockedUserIds = { Blocked.GetValueOrDefault(user, []) },
            AsOf = new PartitionPosition { Partition = (uint)number, Position = (ulong)Position },
        };
    }

    private PartitionFreshness Freshness() => new()
    {
        Partition = (uint)number,
        Position = (ulong)Position,
        LagEvents = (ulong)LagEvents,
        LagMs = (ulong)LagMs,
        Incomplete = (uint)DeadLetters,
    };

    private Task AskedAsync(string question, long atLeast, CancellationToken cancellation)
    {
        OnQuestion(question);
        if (Failure is not null) throw Failure;
        lock (gate)
        {
            if (position >= atLeast) return Task.CompletedTask;
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Add((atLeast, reached));
            Waits.TrySetResult();
            return reached.Task.WaitAsync(cancellation);
        }
    }
}
