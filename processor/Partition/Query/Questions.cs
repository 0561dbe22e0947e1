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
    public UserStates Found { get; } = new();

    public override void Execute(StateReaders readers) => Found.Read(readers.Records, readers.Channels, request, blocked);
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
