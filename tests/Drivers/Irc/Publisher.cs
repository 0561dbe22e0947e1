using ReadStateStream.Harness;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Drivers.Irc;

/// <summary>
/// Publishes at full speed: several requests in flight, yet each channel's events in their order, since a
/// channel belongs to one lane and a lane sends one request at a time. An unanswered request is sent again.
/// </summary>
internal sealed class Publisher(ProductClient client, int lanes)
{
    private readonly PublishTokens tokens = new();
    private long acknowledged;
    private int inFlight;

    /// <summary>Called with the number of events after each answered request.</summary>
    public Action<int>? OnAcknowledged { get; set; }

    /// <summary>Events answered so far.</summary>
    public long Acknowledged => Interlocked.Read(ref acknowledged);

    /// <summary>Requests without an answer right now.</summary>
    public int InFlight => Volatile.Read(ref inFlight);

    /// <summary>The token of all that was answered.</summary>
    public string? Token => tokens.Merged();

    /// <summary>Publishes all events; returns when each has been answered.</summary>
    public async Task PublishAsync(IReadOnlyList<ChannelEvent> events, CancellationToken cancellation)
    {
        var work = Split(events);
        await Task.WhenAll(work.Select(lane => RunLaneAsync(lane, cancellation))).ConfigureAwait(false);
    }

    private List<ChannelEvent>[] Split(IReadOnlyList<ChannelEvent> events)
    {
        // The longest channels first, each to the shortest lane.
        var split = Enumerable.Range(0, lanes).Select(_ => new List<ChannelEvent>()).ToArray();
        var sizes = new int[lanes];
        var laneOf = new Dictionary<ulong, int>();
        foreach (var (channel, count) in events.CountBy(ChannelOf).OrderByDescending(c => c.Value))
        {
            var lane = Array.IndexOf(sizes, sizes.Min());
            laneOf[channel] = lane;
            sizes[lane] += count;
        }
        foreach (var fact in events) split[laneOf[ChannelOf(fact)]].Add(fact);
        return split;
    }

    private async Task RunLaneAsync(List<ChannelEvent> lane, CancellationToken cancellation)
    {
        foreach (var batch in lane.Chunk(ProductClient.BatchLimit))
        {
            Interlocked.Increment(ref inFlight);
            tokens.Add(await client.PublishAsync(batch, json: false, cancellation).ConfigureAwait(false));
            Interlocked.Decrement(ref inFlight);
            Interlocked.Add(ref acknowledged, batch.Length);
            OnAcknowledged?.Invoke(batch.Length);
        }
    }

    private static ulong ChannelOf(ChannelEvent fact) => fact.FactCase switch
    {
        ChannelEvent.FactOneofCase.MemberJoined => fact.MemberJoined.ChannelId,
        ChannelEvent.FactOneofCase.MemberLeft => fact.MemberLeft.ChannelId,
        ChannelEvent.FactOneofCase.MessageSent => fact.MessageSent.ChannelId,
        ChannelEvent.FactOneofCase.MessagesRead => fact.MessagesRead.ChannelId,
        ChannelEvent.FactOneofCase.PointerSet => fact.PointerSet.ChannelId,
        ChannelEvent.FactOneofCase.ChannelMuted => fact.ChannelMuted.ChannelId,
        _ => throw new NotSupportedException($"{fact.FactCase} has no lane"),
    };
}
