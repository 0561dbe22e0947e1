using System.Text.Json;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Oracle.Vectors;

/// <summary>How a vector ended: declined for a reason, or played with these differences (none: passed).</summary>
public sealed record VectorResult(string Id, string? Declined, IReadOnlyList<string> Differences)
{
    /// <summary>Played without a difference.</summary>
    public bool Passed => Declined is null && Differences.Count == 0;
}

/// <summary>
/// Plays vectors over any source: facts as events, whose ids grow with the steps; read_all and unread_from
/// as the commands they are, validated against the present state; every expectation compared.
/// </summary>
public sealed class VectorPlayer
{
    // Room for the events of one step, whose ids follow each other.
    private const int EventIdBitsPerStep = 20;

    private readonly IReadStateSource source;
    private readonly OraclePolicy policy;
    private readonly VectorEvents events = new();
    private readonly List<IReadOnlyList<ChannelEvent>> published = [];
    private readonly List<string> differences = [];

    private VectorPlayer(IReadStateSource source, OraclePolicy policy)
    {
        this.source = source;
        this.policy = policy;
    }

    /// <summary>Plays one vector over a new source under its policy.</summary>
    public static async Task<VectorResult> PlayAsync(Vector vector, Func<OraclePolicy, IReadStateSource> newSource)
    {
        if (vector.Declined is { } reason) return new VectorResult(vector.Id, reason, []);
        await using var source = newSource(vector.Policy);
        var player = new VectorPlayer(source, vector.Policy);
        foreach (var step in vector.Steps) await player.StepAsync(step);
        return new VectorResult(vector.Id, null, player.differences);
    }

    private async Task StepAsync(JsonElement step)
    {
        var op = step.GetProperty("op").GetString()!;
        IReadOnlyList<ChannelEvent> stepEvents = [];
        switch (op)
        {
            case "snapshot":
                await source.RestartAsync();
                break;
            case "dup":
                stepEvents = published.LastOrDefault(earlier => earlier.Count > 0) ?? [];
                break;
            case "again":
                stepEvents = published[step.GetProperty("of").GetInt32()];
                break;
            case "read_all":
                stepEvents = Stamped(await ReadAllAsync(step));
                break;
            case "unread_from":
                stepEvents = Stamped(await UnreadFromAsync(step));
                break;
            case "expect":
                await ExpectAsync(step);
                break;
            case "expect_total":
                await ExpectTotalAsync(step);
                break;
            default:
                stepEvents = Stamped([events.Of(op, step) ?? throw new FormatException($"step {op} is not in the vocabulary")]);
                break;
        }
        if (stepEvents.Count > 0) await source.PublishAsync(stepEvents);
        published.Add(stepEvents);
    }

    private IReadOnlyList<ChannelEvent> Stamped(IReadOnlyList<ChannelEvent> stepEvents)
    {
        var eventId = (ulong)(published.Count + 1) << EventIdBitsPerStep;
        foreach (var published in stepEvents) published.EventId = eventId++;
        return stepEvents;
    }

    private async Task<IReadOnlyList<ChannelEvent>> ReadAllAsync(JsonElement step)
    {
        var user = events.User(step);
        var named = step.TryGetProperty("chs", out var names)
            ? names.EnumerateArray().Select(name => events.Channel(name.GetString()!)).ToList()
            : await source.ChannelsAsync(user);
        var reads = new List<ChannelEvent>();
        foreach (var channel in named)
        {
            var state = await source.StateAsync(user, channel, probeMessage: 0);
            if (state.Member && state.LastMessageId > 0)
                reads.Add(VectorEvents.ReadUpTo(user, channel, state.LastMessageId));
        }
        return reads;
    }

    private async Task<IReadOnlyList<ChannelEvent>> UnreadFromAsync(JsonElement step)
    {
        var (user, channel, message) = (events.User(step), events.Channel(step), VectorEvents.Number(step, "id"));
        var state = await source.StateAsync(user, channel, message);
        var refused = !state.Member || !state.Probe.Exists || (state.Probe.Own && policy.RefuseOwnUnreadFrom);
        Compare(step, "error", step.TryGetProperty("error", out var error) && error.GetBoolean(), refused);
        return refused ? [] : [VectorEvents.PointerAt(user, channel, message - 1)];
    }

    private async Task ExpectAsync(JsonElement step)
    {
        var state = await source.StateAsync(events.User(step), events.Channel(step), probeMessage: 0);
        var counts = state.Member ? state.Counts : new Counts();
        if (state.Member && step.TryGetProperty("thread", out var thread))
            counts = CountsOf(state, VectorEvents.RootOf(thread));
        foreach (var expected in step.EnumerateObject())
        {
            switch (expected.Name)
            {
                case "unread":
                    Compare(step, "unread", expected.Value.GetUInt64(), counts.Unread);
                    break;
                case "mentions":
                    Compare(step, "mentions", expected.Value.GetUInt64(), counts.Mentions);
                    break;
                case "first":
                    var first = expected.Value.ValueKind == JsonValueKind.Null ? 0 : VectorEvents.ParseNumber(expected.Value);
                    Compare(step, "first", first, counts.FirstUnreadId);
                    break;
                case "member":
                    Compare(step, "member", expected.Value.GetBoolean(), state.Member);
                    break;
                case "capped":
                    Compare(step, "capped", expected.Value.GetBoolean(), counts.Capped);
                    break;
                case "op" or "user" or "ch" or "thread":
                    break;
                default:
                    throw new FormatException($"expectation {expected.Name} is not in the vocabulary");
            }
        }
    }

    /// <summary>A thread that is not listed has nothing unread.</summary>
    private static Counts CountsOf(ReadState state, ulong root) =>
        state.Threads.FirstOrDefault(thread => thread.ThreadRootId == root)?.Counts
        ?? new Counts { Capped = state.Counts.Capped };

    private async Task ExpectTotalAsync(JsonElement step)
    {
        var totals = await source.TotalsAsync(events.User(step));
        if (step.TryGetProperty("unread", out var unread)) Compare(step, "unread", unread.GetUInt64(), totals.Unread);
        if (step.TryGetProperty("mentions", out var mentions)) Compare(step, "mentions", mentions.GetUInt64(), totals.Mentions);
    }

    private void Compare<T>(JsonElement step, string what, T expected, T actual)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual))
            differences.Add($"step {published.Count} {step.GetRawText()}: {what} is {actual}, expected {expected}");
    }
}
