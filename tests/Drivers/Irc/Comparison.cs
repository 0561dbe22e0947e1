using System.Text.Json;
using ReadStateStream.Harness;

namespace ReadStateStream.Drivers.Irc;

/// <summary>Asks the query API for every pair and every badge of a recount, and notes what differs.</summary>
internal sealed class Comparison(ProductClient client, string? token)
{
    private const int PairsOfOneRequest = 1_000;
    private const int RequestsAtOnce = 8;
    private const int DifferencesKept = 20;
    private readonly Lock gate = new();
    private readonly List<string> shown = [];

    /// <summary>Pairs that were compared.</summary>
    public int Pairs { get; private set; }

    /// <summary>Badges that were compared.</summary>
    public int Badges { get; private set; }

    /// <summary>How many of either differed.</summary>
    public int Differences { get; private set; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<string> Shown => shown;

    /// <summary>Compares pairs, all members of a state that the recount knows.</summary>
    public Task ComparePairsAsync(
        IEnumerable<(ulong User, ulong Channel, PairAnswer Answer)> pairs, Action<int> onCompared, CancellationToken cancellation) =>
        Parallel.ForEachAsync(pairs.Chunk(PairsOfOneRequest), Limits(cancellation), async (chunk, stop) =>
        {
            var keys = chunk.Select(pair => new { user = Json.Text(pair.User), channel = Json.Text(pair.Channel) }).ToArray();
            var answer = await client.PostAsync("/v1/states:batch", token, new { keys }, stop).ConfigureAwait(false);
            if (!answer.IsSuccess) throw new ProductFailedException($"states:batch of {keys.Length} pairs: {answer}");
            var states = answer.Body.GetProperty("states");
            if (states.GetArrayLength() != keys.Length)
                throw new ProductFailedException($"{states.GetArrayLength()} states for {keys.Length} pairs");
            lock (gate)
            {
                for (var i = 0; i < chunk.Length; i++)
                {
                    var was = Parse(states[i]);
                    if (was != chunk[i].Answer)
                        Differ($"user {chunk[i].User} in channel {chunk[i].Channel}: expected {chunk[i].Answer}; was {was}");
                }
                Pairs += chunk.Length;
            }
            onCompared(chunk.Length);
        });

    /// <summary>Compares badges.</summary>
    public Task CompareBadgesAsync(
        IEnumerable<KeyValuePair<ulong, BadgeAnswer>> badges, Action<int> onCompared, CancellationToken cancellation) =>
        Parallel.ForEachAsync(badges, Limits(cancellation), async (badge, stop) =>
        {
            var answer = await client.GetAsync($"/v1/users/{badge.Key}/badge", token, stop).ConfigureAwait(false);
            if (!answer.IsSuccess) throw new ProductFailedException($"badge of user {badge.Key}: {answer}");
            var counts = CountsAnswer.Parse(answer.Body);
            var was = new BadgeAnswer(counts.Unread, counts.Mentions);
            lock (gate)
            {
                if (was != badge.Value) Differ($"badge of user {badge.Key}: expected {badge.Value}; was {was}");
                Badges++;
            }
            onCompared(1);
        });

    private static PairAnswer Parse(JsonElement state)
    {
        if (!state.GetProperty("member").GetBoolean()) return default;
        var counts = CountsAnswer.Parse(state.GetProperty("counts"));
        return new(
            true, counts.Unread, counts.Mentions, counts.First ?? 0,
            Json.OptionalNumber(state, "lastReadId") ?? 0,
            Json.OptionalNumber(state, "lastMessageId") ?? 0,
            state.GetProperty("muted").GetBoolean());
    }

    private static ParallelOptions Limits(CancellationToken cancellation) =>
        new() { MaxDegreeOfParallelism = RequestsAtOnce, CancellationToken = cancellation };

    private void Differ(string difference)
    {
        Differences++;
        if (shown.Count < DifferencesKept) shown.Add(difference);
    }
}
