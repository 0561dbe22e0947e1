using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;
using ChannelKind = ReadStateStream.Schemas.V1.ChannelKind;
using ReadState = ReadStateStream.Schemas.V1.ReadState;

namespace ReadStateStream.Unit.Partition;

/// <summary>
/// One channel of a partition for tests that spell out their events and count by hand. Event ids grow
/// with the calls; one that is given stays as it is.
/// </summary>
public sealed class Chat(PolicyOptions? policy = null, StoreOptions? store = null) : IDisposable
{
    public const ulong Channel = 7;
    public const ulong Amy = 101;
    public const ulong Bob = 102;
    public const ulong Cat = 103;

    private ulong lastEventId = 1_000;

    public PartitionTester Product { get; } = new(policy ?? new PolicyOptions(), 1, store);

    /// <summary>What the channel's state of a user is once everything is folded.</summary>
    public ReadState State(ulong user = Amy, BlockedLookupOf? blocked = null)
    {
        Product.Run();
        var lookup = new BlockedLookup();
        if (blocked is not null) lookup.Add(user, blocked.Users);
        return Product.States([new GetStatesRequest.Types.Key { UserId = user, ChannelId = Channel, Threads = true }], lookup)[0];
    }

    /// <summary>Unread and mentions of a user.</summary>
    public (ulong Unread, ulong Mentions) Counts(ulong user = Amy, BlockedLookupOf? blocked = null)
    {
        var counts = State(user, blocked).Counts;
        return counts is null ? default : (counts.Unread, counts.Mentions);
    }

    public Chat Add(ChannelEvent fact, ulong eventId = 0)
    {
        fact.EventId = eventId == 0 ? ++lastEventId : eventId;
        Product.Append(fact);
        return this;
    }

    public Chat Created(ChannelKind kind = ChannelKind.Guild, params ulong[] members)
    {
        var created = new ChannelCreated { ChannelId = Channel, Kind = kind };
        created.MemberIds.Add(members);
        return Add(new ChannelEvent { ChannelCreated = created });
    }

    public Chat Joined(ulong user, ulong eventId = 0) =>
        Add(new ChannelEvent { MemberJoined = new MemberJoined { ChannelId = Channel, UserId = user } }, eventId);

    public Chat Left(ulong user, ulong eventId = 0) =>
        Add(new ChannelEvent { MemberLeft = new MemberLeft { ChannelId = Channel, UserId = user } }, eventId);

    public Chat Sent(ulong id, ulong author = Bob, ulong names = 0, bool everyone = false, ulong thread = 0, bool viaIntegration = false)
    {
        var sent = new MessageSent
        {
            ChannelId = Channel, MessageId = id, AuthorId = author, MentionsEveryone = everyone, ThreadRootId = thread,
            ViaIntegration = viaIntegration,
        };
        if (names != 0) sent.MentionedUserIds.Add(names);
        return Add(new ChannelEvent { MessageSent = sent });
    }

    /// <summary>Messages of these ids by one author.</summary>
    public Chat SentAll(ulong first, ulong last, ulong author = Bob, bool everyone = false)
    {
        for (var id = first; id <= last; id++) Sent(id, author, everyone: everyone);
        return this;
    }

    public Chat Edited(ulong id, ulong names = 0, ulong eventId = 0)
    {
        var edited = new MessageEdited { ChannelId = Channel, MessageId = id };
        if (names != 0) edited.MentionedUserIds.Add(names);
        return Add(new ChannelEvent { MessageEdited = edited }, eventId);
    }

    public Chat Deleted(ulong id) =>
        Add(new ChannelEvent { MessageDeleted = new MessageDeleted { ChannelId = Channel, MessageId = id } });

    public Chat Purged(ulong before) =>
        Add(new ChannelEvent { MessagesPurged = new MessagesPurged { ChannelId = Channel, BeforeId = before } });

    public Chat Read(ulong user, ulong upTo, ulong eventId = 0, ulong thread = 0)
    {
        var read = new MessagesRead { ChannelId = Channel, UserId = user, UpToId = upTo };
        if (thread != 0) read.ThreadRootId = thread;
        return Add(new ChannelEvent { MessagesRead = read }, eventId);
    }

    public Chat Set(ulong user, ulong upTo, ulong eventId = 0) =>
        Add(new ChannelEvent { PointerSet = new PointerSet { ChannelId = Channel, UserId = user, UpToId = upTo } }, eventId);

    public Chat Muted(ulong user, bool on = true, ulong eventId = 0) =>
        Add(new ChannelEvent { ChannelMuted = new ChannelMuted { ChannelId = Channel, UserId = user, On = on } }, eventId);

    public Chat Suppressed(ulong user) =>
        Add(new ChannelEvent { EveryoneSuppressed = new EveryoneSuppressed { ChannelId = Channel, UserId = user, On = true } });

    public void Dispose() => Product.Dispose();
}

/// <summary>Users whom the asking one blocked.</summary>
public sealed record BlockedLookupOf(params ulong[] Users);
