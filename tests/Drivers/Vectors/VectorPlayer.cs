using ReadStateStream.Harness;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Drivers.Vectors;

/// <summary>Plays one vector through HTTP, up to the next snapshot at a time.</summary>
internal sealed class VectorPlayer(Vector vector, ProductClient client, TimeProvider time)
{
    /// <summary>Why a command may be refused by the present state; another 4xx is a fault of the request.</summary>
    private static readonly string[] Refusals = ["not-a-member", "message-not-found", "own-message"];

    private readonly EventIds ids = new(time);
    private readonly PublishTokens tokens = new();
    private readonly List<ChannelEvent> waiting = [];
    /// <summary>By the index of a step: the event it published.</summary>
    private readonly Dictionary<int, ChannelEvent> published = [];
    private readonly List<string> differences = [];
    private int next;

    /// <summary>The vector played.</summary>
    public Vector Vector => vector;

    /// <summary>It goes on only after the processor's restart.</summary>
    public bool AwaitsRestart { get; private set; }

    /// <summary>What differed from the expectations, with the place; empty where it passes.</summary>
    public IReadOnlyList<string> Differences => differences;

    /// <summary>Plays until a snapshot step or the end; a wrong answer of the product ends it as a difference.</summary>
    /// <exception cref="ProductAwayException">The product does not answer at all.</exception>
    public async Task AdvanceAsync(CancellationToken cancellation)
    {
        AwaitsRestart = false;
        var place = "";
        try
        {
            while (next < vector.Steps.Count)
            {
                var index = next++;
                var step = vector.Steps[index];
                place = step.Place;
                // What a command published is delivered again where it is known; else the command is repeated.
                if (step is AgainStep { Of: var of } && !published.ContainsKey(of)) step = vector.Steps[of];
                if (step is EventStep or AgainStep)
                {
                    Gather(index, step);
                    continue;
                }
                await FlushAsync(cancellation).ConfigureAwait(false);
                if (step is SnapshotStep)
                {
                    AwaitsRestart = true;
                    return;
                }
                await PlayAsync(index, step, cancellation).ConfigureAwait(false);
            }
            await FlushAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not (OperationCanceledException or ProductAwayException))
        {
            differences.Add($"{place}: {e.Message}");
            next = vector.Steps.Count;
        }
    }

    // Facts that follow each other travel in one request, in their order.
    private void Gather(int index, Step step)
    {
        if (step is EventStep { Event: var fact })
        {
            fact = fact.Clone();
            fact.EventId = ids.Next();
            published[index] = fact;
            waiting.Add(fact);
        }
        else if (step is AgainStep { Of: var of })
        {
            waiting.Add(published[of]);
        }
    }

    private async Task FlushAsync(CancellationToken cancellation)
    {
        foreach (var batch in waiting.Chunk(ProductClient.BatchLimit))
            tokens.Add(await client.PublishAsync(batch, json: true, cancellation).ConfigureAwait(false));
        waiting.Clear();
    }

    private Task PlayAsync(int index, Step step, CancellationToken cancellation) => step switch
    {
        ReadAllStep s => ReadAllAsync(s, cancellation),
        UnreadFromStep s => UnreadFromAsync(index, s, cancellation),
        ExpectStep s => ExpectAsync(s, cancellation),
        ExpectTotalStep s => ExpectTotalAsync(s, cancellation),
        _ => Task.CompletedTask,
    };

    private async Task ReadAllAsync(ReadAllStep s, CancellationToken cancellation)
    {
        object body = s.Channels is null ? new { } : new { channels = s.Channels.Select(Json.Text).ToArray() };
        var answer = await CommandAsync($"/v1/users/{s.User}/read-all", body, cancellation).ConfigureAwait(false);
        if (!answer.IsSuccess) Differ(s, $"answered {answer}");
    }

    private async Task UnreadFromAsync(int index, UnreadFromStep s, CancellationToken cancellation)
    {
        var answer = await CommandAsync(
            $"/v1/users/{s.User}/channels/{s.Channel}/mark-unread", new { messageId = Json.Text(s.Message) }, cancellation).ConfigureAwait(false);
        if (s.Error && !Refusals.Any(answer.IsProblem)) Differ(s, $"must be refused, answered {answer}");
        if (!s.Error && !answer.IsSuccess) Differ(s, $"answered {answer}");
        if (answer.IsSuccess && Json.OptionalNumber(answer.Body, "eventId") is { } eventId)
        {
            published[index] = new ChannelEvent
            {
                EventId = eventId,
                PointerSet = new() { ChannelId = s.Channel, UserId = s.User, UpToId = s.Message - 1 },
            };
        }
    }

    // The product stamps a command's events: above all before it, below all after it.
    private async Task<Answer> CommandAsync(string path, object body, CancellationToken cancellation)
    {
        await ids.UntilOthersAreAboveAsync(cancellation).ConfigureAwait(false);
        var answer = await client.PostAsync(path, tokens.Merged(), body, cancellation).ConfigureAwait(false);
        ids.PassOthers();
        if (answer.IsSuccess && answer.Body.TryGetProperty("token", out var token)) tokens.Add(token.GetString());
        return answer;
    }

    private async Task ExpectAsync(ExpectStep s, CancellationToken cancellation)
    {
        var path = $"/v1/users/{s.User}/channels/{s.Channel}";
        if (s.Thread is { } thread) path += thread == 0 ? "/threads/main" : $"/threads/{thread}";
        var answer = await client.GetAsync(path, tokens.Merged(), cancellation).ConfigureAwait(false);
        var isMember = !answer.IsProblem("not-a-member");
        if (isMember && !answer.IsSuccess)
        {
            Differ(s, $"answered {answer}");
            return;
        }
        if (s.Member is { } member && member != isMember) Differ(s, $"member: expected {member}, was {isMember}");
        if (!isMember)
        {
            // Who has no state has nothing unread.
            Compare(s, "unread", s.Unread, 0);
            Compare(s, "mentions", s.Mentions, 0);
            return;
        }
        var counts = CountsAnswer.Parse(answer.Body.GetProperty("counts"));
        Compare(s, "unread", s.Unread, counts.Unread);
        Compare(s, "mentions", s.Mentions, counts.Mentions);
        if (s.HasFirst && s.First != counts.First) Differ(s, $"first: expected {Show(s.First)}, was {Show(counts.First)}");
        if (s.Capped is { } capped && capped != counts.Capped) Differ(s, $"capped: expected {capped}, was {!capped}");
    }

    private async Task ExpectTotalAsync(ExpectTotalStep s, CancellationToken cancellation)
    {
        var answer = await client.GetAsync($"/v1/users/{s.User}/badge", tokens.Merged(), cancellation).ConfigureAwait(false);
        if (!answer.IsSuccess)
        {
            Differ(s, $"answered {answer}");
            return;
        }
        var badge = CountsAnswer.Parse(answer.Body);
        Compare(s, "unread", s.Unread, badge.Unread);
        Compare(s, "mentions", s.Mentions, badge.Mentions);
    }

    private void Compare(Step step, string what, ulong? expected, ulong was)
    {
        if (expected is { } value && value != was) Differ(step, $"{what}: expected {value}, was {was}");
    }

    private void Differ(Step step, string what) => differences.Add($"{step.Place}: {what}");

    private static string Show(ulong? value) => value is { } id ? Json.Text(id) : "null";
}
