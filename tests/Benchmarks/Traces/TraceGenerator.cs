using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Benchmarks.Traces;

/// <summary>
/// A seeded stream of events: first the population's joins, then traffic without end: 60 % messages with
/// 0.48 mentions each, 35 % reads, 5 % joins, leaves and mutes. Channels, and members within them, are drawn by
/// Zipf's law with exponent 1. Message and event ids grow; no event is a duplicate.
/// </summary>
internal sealed class TraceGenerator(Population population, int seed)
{
    /// <summary>Members of one ChannelCreated event while preloading; a larger channel takes several.</summary>
    private const int MembersPerEvent = 1_000;
    private const ulong FirstEventId = 400_000_000_000_000_000;
    private const ulong FirstMessageId = 1_100_000_000_000_000_000;

    private readonly Random random = new(seed);
    private readonly ulong[] heads = new ulong[population.Channels];
    private readonly ChannelEvent created = new() { ChannelCreated = new() };
    private readonly ChannelEvent sent = new() { MessageSent = new() };
    private readonly ChannelEvent read = new() { MessagesRead = new() };
    private readonly ChannelEvent joined = new() { MemberJoined = new() };
    private readonly ChannelEvent left = new() { MemberLeft = new() };
    private readonly ChannelEvent muted = new() { ChannelMuted = new() };
    private ulong sequence;
    private int channelLoaded;
    private int memberLoaded;

    /// <summary>Offset of the next event.</summary>
    public long NextOffset { get; private set; }

    /// <summary>Fills the trace with up to so many joins of the population; false where all have joined.</summary>
    public bool Preload(EventTrace trace, int states)
    {
        trace.Clear(NextOffset);
        for (var left = states; left > 0 && channelLoaded < population.Channels;)
        {
            var members = Math.Min(Math.Min(MembersPerEvent, left), population.Size(channelLoaded) - memberLoaded);
            AddCreated(trace, members);
            left -= members;
            memberLoaded += members;
            if (memberLoaded < population.Size(channelLoaded)) continue;
            channelLoaded++;
            memberLoaded = 0;
        }
        return trace.Count > 0;
    }

    /// <summary>Fills the trace with traffic.</summary>
    public void Traffic(EventTrace trace, int events)
    {
        trace.Clear(NextOffset);
        for (var i = 0; i < events; i++)
        {
            var channel = Zipf(population.Channels);
            var member = Zipf(population.Size(channel));
            var dice = random.Next(100);
            if (dice < 60) AddSent(trace, channel, member);
            else if (dice < 95) AddRead(trace, channel, member);
            else AddMembership(trace, channel, member, random.Next(3));
        }
    }

    /// <summary>
    /// Fills the trace with plain messages into one channel; for the bytes that a message takes there.
    /// </summary>
    public void Messages(EventTrace trace, int channel, int events)
    {
        trace.Clear(NextOffset);
        for (var i = 0; i < events; i++) AddSent(trace, channel, Zipf(population.Size(channel)));
    }

    /// <summary>A (user, channel) pair as traffic draws them; from any thread, by a source of chance of its own.</summary>
    public (ulong User, ulong Channel) Pair(Random source)
    {
        var channel = Zipf(population.Channels, source);
        return (population.UserId(channel, Zipf(population.Size(channel), source)), Population.ChannelId(channel));
    }

    /// <summary>0 .. count - 1 by Zipf's law with exponent 1, as the floor of a log-uniform variable.</summary>
    private static int Zipf(int count, Random source) => Math.Min((int)Math.Pow(count + 1, source.NextDouble()) - 1, count - 1);

    private int Zipf(int count) => Zipf(count, random);

    private void AddCreated(EventTrace trace, int members)
    {
        var id = Population.ChannelId(channelLoaded);
        created.ChannelCreated.ChannelId = id;
        created.ChannelCreated.Kind = ChannelKind.Guild;
        created.ChannelCreated.MemberIds.Clear();
        for (var i = 0; i < members; i++) created.ChannelCreated.MemberIds.Add(population.UserId(channelLoaded, memberLoaded + i));
        Add(trace, created, id);
        trace.AddKey(TraceKey.Channel(id));
        foreach (var user in created.ChannelCreated.MemberIds) trace.AddKey(new TraceKey(user, id));
    }

    private void AddSent(EventTrace trace, int channel, int member)
    {
        var fact = sent.MessageSent;
        fact.ChannelId = Population.ChannelId(channel);
        fact.AuthorId = population.UserId(channel, member);
        fact.MessageId = heads[channel] = FirstMessageId + (sequence << 10);
        fact.Kind = MessageKind.Text;
        fact.MentionsEveryone = random.Next(1_000) == 0;
        fact.MentionedUserIds.Clear();
        for (var names = Mentions(); names > 0; names--)
            fact.MentionedUserIds.Add(population.UserId(channel, Zipf(population.Size(channel))));
        Add(trace, sent, fact.ChannelId);
        trace.AddKey(TraceKey.Channel(fact.ChannelId));
        trace.AddKey(new TraceKey(fact.AuthorId, fact.ChannelId));
    }

    /// <summary>32 % of messages name somebody, 1.5 users each: 0.48 a message, as seen in a real IRC history.</summary>
    private int Mentions()
    {
        var dice = random.Next(1_000);
        return dice switch { < 208 => 1, < 278 => 2, < 314 => 3, < 320 => 4, _ => 0 };
    }

    private void AddRead(EventTrace trace, int channel, int member)
    {
        var fact = read.MessagesRead;
        fact.ChannelId = Population.ChannelId(channel);
        fact.UserId = population.UserId(channel, member);
        fact.UpToId = Math.Max(heads[channel], 1);
        Add(trace, read, fact.ChannelId);
        trace.AddKey(new TraceKey(fact.UserId, fact.ChannelId));
    }

    private void AddMembership(EventTrace trace, int channel, int member, int which)
    {
        var key = new TraceKey(population.UserId(channel, member), Population.ChannelId(channel));
        switch (which)
        {
            case 0:
                (joined.MemberJoined.UserId, joined.MemberJoined.ChannelId) = (key.A, key.B);
                Add(trace, joined, key.B);
                break;
            case 1:
                (left.MemberLeft.UserId, left.MemberLeft.ChannelId) = (key.A, key.B);
                Add(trace, left, key.B);
                break;
            default:
                (muted.ChannelMuted.UserId, muted.ChannelMuted.ChannelId) = (key.A, key.B);
                muted.ChannelMuted.On = random.Next(2) == 0;
                Add(trace, muted, key.B);
                break;
        }
        trace.AddKey(key);
    }

    private void Add(EventTrace trace, ChannelEvent next, ulong channel)
    {
        next.EventId = FirstEventId + (++sequence << 4);
        trace.Add(next, channel);
        NextOffset++;
    }
}
