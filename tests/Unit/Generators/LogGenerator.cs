using ReadStateStream.Schemas.V1;
using Fact = ReadStateStream.Schemas.V1.ChannelEvent.FactOneofCase;

namespace ReadStateStream.Unit.Generators;

/// <summary>
/// Makes one log: a character first (how many users, channels, threads; where ids lie; whether a channel
/// is to be deleted early), then event after event by weight, with deliveries again in between.
/// </summary>
internal sealed class LogGenerator
{
    private const ulong MentionableIds = 200;
    private const int BurstLengthMax = 8;

    // Weights of the cases among first deliveries. Channel deletions come apart: see NextCase.
    private static readonly (Fact Case, int Weight)[] MixedWeights =
    [
        (Fact.MessageSent, 34), (Fact.MessagesRead, 14), (Fact.PointerSet, 6), (Fact.MemberJoined, 6),
        (Fact.MemberLeft, 5), (Fact.ChannelCreated, 3), (Fact.MessageEdited, 8), (Fact.MessageDeleted, 6),
        (Fact.MessagesPurged, 2), (Fact.ChannelMuted, 4), (Fact.EveryoneSuppressed, 4), (Fact.UserBlocked, 4),
        (Fact.DeadLetterResolved, 2), (Fact.DeadLetterWaived, 2),
    ];

    // A channel in which so much is sent and so little else happens that messages pile up unread.
    private static readonly (Fact Case, int Weight)[] BusyWeights =
    [
        .. MixedWeights.Select(weight => weight.Case switch
        {
            Fact.MessageSent => (weight.Case, 200),
            Fact.MessagesRead or Fact.MemberJoined => (weight.Case, 4),
            Fact.MemberLeft or Fact.MessagesPurged => (weight.Case, 1),
            _ => weight,
        }),
    ];

    private static readonly ChannelKind[] ChannelKinds =
        [ChannelKind.Unspecified, ChannelKind.Guild, ChannelKind.Guild, ChannelKind.Direct, ChannelKind.Group];

    private static readonly MessageKind[] MessageKinds =
    [
        MessageKind.Text, MessageKind.Text, MessageKind.Text, MessageKind.Text, MessageKind.Text, MessageKind.Unspecified,
        MessageKind.JoinLeave, MessageKind.System, MessageKind.Notice, MessageKind.Silent,
    ];

    private readonly Random random;
    private readonly int size;
    private readonly (Fact Case, int Weight)[] weights;
    private readonly IdSpace ids;
    private readonly EventIds eventIds;
    private readonly ulong[] users;
    private readonly int authors;
    private readonly ulong[] channels;
    private readonly ulong[] threadRoots;
    private readonly bool crowded;
    private readonly bool hasGrave;
    private readonly bool endsBadly;
    private readonly List<GeneratedEvent> events = [];

    public LogGenerator(Random random, int size)
    {
        this.random = random;
        this.size = size;
        var busy = random.Chance(0.3);
        weights = busy ? BusyWeights : MixedWeights;
        ids = new IdSpace(random, size, growing: random.Chance(busy ? 0.9 : 0.4));
        eventIds = new EventIds(random, size);
        users = SomeIds(random.Pick([1, 2, 2, 3, 3, 3, 4, 4, 5, 5]));
        authors = random.Next(1, busy ? 2 : users.Length + 1);
        channels = SomeIds(busy ? random.Next(1, 3) : random.Next(1, 5));
        threadRoots = [.. Enumerable.Range(0, random.Pick([0, 2, 2, 12])).Select(_ => ids.Named())];
        crowded = random.Chance(0.25);
        hasGrave = channels.Length > 1 && random.Chance(0.75);
        endsBadly = random.Chance(0.2);
    }

    public IReadOnlyList<GeneratedEvent> Events()
    {
        foreach (var channel in channels)
            if (random.Chance(0.8)) Add(new ChannelEvent { ChannelCreated = Created(channel) });
        while (events.Count < size)
        {
            switch (random.NextDouble())
            {
                case < 0.045 when events.Count > 0:
                    Again(events.Count - 1, DuplicateKind.Immediate);
                    break;
                case < 0.12 when events.Count > 1:
                    Again(random.Next(events.Count), DuplicateKind.Later);
                    break;
                case < 0.145 when events.Count > 1:
                    Burst();
                    break;
                default:
                    Add(Next());
                    break;
            }
        }
        return [.. events.Take(size)];
    }

    private void Add(ChannelEvent fact)
    {
        fact.EventId = eventIds.Next();
        events.Add(new GeneratedEvent(fact, DuplicateKind.None));
    }

    private void Again(int index, DuplicateKind kind) => events.Add(new GeneratedEvent(events[index].Event, kind));

    private void Burst()
    {
        var start = random.Next(events.Count);
        var end = Math.Min(events.Count, start + random.Next(2, BurstLengthMax + 1));
        for (var index = start; index < end; index++) Again(index, DuplicateKind.Burst);
    }

