using System.Text.Json;
using ReadStateStream.Drivers;
using ReadStateStream.Harness;
using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Crash;

/// <summary>Asks the query API for every pair, with threads, and every badge of the logs, and holds them against their oracles.</summary>
internal sealed class StateComparison(ProductClient client, OraclePolicy policy, int partitions, string? token)
{
    private const int PairsOfOneRequest = 500;

    /// <summary>Compares all of it.</summary>
    public async Task<Verdict> CompareAsync(IEnumerable<LoadLog> logs, CancellationToken cancellation)
    {
        var gate = new Lock();
        var sum = default(Verdict);
        var limits = new ParallelOptions { MaxDegreeOfParallelism = 4, CancellationToken = cancellation };
        await Parallel.ForEachAsync(logs, limits, async (log, stop) =>
        {
            var oracle = log.Oracle(policy, partitions);
            var verdict = await CompareAsync(oracle, stop).ConfigureAwait(false);
            lock (gate) sum += verdict;
        }).ConfigureAwait(false);
        return sum;
    }

    private async Task<Verdict> CompareAsync(ReadStateOracle oracle, CancellationToken cancellation)
    {
        var sum = default(Verdict);
        var pairs = (from user in oracle.Users from channel in oracle.Channels select (user, channel)).ToList();
        foreach (var chunk in pairs.Chunk(PairsOfOneRequest))
        {
            var keys = chunk.Select(pair => new { user = Json.Text(pair.user), channel = Json.Text(pair.channel) }).ToArray();
            var answer = await client.PostAsync("/v1/states:batch", token, new { keys, threads = true }, cancellation).ConfigureAwait(false);
            if (!answer.IsSuccess) throw new ProductFailedException($"states:batch of {keys.Length} pairs: {answer}");
            var states = answer.Body.GetProperty("states");
            for (var i = 0; i < chunk.Length; i++) sum += Pair(oracle, chunk[i].user, chunk[i].channel, states[i]);
        }
        foreach (var user in oracle.Users) sum += await BadgeAsync(oracle, user, cancellation).ConfigureAwait(false);
        return sum;
    }

    /// <summary>One answer against the oracle.</summary>
    public static Verdict Pair(ReadStateOracle oracle, ulong user, ulong channel, JsonElement state)
    {
        var expected = Expected(oracle, user, channel);
        var (text, unread) = Seen(state);
        var threads = ThreadDifference(oracle, user, channel, state);
        var right = default(Verdict) with { Pairs = 1 };
        if (text == expected.Text && threads is null) return right;
        var difference = $"user {user} in channel {channel}: was {text}; expected {expected.Text}{(threads is null ? "" : $"; {threads}")}";
        return Differing(right, unread, expected.Unread, difference);
    }

    private async Task<Verdict> BadgeAsync(ReadStateOracle oracle, ulong user, CancellationToken cancellation)
    {
        var answer = await client.GetAsync($"/v1/users/{user}/badge", token, cancellation).ConfigureAwait(false);
        if (!answer.IsSuccess) throw new ProductFailedException($"badge of user {user}: {answer}");
        return Badge(oracle, user, answer.Body);
    }

    /// <summary>One badge against the oracle.</summary>
    public static Verdict Badge(ReadStateOracle oracle, ulong user, JsonElement body)
    {
        var totals = oracle.Totals(user);
        var expected = $"{totals.Unread} {totals.Mentions} {totals.Capped} {totals.Channels} {totals.UnreadChannels}";
        var unread = body.GetProperty("unread").GetUInt64();
        var was = $"{unread} {body.GetProperty("mentions").GetUInt64()} {body.GetProperty("capped").GetBoolean()} "
                  + $"{body.GetProperty("channels").GetUInt32()} {body.GetProperty("unreadChannels").GetUInt32()}";
        var right = default(Verdict) with { Badges = 1 };
        return was == expected ? right : Differing(right, unread, totals.Unread, $"badge of user {user}: was {was}; expected {expected}");
    }

