using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Oracle.Vectors;

/// <summary>What plays a vector's part of the product: takes events, answers questions as of all of them.</summary>
public interface IReadStateSource : IAsyncDisposable
{
    /// <summary>Appends the events in this order; questions asked after it see them.</summary>
    Task PublishAsync(IReadOnlyList<ChannelEvent> events);

    /// <summary>Persist, restart, restore (step <c>snapshot</c>).</summary>
    Task RestartAsync();

    /// <summary>A user's state in a channel with its threads; <paramref name="probeMessage"/> 0: no probe.</summary>
    Task<ReadState> StateAsync(ulong user, ulong channel, ulong probeMessage);

    /// <summary>Channels in which the user has a state.</summary>
    Task<IReadOnlyList<ulong>> ChannelsAsync(ulong user);

    /// <summary>The user's badge over all channels.</summary>
    Task<Totals> TotalsAsync(ulong user);
}

/// <summary>The oracle as a source.</summary>
public sealed class OracleSource(OraclePolicy policy, int partitionCount = 8) : IReadStateSource
{
    private ReadStateOracle oracle = new(policy, partitionCount);

    /// <inheritdoc />
    public Task PublishAsync(IReadOnlyList<ChannelEvent> events)
    {
        oracle.AppendAll(events);
        return Task.CompletedTask;
    }

    /// <summary>Tells the whole log again to a new oracle.</summary>
    public Task RestartAsync()
    {
        oracle = new ReadStateOracle(policy, partitionCount).AppendAll(oracle.Log.Select(record => record.Event));
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<ReadState> StateAsync(ulong user, ulong channel, ulong probeMessage) =>
        Task.FromResult(oracle.ReadState(user, channel, epochUnixMs: 0, probeMessage, threads: true));

    /// <inheritdoc />
    public Task<IReadOnlyList<ulong>> ChannelsAsync(ulong user) => Task.FromResult(oracle.ChannelsOf(user));

    /// <inheritdoc />
    public Task<Totals> TotalsAsync(ulong user) => Task.FromResult(ReadStateOracle.ToProtobuf(oracle.Totals(user)));

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
