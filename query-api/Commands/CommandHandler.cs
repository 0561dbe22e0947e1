using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Commands;

/// <summary>
/// Commands: validated against the present state (never against a snapshot), then published as facts through the owner of the channel's
/// partition. Nothing is published where a command is refused. Event ids are stamped by the ingest endpoint, so a
/// command that is repeated is a new fact: reads move forward only, and a pointer set twice to the same id stands there.
/// </summary>
internal sealed class CommandHandler(StateReader states, UserReader users, Router router, AnswerRouting routes, IngestClient ingest)
{
    private const int PageStates = 1_000;

    /// <summary>Read up to an id: the channel, its main timeline (thread 0) or a thread; or the pointer put at an id.</summary>
    public async Task<CommandAnswer> AckAsync(
        ulong user, ulong channel, ulong upTo, ulong? thread, bool manual, PositionWait wait, CancellationToken cancellation)
    {
        await MemberAsync(user, channel, probe: 0, wait, cancellation);
        var fact = new ChannelEvent();
        if (manual)
            fact.PointerSet = new PointerSet { ChannelId = channel, UserId = user, UpToId = upTo };
        else
            fact.MessagesRead = Read(user, channel, upTo);
        if (thread is 0) fact.MessagesRead.MainTimeline = true;
        else if (thread is { } root) fact.MessagesRead.ThreadRootId = root;
        return await PublishOneAsync(fact, channel, wait, cancellation);
    }

    /// <summary>The pointer put just below an existing message.</summary>
    public async Task<CommandAnswer> MarkUnreadAsync(
        ulong user, ulong channel, ulong message, PositionWait wait, CancellationToken cancellation)
    {
        var (state, owner) = await MemberAsync(user, channel, message, wait, cancellation);
        if (state.Probe is not { Exists: true } probe) throw Problems.MessageNotFound(channel, message);
        if (probe.Own && owner.Claims.RefuseOwnUnreadFrom) throw Problems.OwnMessage(message);
        var fact = new ChannelEvent { PointerSet = new PointerSet { ChannelId = channel, UserId = user, UpToId = message - 1 } };
        return await PublishOneAsync(fact, channel, wait, cancellation);
    }

    /// <summary>Reads the listed channels, each up to its head; refused as a whole where one has no state.</summary>
    public async Task<CommandAnswer> ReadListedAsync(
        ulong user, IReadOnlyList<ulong> channels, PositionWait wait, CancellationToken cancellation)
    {
        var keys = channels.Distinct().Select(c => new GetStatesRequest.Types.Key { UserId = user, ChannelId = c }).ToList();
        var read = await states.ReadAsync(keys, Staleness.Refused, wait, cancellation);
        var strangers = read.States.Where(s => !s.Member).Select(s => s.ChannelId).ToList();
        if (strangers.Count > 0) throw Problems.NotAMember(user, strangers);
        var published = new Publication(wait.Token);
        await PublishReadsAsync(read.States, published, cancellation);
        return published.ToAnswer(read.Table);
    }

    /// <summary>Reads all the user's channels, each up to its head as of its page.</summary>
    public async Task<CommandAnswer> ReadAllAsync(ulong user, PositionWait wait, CancellationToken cancellation)
    {
        var published = new Publication(wait.Token);
        ulong after = 0;
        while (true)
        {
            var page = await users.PageAsync(user, unreadOnly: false, after, PageStates, Staleness.Refused, wait, cancellation);
            await PublishReadsAsync(page.States, published, cancellation);
            if (!page.More) return published.ToAnswer(page.Table);
            after = page.States[^1].ChannelId;
        }
    }

    private async Task<(ReadState State, ProcessorClaims Owner)> MemberAsync(
        ulong user, ulong channel, ulong probe, PositionWait wait, CancellationToken cancellation)
    {
        var key = new GetStatesRequest.Types.Key { UserId = user, ChannelId = channel, ProbeMessageId = probe };
        var read = await states.ReadAsync([key], Staleness.Refused, wait, cancellation);
        if (!read.States[0].Member) throw Problems.NotAMember(user, [channel]);
        return (read.States[0], read.Sources.OwnerOf(read.Table.PartitionOf(channel)));
    }

    private async Task<CommandAnswer> PublishOneAsync(ChannelEvent fact, ulong channel, PositionWait wait, CancellationToken cancellation)
    {
        var published = new Publication(wait.Token);
        await PublishAsync([(channel, fact)], published, cancellation);
        return published.ToAnswer(router.Current);
    }

    private Task PublishReadsAsync(IEnumerable<ReadState> of, Publication published, CancellationToken cancellation)
    {
        var facts = of
            .Where(s => s.LastMessageId > 0 && (s.LastReadId < s.LastMessageId || s.Counts is { Unread: > 0 }))
            .Select(s => (s.ChannelId, new ChannelEvent { MessagesRead = Read(s.UserId, s.ChannelId, s.LastMessageId) }))
            .ToList();
        return PublishAsync(facts, published, cancellation);
    }

    // Each event goes to the owner of its channel's partition: one batch an owner.
    private async Task PublishAsync(
        IReadOnlyList<(ulong Channel, ChannelEvent Fact)> facts, Publication published, CancellationToken cancellation)
    {
        var left = facts;
        while (left.Count > 0)
        {
            var batch = await routes.AnswerAsync(async sources =>
            {
                var table = sources.Table;
                var owner = sources.OwnerOf(table.PartitionOf(left[0].Channel));
                var mine = left
                    .Where(f => table.TryOwner(table.PartitionOf(f.Channel), out var other) && other.IngestUrl == owner.IngestUrl)
                    .Take(IngestClient.BatchMax)
                    .ToList();
                await published.AddAsync(() => ingest.PublishAsync(owner.IngestUrl, [.. mine.Select(f => f.Fact)], cancellation));
                return mine;
            }, Staleness.Refused, PositionWait.Nothing, cancellation);
            var sent = batch.Select(f => f.Channel).ToHashSet();
            left = [.. left.Where(f => !sent.Contains(f.Channel))];
        }
    }

    private static MessagesRead Read(ulong user, ulong channel, ulong upTo) => new() { ChannelId = channel, UserId = user, UpToId = upTo };

    /// <summary>What a command published so far; a failure later on says so.</summary>
    private sealed class Publication(PublishToken? passed)
    {
        private PublishToken? token = passed;
        private int count;
        private IngestResult? only;

        public async Task AddAsync(Func<Task<PublishedEvents>> publish)
        {
            PublishedEvents events;
            try
            {
                events = await publish();
            }
            catch (ProblemException e) when (count > 0)
            {
                Tell(e);
                throw;
            }
            token = PublishTokens.Merge(token, events.Token);
            only = count == 0 && events.Results.Count == 1 ? events.Results[0] : null;
            count += events.Results.Count;
        }

        public CommandAnswer ToAnswer(RoutingTable table) => new(
            PublishTokens.Encode(token ?? new PublishToken { TopicIdentity = table.TopicIdentity }),
            count,
            only is null ? null : Ids.Text(only.EventId),
            only?.Partition,
            only is null ? null : Ids.Text((ulong)only.Offset));

        private void Tell(ProblemException e)
        {
            var extensions = e.Problem.Extensions;
            var here = extensions.TryGetValue("token", out var part) ? PublishTokens.Decode((string)part!) : null;
            extensions["token"] = PublishTokens.Encode(here is null ? token! : PublishTokens.Merge(token, here));
            extensions["published"] = count + (extensions.TryGetValue("published", out var taken) ? (int)taken! : 0);
        }
    }
}
