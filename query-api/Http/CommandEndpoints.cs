using Microsoft.AspNetCore.Http.HttpResults;
using ReadStateStream.QueryApi.Commands;
using ReadStateStream.QueryApi.Settings;

namespace ReadStateStream.QueryApi.Http;

/// <summary>The commands under /v1: 202 with a token where something was published, 200 where nothing was left to do.</summary>
internal static class CommandEndpoints
{
    public static void MapCommands(this RouteGroupBuilder v1)
    {
        const string Refused = " 404 not-a-member and nothing published where the user has no state there.";
        v1.MapPost("/users/{user}/channels/{channel}/ack", AckAsync)
            .Describe("ack", "Read a channel up to a message",
                "Forward only, unless manual. Where threads are read with their channel, thread has no effect." + Refused,
                OpenApiExamples.Command, 404, 409, 413, 415, 422, 502, 503);
        v1.MapPost("/users/{user}/read-all", ReadAllAsync)
            .Describe("readAll", "Read all channels, or some, each up to its newest message",
                "Without a body, or without channels: all of them." + Refused, OpenApiExamples.ReadAll, 404, 409, 413, 415, 502, 503);
        v1.MapPost("/users/{user}/channels/{channel}/mark-unread", MarkUnreadAsync)
            .Describe("markUnread", "Make a message the first unread one",
                "422 message-not-found where it does not exist, own-message where the policy refuses one's own." + Refused,
                OpenApiExamples.Command, 404, 409, 413, 415, 422, 502, 503);
    }

    private static async Task<Results<Accepted<CommandAnswer>, Ok<CommandAnswer>>> AckAsync(
        string user, string channel, AckRequest request,
        [AsParameters] PositionParameters position, CommandHandler commands, PositionWaits waits, CancellationToken cancellation)
    {
        if (request is { Manual: true, Thread: not null })
            throw Problems.InvalidCommand("a manual ack sets the pointer of the whole channel: leave out thread");
        ulong? thread = request.Thread is null ? null : ReadEndpoints.ThreadRoot(request.Thread);
        var upTo = request.Manual ? Ids.ParseOrZero(request.UpTo, "upTo") : Ids.Parse(request.UpTo, "upTo");
        return Answer(await commands.AckAsync(Ids.Parse(user, "user"), Ids.Parse(channel, "channel"), upTo, thread, request.Manual,
            waits.Begin(position), cancellation));
    }

    private static async Task<Results<Accepted<CommandAnswer>, Ok<CommandAnswer>>> ReadAllAsync(
        string user, ReadAllRequest? request,
        [AsParameters] PositionParameters position, CommandHandler commands, PositionWaits waits, CancellationToken cancellation)
    {
        var id = Ids.Parse(user, "user");
        if (request?.Channels is not { } listed) return Answer(await commands.ReadAllAsync(id, waits.Begin(position), cancellation));
        if (listed.Count is < 1 or > AnswerOptions.BatchMax)
            throw Problems.InvalidParameter("channels", $"channels has 1 .. {AnswerOptions.BatchMax} ids (it has {listed.Count})");
        var channels = listed.Select((c, i) => Ids.Parse(c, $"channels[{i}]")).ToList();
        return Answer(await commands.ReadListedAsync(id, channels, waits.Begin(position), cancellation));
    }

    private static async Task<Results<Accepted<CommandAnswer>, Ok<CommandAnswer>>> MarkUnreadAsync(
        string user, string channel, MarkUnreadRequest request,
        [AsParameters] PositionParameters position, CommandHandler commands, PositionWaits waits, CancellationToken cancellation) =>
        Answer(await commands.MarkUnreadAsync(Ids.Parse(user, "user"), Ids.Parse(channel, "channel"),
            Ids.Parse(request.MessageId, "messageId"), waits.Begin(position), cancellation));

    private static Results<Accepted<CommandAnswer>, Ok<CommandAnswer>> Answer(CommandAnswer answer) =>
        answer.Published > 0 ? TypedResults.Accepted((string?)null, answer) : TypedResults.Ok(answer);
}
