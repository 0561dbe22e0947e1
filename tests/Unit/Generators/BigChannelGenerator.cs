using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Generators;

/// <summary>
/// One or two channels in which thousands of things happen: ids mostly grow, late ones fall anywhere in and below
/// the window, what names a message names old ones, gaps and the future, and some messages name thousands of users.
/// </summary>
internal sealed class BigChannelGenerator
{
    /// <summary>Users who have states; whoever else is named has none.</summary>
    public const int Members = 10;

    private const int Roots = 9;

    private static readonly int[] Windows = [1, 20, 130, 200, 300, 1_000];
    private static readonly int[] WaitingLimits = [1, 3, 10, 40, 1_000];

    private readonly Random random;
    private readonly Dictionary<ulong, ulong> heads = [];
    private readonly ulong[] roots;
    private readonly double crowds;
    private readonly double wordy;
    private readonly double lateness;
    private readonly bool separate;
    private readonly int authors;
    private ulong eventId;

    public BigChannelGenerator(int seed)
    {
        random = new Random(seed);
        separate = random.Chance(0.5);
        Policy = new OraclePolicy
        {
            // In turn, so that a few seeds meet every one of them.
            Window = Windows[seed % Windows.Length],
            WaitingLimit = random.Pick(WaitingLimits),
            OwnSendAcks = random.Chance(0.4),
            OwnCounts = random.Chance(0.3),
            WebhookIsOwn = random.Chance(0.6),
            DmMutedMentionsOnly = random.Chance(0.3),
            JoinBaseline = random.Chance(0.15) ? OracleJoinBaseline.All : OracleJoinBaseline.Join,
            Threads = separate ? OracleThreads.Separate : OracleThreads.Inline,
        };
        Channels = random.Chance(0.6) ? [500] : [500, 501];
        foreach (var channel in Channels) heads[channel] = random.Chance(0.3) ? IdSpace.MaxId - 200_000 : 1_000UL;
        roots = [.. Enumerable.Range(1, Roots).Select(root => (ulong)root)];
        crowds = random.Pick([0.002, 0.01, 0.03]);
        wordy = random.Pick([0, 0.02, 0.15]);
        lateness = random.Pick([0.03, 0.12, 0.3]);
        authors = random.Next(2, Members + 1);
    }

    public OraclePolicy Policy { get; }

    public IReadOnlyList<ulong> Channels { get; }

    /// <summary>The channels' creation, with half of the members: the others join later, or never.</summary>
    public IEnumerable<ChannelEvent> Beginning() => Channels.Select((channel, i) => With(new ChannelEvent
    {
        ChannelCreated = new ChannelCreated
        {
            ChannelId = channel, Kind = i == 0 ? ChannelKind.Guild : ChannelKind.Group, MemberIds = { 1, 2, 3, 4, 5 },
        },
    }));

    public ChannelEvent Purge(ulong channel, ulong before) =>
        With(new ChannelEvent { MessagesPurged = new MessagesPurged { ChannelId = channel, BeforeId = before } });

    public ChannelEvent Next()
    {
        var channel = random.Pick(Channels);
        return With(random.NextDouble() switch
        {
            < 0.76 => new ChannelEvent { MessageSent = Sent(channel) },
            < 0.82 => new ChannelEvent { MessageEdited = Edited(channel) },
            < 0.88 => new ChannelEvent { MessageDeleted = new MessageDeleted { ChannelId = channel, MessageId = Named(channel) } },
            < 0.93 => new ChannelEvent { MessagesRead = Read(channel) },
            < 0.94 => new ChannelEvent { PointerSet = new PointerSet { ChannelId = channel, UserId = Member(), UpToId = Named(channel) - 1 } },
            < 0.955 => new ChannelEvent { MemberJoined = new MemberJoined { ChannelId = channel, UserId = Member() } },
            < 0.963 => new ChannelEvent { MemberLeft = new MemberLeft { ChannelId = channel, UserId = Member() } },
            < 0.975 => new ChannelEvent { ChannelMuted = new ChannelMuted { ChannelId = channel, UserId = Member(), On = random.Chance(0.5) } },
            < 0.987 => new ChannelEvent { EveryoneSuppressed = new EveryoneSuppressed { ChannelId = channel, UserId = Member(), On = random.Chance(0.5) } },
            _ => new ChannelEvent { UserBlocked = new UserBlocked { UserId = Member(), BlockedUserId = Member(), On = random.Chance(0.6) } },
        });
    }

    private ChannelEvent With(ChannelEvent fact)
    {
        // Mostly growing; some arrive late, and some twice at different event ids.
        eventId += random.Between(1, 5) << 20;
        fact.EventId = random.Chance(0.04) && eventId > 1UL << 30 ? eventId - random.Between(1, 1UL << 24) : eventId;
        return fact;
    }

    private MessageSent Sent(ulong channel)
    {
        var sent = new MessageSent
        {
            ChannelId = channel, MessageId = NewId(channel), AuthorId = (ulong)random.Next(1, authors + 1),
            MentionsEveryone = random.Chance(0.05), Kind = random.Chance(0.1) ? MessageKind.Notice : MessageKind.Text,
            ThreadRootId = random.Chance(0.5) ? random.Pick(roots) : 0, ViaIntegration = random.Chance(0.05),
        };
        sent.MentionedUserIds.Add(Mentions());
        return sent;
    }

    private MessageEdited Edited(ulong channel)
    {
        var edited = new MessageEdited { ChannelId = channel, MessageId = Named(channel), MentionsEveryone = random.Chance(0.1) };
        edited.MentionedUserIds.Add(Mentions());
        return edited;
    }

    private MessagesRead Read(ulong channel)
    {
        var read = new MessagesRead { ChannelId = channel, UserId = Member(), UpToId = random.Chance(0.8) ? InReach(channel) : Named(channel) };
        if (random.Chance(0.15)) read.MainTimeline = true;
        else if (separate && random.Chance(0.8)) read.ThreadRootId = random.Pick(roots);
        return read;
    }

    /// <summary>Steps leave gaps; late ids fill some of them, also far below what the window reaches.</summary>
    private ulong NewId(ulong channel)
    {
        if (random.Chance(lateness)) return random.Chance(0.5) ? InReach(channel) : Near(channel);
        return heads[channel] += random.Between(1, random.Chance(0.01) ? 40UL : 3UL);
    }

    private ulong Named(ulong channel) => random.Next(10) switch
    {
        0 => heads[channel] + random.Between(1, 60),
        < 6 => InReach(channel),
        _ => Near(channel),
    };

    private ulong Near(ulong channel) => heads[channel] - random.Between(0, 60);

    /// <summary>An id of the window or of half as much below it.</summary>
    private ulong InReach(ulong channel)
    {
        var reach = (ulong)Math.Min(Policy.Window, 2_000) * 3;
        return heads[channel] - random.Between(0, Math.Min(reach, heads[channel] - 1));
    }

    private ulong Member() => (ulong)random.Next(1, Members + 1);

    private IEnumerable<ulong> Mentions()
    {
        if (random.Chance(crowds))
        {
            var users = random.Chance(0.03) ? 10_000 : random.Next(65, 2_000);
            return Enumerable.Range(random.Next(1, Members + 1), users).Select(user => (ulong)user);
        }
        // As many as just lie beside their message, of a different crowd each: few such messages fill a block.
        if (random.Chance(wordy)) return Enumerable.Range(random.Next(1, 5_000), random.Next(20, 65)).Select(user => (ulong)user);
        return random.Chance(0.6) ? [] : Enumerable.Range(0, random.Next(1, 4)).Select(_ => (ulong)random.Next(1, 40));
    }
}
