using System.Collections.Concurrent;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApiTests;

/// <summary>
/// A processor over the wire and nothing else: the partition query on HTTP/2 cleartext, an ingest endpoint on
/// HTTP/1.1, answers from a <see cref="FakeTopic"/>. Strict: what it does not own it does not answer, and without
/// the blocked users of a foreign user it refuses.
/// </summary>
internal sealed class FakeProcessor : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly FakeTopic topic;
    private readonly Lock gate = new();
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource broken = new();
    private OwnershipClaims claims;
    private int failed;

    private FakeProcessor(FakeTopic topic, string id, WebApplication app)
    {
        (this.topic, this.app) = (topic, app);
        claims = new OwnershipClaims
        {
            ProcessorId = id, TopicIdentity = topic.Identity, Lineage = topic.Lineage, PartitionCount = (uint)topic.PartitionCount, HeartbeatMs = 60_000,
        };
    }

    public string QueryUrl { get; private set; } = "";

    /// <summary>Every request of the partition query, in order of arrival.</summary>
    public ConcurrentQueue<IMessage> Asked { get; } = [];

    /// <summary>What the ingest endpoint answers instead of taking events.</summary>
    public Func<HttpContext, EventBatch, Task>? Ingest { get; set; }

    /// <summary>Called with each whole-user question before it is answered.</summary>
    public Action<GetUserRequest>? OnGetUser { get; set; }

    /// <summary>Fails the next unary question with this error, once.</summary>
    public ConnectException? FailOnce { get; set; }

    /// <summary>Fails every unary question with this error.</summary>
    public ConnectException? FailAlways { get; set; }

    /// <summary>Questions that <see cref="FailAlways"/> failed.</summary>
    public int Failed => failed;

    /// <summary>Holds every unary question until completed.</summary>
    public Task Gate { get; set; } = Task.CompletedTask;

    /// <summary>Completes when a question waits for a position.</summary>
    public TaskCompletionSource Waiting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a question arrived at the gate.</summary>
    public TaskCompletionSource Arrived { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static async Task<FakeProcessor> StartAsync(FakeTopic topic, string id, IEnumerable<int> owned, Action<OwnershipClaims>? change = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k =>
        {
            k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2);
            k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http1);
        });
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromMilliseconds(1));
        var app = builder.Build();
        var fake = new FakeProcessor(topic, id, app);
        app.MapPost(ConnectProtocol.ServicePath + "/{method}", context => fake.AnswerAsync(context, (string)context.Request.RouteValues["method"]!));
        app.MapPost("/v1/events", fake.IngestAsync);
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ToList();
        fake.QueryUrl = addresses[0];
        fake.claims.IngestUrl = addresses[1];
        fake.Claim(owned, change);
        return fake;
    }

    /// <summary>From now on it owns these partitions, at the topic's positions unless <paramref name="change"/> says otherwise.</summary>
    public void Claim(IEnumerable<int> owned, Action<OwnershipClaims>? change = null)
    {
        TaskCompletionSource signal;
        lock (gate)
        {
            var next = claims.Clone();
            next.Claims.Clear();
            next.Claims.Add(owned.Select(p => new PartitionClaim
            {
                Partition = (uint)p, State = PartitionState.Running, Position = topic.PositionOf(p),
            }));
            change?.Invoke(next);
            claims = next;
            (signal, changed) = (changed, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        signal.SetResult();
    }

    /// <summary>Breaks every open ownership stream off; whoever reconnects hears these claims first.</summary>
    public void BreakStreams(Action<OwnershipClaims> change)
    {
        CancellationTokenSource streams;
        lock (gate)
        {
            change(claims);
            (streams, broken) = (broken, new CancellationTokenSource());
        }
        streams.Cancel();
        streams.Dispose();
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    /// <summary>Goes away as a killed process does.</summary>
    public Task StopAsync() => app.StopAsync(new CancellationToken(canceled: true));

    private bool Owns(int partition)
    {
        lock (gate) return claims.Claims.Any(c => c.Partition == partition && c.State == PartitionState.Running);
    }

    private async Task AnswerAsync(HttpContext context, string method)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        if (method == ConnectProtocol.WatchOwnership)
        {
            await WatchAsync(context, body.ToArray());
            return;
        }
        try
        {
            if (context.Request.ContentType != ConnectProtocol.UnaryContentType || context.Request.Protocol != "HTTP/2")
                throw new ConnectException(ConnectCode.Unimplemented, "not the protocol");
            Arrived.TrySetResult();
            await Gate.WaitAsync(context.RequestAborted);
            if (FailAlways is { } always)
            {
                Interlocked.Increment(ref failed);
                throw always;
            }
            if (FailOnce is { } error)
            {
                FailOnce = null;
                throw error;
            }
            var answer = await AnswerAsync(method, body.ToArray(), context.RequestAborted);
            context.Response.ContentType = ConnectProtocol.UnaryContentType;
            await context.Response.Body.WriteAsync(answer.ToByteArray(), context.RequestAborted);
        }
        catch (ConnectException e)
        {
            context.Response.StatusCode = e.Code.HttpStatus();
            context.Response.ContentType = ConnectProtocol.ErrorContentType;
            await context.Response.Body.WriteAsync(ConnectError.ToUnaryBody(e), context.RequestAborted);
        }
    }

    private async Task WatchAsync(HttpContext context, byte[] body)
    {
        if (body.Length != ConnectEnvelope.HeaderBytes || context.Request.ContentType != ConnectProtocol.StreamContentType)
            throw new InvalidOperationException("not an enveloped empty request");
        context.Response.ContentType = ConnectProtocol.StreamContentType;
        CancellationToken breaks;
        lock (gate) breaks = broken.Token;
        using var abort = breaks.Register(context.Abort);
        while (true)
        {
            Task next;
            byte[] envelope;
            lock (gate) (next, envelope) = (changed.Task, ConnectEnvelope.Encode(claims));
            await context.Response.Body.WriteAsync(envelope, context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            await next.WaitAsync(context.RequestAborted);
        }
    }

    private async Task<IMessage> AnswerAsync(string method, byte[] body, CancellationToken cancellation)
    {
        switch (method)
        {
            case ConnectProtocol.GetStates:
                var states = GetStatesRequest.Parser.ParseFrom(body);
                Asked.Enqueue(states);
                return await StatesAsync(states, cancellation);
            case ConnectProtocol.GetUser:
                var user = GetUserRequest.Parser.ParseFrom(body);
                Asked.Enqueue(user);
                OnGetUser?.Invoke(user);
                return await UserAsync(user, cancellation);
            case ConnectProtocol.GetBlockedUsers:
                var blocked = GetBlockedUsersRequest.Parser.ParseFrom(body);
                Asked.Enqueue(blocked);
                EnsureOwned(topic.PartitionOf(blocked.UserId));
                await WaitAsync(blocked.Freshness, cancellation);
                return new GetBlockedUsersResponse { Blocked = topic.BlockedBy(blocked.UserId) };
            default:
                throw new ConnectException(ConnectCode.Unimplemented, method);
        }
    }

    private async Task<GetStatesResponse> StatesAsync(GetStatesRequest request, CancellationToken cancellation)
    {
        foreach (var key in request.Keys) EnsureOwned(topic.PartitionOf(key.ChannelId));
        await WaitAsync(request.Freshness, cancellation);
        var response = new GetStatesResponse();
        response.States.Add(request.Keys.Select(k => topic.State(k, Blocked(k.UserId, request.Blocked))));
        var read = request.Keys.Select(k => topic.PartitionOf(k.ChannelId))
            .Concat(request.Keys.Select(k => topic.PartitionOf(k.UserId)).Where(Owns)).Distinct();
        response.Partitions.Add(read.Select(FreshnessOf));
        return response;
    }

    private async Task<GetUserResponse> UserAsync(GetUserRequest request, CancellationToken cancellation)
    {
        foreach (var p in request.Partitions) EnsureOwned((int)p);
        await WaitAsync(request.Freshness, cancellation);
        var states = topic.StatesOf(request.UserId, request.Partitions, Blocked(request.UserId, request.Blocked is { } b ? [b] : []));
        var response = new GetUserResponse();
        response.Partitions.Add(request.Partitions.Select(p => FreshnessOf((int)p)));
        if (request.TotalsOnly)
        {
            response.Totals = new Totals
            {
                Unread = (ulong)states.Sum(s => (long)s.BadgeUnread), Mentions = (ulong)states.Sum(s => (long)s.BadgeMentions),
                Capped = states.Any(s => s.Counts.Capped), Channels = (uint)states.Count, UnreadChannels = (uint)states.Count(s => s.BadgeUnread > 0),
            };
            return response;
        }
        var left = states.Where(s => s.ChannelId > request.AfterChannelId && (!request.UnreadOnly || s.Counts.Unread > 0)).ToList();
        response.States.Add(left.Take((int)request.Limit));
        response.More = left.Count > (int)request.Limit;
        return response;
    }

    private HashSet<ulong> Blocked(ulong user, IEnumerable<BlockedUsers> given)
    {
        var known = Owns(topic.PartitionOf(user)) ? topic.BlockedBy(user) : given.FirstOrDefault(b => b.UserId == user);
        return known?.BlockedUserIds.ToHashSet()
            ?? throw new ConnectException(ConnectCode.FailedPrecondition, $"whom user {user} blocked is not known here");
    }

    private void EnsureOwned(int partition)
    {
        if (!Owns(partition)) throw new ConnectException(ConnectCode.Unavailable, $"partition {partition} is not owned here");
    }

    // A wait of 0 ms has its deadline at once; any other waits for the topic to move, never for the clock.
    private async Task WaitAsync(Freshness? freshness, CancellationToken cancellation)
    {
        while (freshness?.AtLeast.FirstOrDefault(p => topic.PositionOf((int)p.Partition) < p.Position) is { } missing)
        {
            EnsureOwned((int)missing.Partition);
            var moved = topic.Moved;
            if (topic.PositionOf((int)missing.Partition) >= missing.Position) continue;
            if (freshness.WaitMs == 0) throw new ConnectException(ConnectCode.DeadlineExceeded, $"partition {missing.Partition} is not there yet");
            Waiting.TrySetResult();
            await moved.WaitAsync(cancellation);
        }
    }

    private PartitionFreshness FreshnessOf(int partition) => new() { Partition = (uint)partition, Position = topic.PositionOf(partition) };

    private async Task IngestAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var batch = EventBatch.Parser.ParseFrom(body.ToArray());
        if (Ingest is { } instead)
        {
            await instead(context, batch);
            return;
        }
        if (context.Request.ContentType != "application/x-protobuf" || batch.Events.Count is < 1 or > 1_000)
        {
            context.Response.StatusCode = 400;
            return;
        }
        var taken = batch.Events.Select(topic.Publish).ToList();
        var positions = taken.GroupBy(t => t.Partition).Select(g => (g.Key, g.Max(t => t.Offset) + 1)).ToArray();
        await context.Response.WriteAsJsonAsync(new
        {
            results = taken.Select(t => new
            {
                status = 200, partition = t.Partition, offset = $"{t.Offset}", eventId = $"{t.EventId}", token = topic.Token((t.Partition, t.Offset + 1)),
            }),
            accepted = taken.Count, rejected = 0, token = topic.Token(positions),
        });
    }
}
