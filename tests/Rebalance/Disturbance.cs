using ReadStateStream.Harness;

namespace ReadStateStream.Rebalance;

/// <summary>What a run troubles.</summary>
internal enum Trouble
{
    /// <summary>Processors join, leave, die and stand still.</summary>
    Members,
    /// <summary>Three brokers are killed in turn, and come back.</summary>
    Brokers,
    /// <summary>The way from the processors to the broker is cut, slow, silent, or resets.</summary>
    Network,
}

/// <summary>Something that happens to a running cluster again and again.</summary>
internal interface IDisturbance
{
    /// <summary>Names of its kinds.</summary>
    IReadOnlyList<string> Kinds { get; }

    /// <summary>Which of them comes next.</summary>
    /// <param name="move">Number of the move, from 0.</param>
    int KindOf(int move);

    /// <summary>Does it; nothing is troubled any more when this completes.</summary>
    Task DoAsync(int kind, CancellationToken cancellation);
}

/// <summary>Processors join, leave, die and stand still.</summary>
internal sealed class MemberTrouble(Cluster cluster, Random random) : IDisturbance
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds { get; } = ["join", "leave", "kill -9", "pause of 2 session time-outs", "rolling restart, snapshot folder away"];

    // One in ten a rolling restart; of the others what there is room for.
    /// <inheritdoc/>
    public int KindOf(int move)
    {
        if (move % 10 == 9) return 4;
        var canJoin = cluster.Free.Any();
        var canLeave = cluster.Running.Count() > 2;
        while (true)
        {
            var kind = random.Next(4);
            if ((kind != 0 || canJoin) && (kind != 1 || canLeave)) return kind;
        }
    }

    /// <inheritdoc/>
    public async Task DoAsync(int kind, CancellationToken cancellation)
    {
        var running = cluster.Running.ToList();
        var slot = running[random.Next(running.Count)];
        switch (kind)
        {
            case 0:
                await cluster.JoinAsync(cluster.Free.First()).ConfigureAwait(false);
                break;
            case 1:
                await cluster.LeaveAsync(slot).ConfigureAwait(false);
                break;
            case 2:
                cluster.Kill(slot);
                if (random.Next(2) == 0) await cluster.JoinAsync(slot).ConfigureAwait(false);
                break;
            case 3:
                cluster.Pause(slot);
                await Wait.ForAsync(2 * Cluster.SessionTimeout, cancellation).ConfigureAwait(false);
                cluster.Wake(slot);
                break;
            default:
                cluster.BreakSnapshots();
                foreach (var one in running)
                {
                    await cluster.LeaveAsync(one).ConfigureAwait(false);
                    await cluster.JoinAsync(one).ConfigureAwait(false);
                }
                cluster.MendSnapshots();
                break;
        }
        // Two at least go on.
        while (cluster.Running.Count() < 2) await cluster.JoinAsync(cluster.Free.First()).ConfigureAwait(false);
    }
}

/// <summary>Each broker in turn is killed, and started again on its data after a while.</summary>
internal sealed class BrokerTrouble(KafkaServer server, Random random) : IDisturbance
{
    /// <summary>How many there are.</summary>
    public const int Brokers = 3;

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds { get; } = ["kill -9 of broker 1 (and the controller)", "kill -9 of broker 2", "kill -9 of broker 3"];

    /// <inheritdoc/>
    public int KindOf(int move) => move % Brokers;

    /// <inheritdoc/>
    public async Task DoAsync(int kind, CancellationToken cancellation)
    {
        await server.KillAsync(kind + 1).ConfigureAwait(false);
        await Wait.ForAsync(random.NextDouble() * 2 * Cluster.SessionTimeout, cancellation).ConfigureAwait(false);
        await server.ResumeAsync().ConfigureAwait(false);
    }
}

/// <summary>The way from the processors to the broker; the load has another one.</summary>
internal sealed class NetworkTrouble(Toxiproxy proxy, Random random) : IDisturbance
{
    private readonly (string Name, Func<Task> Begin)[] kinds =
    [
        ("cut", () => proxy.EnableAsync(KafkaServer.Proxied, isEnabled: false)),
        ("delay of 100 .. 900 ms each way", () => proxy.PoisonAsync(KafkaServer.Proxied, "latency", new { latency = 500, jitter = 400 })),
        ("every connection reset after 300 ms", () => proxy.PoisonAsync(KafkaServer.Proxied, "reset_peer", new { timeout = 300 })),
        ("every connection ended after 100,000 bytes", () => proxy.PoisonAsync(KafkaServer.Proxied, "limit_data", new { bytes = 100_000 })),
        ("silence", () => proxy.PoisonAsync(KafkaServer.Proxied, "timeout", new { timeout = 0 })),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<string> Kinds => [.. kinds.Select(static kind => kind.Name)];

    /// <inheritdoc/>
    public int KindOf(int move) => move % kinds.Length;

    /// <inheritdoc/>
    public async Task DoAsync(int kind, CancellationToken cancellation)
    {
        await kinds[kind].Begin().ConfigureAwait(false);
        await Wait.ForAsync(random.NextDouble() * 2 * Cluster.SessionTimeout, cancellation).ConfigureAwait(false);
        await proxy.HealAsync().ConfigureAwait(false);
    }
}