    private ChannelEvent Next()
    {
        var (channel, user) = (Channel(), random.Pick(users));
        return NextCase() switch
        {
            Fact.ChannelCreated => new ChannelEvent { ChannelCreated = Created(channel) },
            Fact.ChannelDeleted => new ChannelEvent { ChannelDeleted = new ChannelDeleted { ChannelId = Doomed() } },
            Fact.MemberJoined => new ChannelEvent { MemberJoined = new MemberJoined { ChannelId = channel, UserId = user } },
            Fact.MemberLeft => new ChannelEvent { MemberLeft = new MemberLeft { ChannelId = channel, UserId = user } },
            Fact.MessageSent => new ChannelEvent { MessageSent = Sent(channel, Author()) },
            Fact.MessageEdited => new ChannelEvent { MessageEdited = Edited(channel) },
            Fact.MessageDeleted => new ChannelEvent
            {
                MessageDeleted = new MessageDeleted { ChannelId = channel, MessageId = ids.Named() },
            },
            Fact.MessagesPurged => new ChannelEvent
            {
                MessagesPurged = new MessagesPurged { ChannelId = channel, BeforeId = ids.PurgedBefore() },
            },
            Fact.MessagesRead => new ChannelEvent { MessagesRead = Read(channel, user) },
            Fact.PointerSet => new ChannelEvent
            {
                PointerSet = new PointerSet { ChannelId = channel, UserId = user, UpToId = ids.Pointer() },
            },
            var settingOrControl => SettingOrControl(settingOrControl, channel, user),
        };
    }

    private ChannelEvent SettingOrControl(Fact fact, ulong channel, ulong user)
    {
        var on = random.Chance(0.65);
        var offset = (ulong)random.Next(size);
        return fact switch
        {
            Fact.ChannelMuted => new ChannelEvent
            {
                ChannelMuted = new ChannelMuted { ChannelId = channel, UserId = user, On = on },
            },
            Fact.EveryoneSuppressed => new ChannelEvent
            {
                EveryoneSuppressed = new EveryoneSuppressed { ChannelId = channel, UserId = user, On = on },
            },
            Fact.UserBlocked => new ChannelEvent
            {
                UserBlocked = new UserBlocked { UserId = user, BlockedUserId = random.Pick(users), On = on },
            },
            // Partition 0 exists whatever the partition count.
            Fact.DeadLetterResolved => new ChannelEvent
            {
                DeadLetterResolved = new DeadLetterResolved { Partition = 0, Offset = offset },
            },
            Fact.DeadLetterWaived => new ChannelEvent
            {
                DeadLetterWaived = new DeadLetterWaived { Partition = 0, Offset = offset, Reason = "generated" },
            },
            _ => throw new InvalidOperationException($"no generator for {fact}"),
        };
    }

    /// <summary>
    /// Deletions go to one channel of a log from its start on, and in some logs to any near the end: elsewhere
    /// they would leave nothing to look at.
    /// </summary>
    private Fact NextCase()
    {
        if (random.Chance(AllMayGo ? 0.04 : hasGrave ? 0.028 : 0)) return Fact.ChannelDeleted;
        var draw = random.Next(weights.Sum(weight => weight.Weight));
        var index = 0;
        while (draw >= weights[index].Weight) draw -= weights[index++].Weight;
        return weights[index].Case;
    }

    private bool AllMayGo => endsBadly && events.Count > size * 9 / 10;

    private ulong Doomed() => AllMayGo ? random.Pick(channels) : channels[0];

    /// <summary>A channel to be deleted gets less of everything else.</summary>
    private ulong Channel() =>
        hasGrave && !random.Chance(0.25) ? channels[random.Next(1, channels.Length)] : random.Pick(channels);

    /// <summary>Some only read, mostly: sending reads the channel, and would leave nothing unread.</summary>
    private ulong Author() => random.Chance(0.05) ? random.Pick(users) : users[random.Next(authors)];

    private ChannelCreated Created(ulong channel)
    {
        var created = new ChannelCreated { ChannelId = channel, Kind = random.Pick(ChannelKinds) };
        created.MemberIds.Add(users.Where(_ => random.Chance(0.6)));
        return created;
    }

    private MessageSent Sent(ulong channel, ulong author)
    {
        var sent = new MessageSent
        {
            ChannelId = channel,
            MessageId = ids.Sent(),
            AuthorId = author,
            MentionsEveryone = random.Chance(0.12),
            Kind = random.Pick(MessageKinds),
            ThreadRootId = threadRoots.Length > 0 && random.Chance(0.5) ? random.Pick(threadRoots) : 0,
            ViaIntegration = random.Chance(0.12),
        };
        sent.MentionedUserIds.Add(Mentions());
        return sent;
    }

    private MessageEdited Edited(ulong channel)
    {
        var edited = new MessageEdited
        {
            ChannelId = channel, MessageId = ids.Named(), MentionsEveryone = random.Chance(0.2),
        };
        edited.MentionedUserIds.Add(Mentions());
        return edited;
    }

    private MessagesRead Read(ulong channel, ulong user)
    {
        var read = new MessagesRead { ChannelId = channel, UserId = user, UpToId = ids.UpTo() };
        if (random.Chance(0.2)) read.MainTimeline = true;
        else if (threadRoots.Length > 0 && random.Chance(0.5)) read.ThreadRootId = random.Pick(threadRoots);
        return read;
    }

    /// <summary>Nobody, some (one of them twice at times), or more than fit beside the message.</summary>
    private IEnumerable<ulong> Mentions()
    {
        if (crowded && random.Chance(0.08))
        {
            var crowd = Enumerable.Range(1, (int)MentionableIds).Select(id => (ulong)id).Union(users).ToArray();
            random.Shuffle(crowd);
            return crowd.Take(random.Next(60, crowd.Length + 1));
        }
        return random.Chance(0.5) ? [] : Enumerable.Range(0, random.Next(1, 4)).Select(_ => random.Pick(users)).ToArray();
    }

    private ulong[] SomeIds(int count)
    {
        var first = random.Next(10) switch
        {
            < 7 => 1UL,
            < 9 => IdSpace.MaxId - (ulong)count + 1,
            _ => random.Between(1, IdSpace.MaxId / 2),
        };
        return [.. Enumerable.Range(0, count).Select(index => first + (ulong)index)];
    }
}
