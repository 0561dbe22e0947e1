using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Unit.Partition;

/// <summary>Compares everything a product can be asked about with the oracle.</summary>
public static class OracleComparison
{
    /// <summary>
    /// The first difference, or null. <paramref name="map"/> maps the oracle's user and channel ids to the
    /// product's; <paramref name="probes"/>: message ids to ask for.
    /// </summary>
    public static string? FirstDifference(IAsked product, ReadStateOracle oracle, Func<ulong, ulong>? map = null, params ulong[] probes)
    {
        map ??= static id => id;
        var blocked = product.Blocked(oracle.Users.Select(map));
        return StateDifference(product, oracle, map, probes)
            ?? oracle.Users.Select(user => UserDifference(product, oracle, user, map, blocked)).FirstOrDefault(d => d is not null);
    }

    /// <summary>
    /// As <see cref="FirstDifference"/>, without sums over a user's channels: the product may hold channels that the
    /// oracle was not told of.
    /// </summary>
    public static string? StateDifference(IAsked product, ReadStateOracle oracle, Func<ulong, ulong>? map = null, params ulong[] probes)
    {
        map ??= static id => id;
        var blocked = product.Blocked(oracle.Users.Select(map));
        foreach (var user in oracle.Users)
            if (!blocked.Of(map(user)).SequenceEqual(oracle.BlockedBy(user).Select(map).Order().ToArray()))
                return $"user {user} blocks {string.Join(',', blocked.Of(map(user)).ToArray())}, expected {string.Join(',', oracle.BlockedBy(user))}";
        var asked = (from user in oracle.Users from channel in oracle.Channels
                     from probe in probes.Length == 0 ? [0UL] : probes select (user, channel, probe)).ToList();
        var answers = product.States(
            [.. asked.Select(a => new GetStatesRequest.Types.Key { UserId = map(a.user), ChannelId = map(a.channel), ProbeMessageId = a.probe, Threads = true })],
            blocked);
        for (var i = 0; i < asked.Count; i++)
        {
            var (user, channel, probe) = asked[i];
            if (Difference(answers[i], oracle, user, channel, probe, map) is { } difference) return difference;
        }
        return null;
    }

    private static string? Difference(
        ReadState actual, ReadStateOracle oracle, ulong user, ulong channel, ulong probe, Func<ulong, ulong> map)
    {
        var expected = oracle.ReadState(user, channel, IAsked.Epoch, probe);
        var threads = actual.Threads.ToList();
        actual = actual.Clone();
        actual.Threads.Clear();
        actual.Partition = expected.Partition;
        expected.UserId = map(user);
        expected.ChannelId = map(channel);
        if (expected.Probe is { Exists: true }) expected.Probe.AuthorId = map(expected.Probe.AuthorId);
        if (!actual.Equals(expected)) return $"user {user} in channel {channel}:\n  got      {actual}\n  expected {expected}";
        foreach (var thread in threads)
        {
            var other = ReadStateOracle.ToProtobuf(oracle.Thread(user, channel, thread.ThreadRootId));
            if (!thread.Equals(other)) return $"user {user} in channel {channel}, thread {thread.ThreadRootId}:\n  got      {thread}\n  expected {other}";
        }
        var missing = oracle.ThreadsOf(user, channel).Except(threads.Select(t => t.ThreadRootId))
            .Where(root => oracle.Thread(user, channel, root).Counts.Unread > 0).ToList();
        return missing.Count == 0 ? null : $"user {user} in channel {channel}: threads {string.Join(',', missing)} are missing";
    }

    private static string? UserDifference(
        IAsked product, ReadStateOracle oracle, ulong user, Func<ulong, ulong> map, BlockedLookup blocked)
    {
        var channels = new List<ulong>();
        var totals = new Totals();
        for (var partition = 0; partition < product.PartitionCount; partition++)
        {
            var sums = product.Ask(partition, p => p.GetUserAsync(new GetUserRequest { UserId = map(user), TotalsOnly = true }, blocked, 0, default)).Totals;
            totals.Unread += sums.Unread;
            totals.Mentions += sums.Mentions;
            totals.Capped |= sums.Capped;
            totals.Channels += sums.Channels;
            totals.UnreadChannels += sums.UnreadChannels;
            var cursor = 0UL;
            for (var more = true; more;)
            {
                var request = new GetUserRequest { UserId = map(user), Limit = 2, AfterChannelId = cursor };
                var page = product.Ask(partition, p => p.GetUserAsync(request, blocked, 0, default));
                channels.AddRange(page.States.Select(s => s.ChannelId));
                more = page.More;
                if (more) cursor = page.States[^1].ChannelId;
            }
        }
        var expected = ReadStateOracle.ToProtobuf(oracle.Totals(user));
        if (!totals.Equals(expected)) return $"badge of user {user}:\n  got      {totals}\n  expected {expected}";
        var expectedChannels = oracle.ChannelsOf(user).Select(map).Order().ToList();
        return channels.Order().SequenceEqual(expectedChannels)
            ? null : $"channels of user {user}: got {string.Join(',', channels)}, expected {string.Join(',', expectedChannels)}";
    }
}
