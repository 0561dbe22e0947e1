using ReadStateStream.Harness;

namespace ReadStateStream.Crash;

/// <summary>
/// Publishes generated logs until it is told to stop, several requests in flight: each lane one log at a time, then the
/// next. An unanswered request is sent again with the same event ids.
/// </summary>
internal sealed class Load(ProductClient client, int seed, TimeProvider time) : IDisposable
{
    private const int Lanes = 12;
    private const int EventsALog = 400;
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(15);

    private readonly LoadLog?[] current = new LoadLog?[Lanes];
    private readonly List<LoadLog> logs = [];
    private readonly Lock gate = new();
    private CancellationTokenSource? stopping;
    private Task running = Task.CompletedTask;
    private long published;

    /// <summary>Every log of which something was published.</summary>
    public IReadOnlyList<LoadLog> Logs
    {
        get { lock (gate) return [.. logs]; }
    }

    /// <summary>Events acknowledged.</summary>
    public long Published => Interlocked.Read(ref published);

    /// <summary>The token of all that was acknowledged.</summary>
    public PublishTokens Tokens { get; } = new();

    /// <summary>Begins, or goes on where it was stopped.</summary>
    public void Start()
    {
        if (stopping is not null) return;
        stopping = new CancellationTokenSource();
        var stop = stopping.Token;
        running = Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => Task.Run(() => RunAsync(lane, stop), CancellationToken.None)));
    }

    /// <summary>Ends once every request under way is answered.</summary>
    /// <exception cref="ProductFailedException">The product refused something, or stayed away.</exception>
    public async Task StopAsync()
    {
        if (stopping is null) return;
        await stopping.CancelAsync().ConfigureAwait(false);
        stopping.Dispose();
        stopping = null;
        await running.ConfigureAwait(false);
    }

    /// <summary>Waits until so many more events were acknowledged.</summary>
    public async Task PublishMoreAsync(long events, CancellationToken cancellation)
    {
        var until = Published + events;
        using var timer = new PeriodicTimer(Pace, time);
        while (Published < until)
        {
            if (running.IsFaulted) await running.ConfigureAwait(false);
            await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => stopping?.Dispose();

    private async Task RunAsync(int lane, CancellationToken stop)
    {
        var random = new Random(seed + lane);
        using var timer = new PeriodicTimer(Pace, time);
        while (!stop.IsCancellationRequested)
        {
            var log = current[lane] is { IsDone: false } same ? same : current[lane] = Begin();
            var some = log.Next(random.Next(1, 30));
            // Not given up by the stop: what the product may have taken has to be acknowledged.
            Tokens.Add(await client.PublishAsync(some, json: false, CancellationToken.None).ConfigureAwait(false));
            log.Acknowledge(some.Count);
            Interlocked.Add(ref published, some.Count);
            await timer.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private LoadLog Begin()
    {
        lock (gate)
        {
            var log = new LoadLog(seed + logs.Count, logs.Count + 1, EventsALog, time.GetUtcNow());
            logs.Add(log);
            return log;
        }
    }
}
