using System.ComponentModel;
using Microsoft.AspNetCore.Mvc;
using ReadStateStream.QueryApi.Reads;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Http;

/// <summary>The questions under /v1.</summary>
internal static class ReadEndpoints
{
    public static void MapReads(this RouteGroupBuilder v1)
    {
        v1.MapGet("/users/{user}/channels/{channel}", StateAsync)
            .Describe("getState", "A user's state in a channel",
                "404 not-a-member where the user has no state there.", OpenApiExamples.State, 404, 409, 502, 503);
        v1.MapGet("/users/{user}/channels/{channel}/threads/{thread}", ThreadAsync)
            .Describe("getThread", "A user's state in one thread of a channel",
                "thread is the id of the thread's root message, or main. 409 threads-inline where the deployment reads threads with their channel.",
                OpenApiExamples.Thread, 404, 409, 502, 503);
        v1.MapGet("/users/{user}/channels", StatesAsync)
            .Describe("listStates", "All states of a user, by pages",
                "In order of channel id. Pass the cursor of a page to get the next; it is null on the last. A page may be shorter than the limit.",
                OpenApiExamples.Page, 409, 502, 503);
        v1.MapGet("/users/{user}/badge", BadgeAsync)
            .Describe("getBadge", "A user's sums over all channels", "Mute applied.", OpenApiExamples.Badge, 409, 502, 503);
        v1.MapPost("/states:batch", BatchAsync)
            .Describe("batchStates", "States of up to 1,000 (user, channel) pairs",
                "Answers in the order of the keys; member is false where there is no state.", OpenApiExamples.Batch, 409, 413, 415, 502, 503);
    }

    private static async Task<ReadStateAnswer> StateAsync(
        string user, string channel,
        [FromQuery, Description("Also per thread, where threads are apart.")] bool? threads,
        [AsParameters] PositionParameters position, StateReader states, PositionWaits waits, CancellationToken cancellation)
    {
        var (state, read) = await OneAsync(Ids.Parse(user, "user"), Ids.Parse(channel, "channel"), threads is true, waits.Begin(position), states, cancellation);
        return AnswerMapping.ToAnswer(state, threads is true, read.Freshness.ToAnswer(read.Table));
    }

    private static async Task<ThreadStateAnswer> ThreadAsync(
        string user, string channel, string thread,
        [AsParameters] PositionParameters position, StateReader states, PositionWaits waits,
        CancellationToken cancellation)
    {
        var root = ThreadRoot(thread);
        var (state, read) = await OneAsync(Ids.Parse(user, "user"), Ids.Parse(channel, "channel"), threads: true, waits.Begin(position), states, cancellation);
        var source = read.Sources.Of(read.Table.PartitionOf(state.ChannelId));
        if (!await source.ThreadsSeparateAsync(cancellation)) throw Problems.ThreadsInline();
        // A thread that is not listed has neither messages nor a pointer of its own.
        var found = state.Threads.FirstOrDefault(t => t.ThreadRootId == root)
            ?? new Schemas.V1.ThreadState { ThreadRootId = root, LastReadId = state.LastReadId };
        var answer = AnswerMapping.ToAnswer(found);
        return new ThreadStateAnswer(Ids.Text(state.UserId), Ids.Text(state.ChannelId), answer.Thread,
            answer.Counts, answer.LastReadId, answer.LastMessageId, read.Freshness.ToAnswer(read.Table));
    }

    private static async Task<ReadStatesPage> StatesAsync(
        string user,
        [FromQuery, Description("Only channels with something unread.")] bool? unread,
        [FromQuery, Description("Most states on the page, 1 .. 1,000; absent: 100.")] int? limit,
        [FromQuery, Description("Where the page before ended.")] string? cursor,
        [AsParameters] PositionParameters position, UserReader users, PositionWaits waits, CancellationToken cancellation)
    {
        var id = Ids.Parse(user, "user");
        var size = limit ?? AnswerOptions.PageDefault;
        if (size is < 1 or > AnswerOptions.PageMax)
            throw Problems.InvalidParameter("limit", $"limit must be 1 .. {AnswerOptions.PageMax} (it is {size})");
        var after = PageCursor.Decode(cursor, id, unread is true);
        var page = await users.PageAsync(id, unread is true, after, size, Staleness.Accepted, waits.Begin(position), cancellation);
        return new ReadStatesPage(
            Ids.Text(id),
            [.. page.States.Select(s => AnswerMapping.ToAnswer(s, threads: false))],
            page.More ? PageCursor.Encode(id, unread is true, page.States[^1].ChannelId) : null,
            page.Freshness.ToAnswer(page.Table));
    }

    private static async Task<BadgeAnswer> BadgeAsync(
        string user, [AsParameters] PositionParameters position, UserReader users, PositionWaits waits, CancellationToken cancellation)
    {
        var id = Ids.Parse(user, "user");
        var read = await users.TotalsAsync(id, waits.Begin(position), cancellation);
        var totals = read.Totals;
        return new BadgeAnswer(Ids.Text(id), totals.Unread, totals.Mentions, totals.Capped, totals.Channels, totals.UnreadChannels,
            read.Freshness.ToAnswer(read.Table));
    }

    private static async Task<ReadStatesBatch> BatchAsync(
        BatchRequest request, [AsParameters] PositionParameters position, StateReader states, PositionWaits waits,
        CancellationToken cancellation)
    {
        if (request.Keys.Count is < 1 or > AnswerOptions.BatchMax)
            throw Problems.InvalidParameter("keys", $"a batch has 1 .. {AnswerOptions.BatchMax} keys (it has {request.Keys.Count})");
        var keys = request.Keys.Select((k, i) => new GetStatesRequest.Types.Key
        {
            UserId = Ids.Parse(k?.User, $"keys[{i}].user"),
            ChannelId = Ids.Parse(k?.Channel, $"keys[{i}].channel"),
            Threads = request.Threads,
        }).ToList();
        var read = await states.ReadAsync(keys, Staleness.Accepted, waits.Begin(position), cancellation);
        return new ReadStatesBatch(
            [.. read.States.Select(s => AnswerMapping.ToAnswer(s, request.Threads))], read.Freshness.ToAnswer(read.Table));
    }

    /// <summary>0 for main, else the root's id.</summary>
    public static ulong ThreadRoot(string thread) => thread == AnswerMapping.MainTimeline ? 0 : Ids.Parse(thread, "thread");

    private static async Task<(ReadState State, StatesRead Read)> OneAsync(
        ulong user, ulong channel, bool threads, PositionWait wait, StateReader states, CancellationToken cancellation)
    {
        var key = new GetStatesRequest.Types.Key { UserId = user, ChannelId = channel, Threads = threads };
        var read = await states.ReadAsync([key], Staleness.Accepted, wait, cancellation);
        if (read.States[0].Member) return (read.States[0], read);
        var freshness = read.Freshness.ToAnswer(read.Table);
        throw Problems.NotAMember(user, [channel], freshness.Stale ? freshness : null);
    }
}