    private static Verdict Differing(Verdict right, ulong was, ulong expected, string difference)
    {
        var verdict = right with { First = difference };
        return was < expected ? verdict with { Lost = 1 } : was > expected ? verdict with { Twice = 1 } : verdict with { Other = 1 };
    }

    private static (string Text, ulong Unread) Expected(ReadStateOracle oracle, ulong user, ulong channel)
    {
        var state = oracle.State(user, channel);
        if (!state.Member) return ("no state", 0);
        var kind = state.Kind is ChannelKind.Direct ? "direct" : state.Kind is ChannelKind.Group ? "group" : "guild";
        return ($"{Text(state.Counts)} badge {state.BadgeUnread}/{state.BadgeMentions} read {state.LastReadId} head {state.LastMessageId} "
                + $"{kind} muted {state.Muted} suppressed {state.EveryoneSuppressed} incomplete {state.Incomplete}", state.Counts.Unread);
    }

    private static (string Text, ulong Unread) Seen(JsonElement state)
    {
        if (!state.GetProperty("member").GetBoolean()) return ("no state", 0);
        var counts = state.GetProperty("counts");
        var badge = state.GetProperty("badge");
        var text = $"{Text(counts)} badge {badge.GetProperty("unread").GetUInt64()}/{badge.GetProperty("mentions").GetUInt64()} "
                   + $"read {Json.OptionalNumber(state, "lastReadId") ?? 0} head {Json.OptionalNumber(state, "lastMessageId") ?? 0} "
                   + $"{state.GetProperty("kind").GetString()} muted {state.GetProperty("muted").GetBoolean()} "
                   + $"suppressed {state.GetProperty("everyoneSuppressed").GetBoolean()} incomplete {state.GetProperty("incomplete").GetBoolean()}";
        return (text, counts.GetProperty("unread").GetUInt64());
    }

    private static string Text(OracleCounts counts) =>
        $"{counts.Unread}/{counts.Mentions}({counts.Named},{counts.Everyone}) first {counts.FirstUnreadId ?? 0} capped {counts.Capped}";

    private static string Text(JsonElement counts)
    {
        var mentions = counts.GetProperty("mentions");
        return $"{counts.GetProperty("unread").GetUInt64()}/{mentions.GetProperty("total").GetUInt64()}"
               + $"({mentions.GetProperty("named").GetUInt64()},{mentions.GetProperty("everyone").GetUInt64()}) "
               + $"first {Json.OptionalNumber(counts, "firstUnreadId") ?? 0} capped {counts.GetProperty("capped").GetBoolean()}";
    }

    /// <summary>Threads that are listed have to be right, and none with something unread may be missing.</summary>
    private static string? ThreadDifference(ReadStateOracle oracle, ulong user, ulong channel, JsonElement state)
    {
        var listed = new HashSet<ulong>();
        if (state.TryGetProperty("threads", out var threads) && threads.ValueKind == JsonValueKind.Array)
            foreach (var thread in threads.EnumerateArray())
            {
                var name = thread.GetProperty("thread").GetString();
                var root = name == "main" ? 0 : ulong.Parse(name!, System.Globalization.CultureInfo.InvariantCulture);
                listed.Add(root);
                var expected = oracle.Thread(user, channel, root);
                var was = $"{Text(thread.GetProperty("counts"))} read {Json.OptionalNumber(thread, "lastReadId") ?? 0}";
                var right = $"{Text(expected.Counts)} read {expected.LastReadId}";
                if (was != right) return $"thread {root}: was {was}; expected {right}";
            }
        var missing = oracle.ThreadsOf(user, channel)
            .Where(root => !listed.Contains(root) && oracle.Thread(user, channel, root).Counts.Unread > 0).ToList();
        return missing.Count == 0 ? null : $"threads {string.Join(", ", missing)} are missing";
    }
}
