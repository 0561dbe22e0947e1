// Which aggregates an event touches, and the application of an event to each of them.
//
// Invariants:
// - Each aggregate is updated from its own value and the event alone, and skips offsets it has applied.
// - The order of the updates of one event has no meaning.
using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Store;

/// <summary>The aggregates of one partition; one thread at a time, between store.Enter and Exit.</summary>
public sealed class Aggregates(StateStore store, StoredPolicy policy)
{
    private readonly ChannelBlocks blocks = new(store, policy);
    private readonly IdList channelLists = new(store, SubKind.ChannelList, hasValues: false);
    private readonly IdList blocked = new(store, SubKind.Blocked, hasValues: true);
    private readonly IdList deadLetters = new(store, SubKind.DeadLetters, hasValues: false);

    /// <summary>Dead letters neither resolved nor waived.</summary>
    public int OutstandingDeadLetters { get; private set; }

    /// <summary>Applies a fact to every aggregate it touches.</summary>
    public void Apply(in Fact fact, FactLists lists)
    {
        switch (fact.Kind)
        {
            case FactKind.ChannelCreated:
                UpdateChannel(fact, default);
                foreach (var member in lists.Of(fact)) Join(fact, member);
                break;
            case FactKind.MemberJoined:
                Join(fact, fact.User);
                break;
            case FactKind.MessageSent:
                UpdateChannel(fact, lists.Of(fact));
                UpdateState(fact, fact.User);
                break;
            case FactKind.MessageEdited or FactKind.MessageDeleted or FactKind.MessagesPurged or FactKind.ChannelDeleted:
                UpdateChannel(fact, lists.Of(fact));
                break;
            case FactKind.UserBlocked:
                blocked.Set(fact.User, fact.Id, IdListRecord.PackBlock(fact.EventId, fact.On), fact.Offset, static (old, now) => now >> 1 > old >> 1);
                break;
            case FactKind.DeadLetterResolved or FactKind.DeadLetterWaived:
                if (deadLetters.Remove(0, fact.Id, fact.Offset)) OutstandingDeadLetters--;
                break;
            default:
                UpdateState(fact, fact.User);
                break;
        }
    }

    /// <summary>Notes that the record of this offset could not be folded.</summary>
    public void AddDeadLetter(long offset)
    {
        if (deadLetters.Set(0, (ulong)offset, 0, offset)) OutstandingDeadLetters++;
    }

    /// <summary>Takes over what the store holds already, before the first fact.</summary>
    public void Restore() => OutstandingDeadLetters = deadLetters.Count(0);

    /// <summary>Adds the keys of the records that a fact certainly touches.</summary>
    public static void AddKeys(in Fact fact, FactLists lists, List<Key16> keys)
    {
        if (fact.Kind is FactKind.ChannelCreated or FactKind.ChannelDeleted or FactKind.MessageSent or FactKind.MessageEdited
            or FactKind.MessageDeleted or FactKind.MessagesPurged)
            keys.Add(Key16.OfChannel(fact.Channel, SubKind.ChannelRecord));
        if (fact.Kind == FactKind.ChannelCreated)
        {
            foreach (var member in lists.Of(fact)) AddMember(fact, member, keys);
            return;
        }
        if (fact.Kind == FactKind.MemberJoined) AddMember(fact, fact.User, keys);
        else if (fact.Kind == FactKind.UserBlocked) keys.Add(Key16.OfUser(fact.User, SubKind.Blocked));
        else if (fact.User != 0) keys.Add(Key16.ReadState(fact.User, fact.Channel));
    }

    private static void AddMember(in Fact fact, ulong user, List<Key16> keys)
    {
        keys.Add(Key16.ReadState(user, fact.Channel));
        keys.Add(Key16.OfUser(user, SubKind.ChannelList));
    }

    private void Join(in Fact fact, ulong user)
    {
        UpdateState(fact, user);
        channelLists.Set(user, fact.Channel, 0, fact.Offset);
    }

    private void UpdateChannel(in Fact fact, ReadOnlySpan<ulong> users)
    {
        if (!store.TryUpdateChannel(fact)) blocks.Apply(fact, users);
    }

    private void UpdateState(in Fact fact, ulong user)
    {
        if (store.UpdateReadState(fact, user, out var clearCount) == Outcome.ChangedWithThread)
            RaiseThread(user, fact, clearCount);
    }

    private void RaiseThread(ulong user, in Fact fact, uint clearCount)
    {
        var key = Key16.Thread(user, fact.Channel, fact.Thread);
        var pointer = ThreadRecord.Pointer(store.Read(key), user, fact.Channel, fact.Thread, clearCount);
        if (fact.Id <= pointer) return;
        ThreadRecord.Encode(store.Scratch, user, fact.Channel, fact.Thread, fact.Id, clearCount, fact.Offset);
        store.Replace(key, ThreadRecord.Length, RecordHeader.SmallestCapacity);
    }
}
