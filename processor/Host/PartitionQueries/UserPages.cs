using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>Joins what several partitions said of one user.</summary>
internal static class UserPages
{
    /// <summary>
    /// The first states by channel id, and the sums. A partition that holds more than it gave limits the page:
    /// what lies above its last state may have something of it in between.
    /// </summary>
    /// <param name="parts">One answer a partition, each in order of channel id.</param>
    /// <param name="limit">Most states; 0: none are asked for.</param>
    public static GetUserResponse Merge(IReadOnlyList<GetUserResponse> parts, int limit)
    {
        var merged = new GetUserResponse { Totals = Sum(parts.Select(part => part.Totals).OfType<Totals>()) };
        if (limit == 0) return merged;
        var complete = ulong.MaxValue;
        foreach (var part in parts.Where(part => part.More))
        {
            if (part.States.Count == 0)
                throw new ConnectException(ConnectCode.Internal, "a partition has more states but gave none");
            complete = Math.Min(complete, part.States[^1].ChannelId);
        }
        var states = parts.SelectMany(part => part.States).OrderBy(state => state.ChannelId).ToArray();
        merged.States.AddRange(states.TakeWhile(state => state.ChannelId <= complete).Take(limit));
        merged.More = merged.States.Count < states.Length || complete != ulong.MaxValue;
        return merged;
    }

    private static Totals Sum(IEnumerable<Totals> parts)
    {
        var sum = new Totals();
        foreach (var part in parts)
        {
            sum.Unread += part.Unread;
            sum.Mentions += part.Mentions;
            sum.Capped |= part.Capped;
            sum.Channels += part.Channels;
            sum.UnreadChannels += part.UnreadChannels;
        }
        return sum;
    }
}
