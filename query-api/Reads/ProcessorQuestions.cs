using Google.Protobuf;
using Microsoft.Extensions.Options;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.QueryApi.Routing;
using ReadStateStream.QueryApi.Settings;
using ReadStateStream.QueryApi.Telemetry;
using ReadStateStream.Schemas.Connect;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>
/// Asks one processor. Waits at the processor for the positions wanted; where they do not come in time, asks
/// once more without waiting, so that the caller learns which positions were reached. The positions of every
/// answer are checked against those wanted, whatever the processor was asked.
/// </summary>
internal sealed class ProcessorQuestions(IOptions<AnswerOptions> options, ILogger<ProcessorQuestions> log)
{
    private readonly TimeSpan callTimeout = TimeSpan.FromMilliseconds(options.Value.CallTimeoutMs);
    private readonly int retryAfterSeconds = options.Value.RetryAfterSeconds;

    public async Task<GetStatesResponse> AskAsync(
        ProcessorClaims owner, GetStatesRequest request, IEnumerable<int> partitions, PositionWait wait, CancellationToken cancellation)
    {
        request.Freshness = wait.For(partitions);
        var response = await AskAsync(owner, ConnectProtocol.GetStates, request, GetStatesResponse.Parser,
            request.Freshness, () => request.Freshness = null, cancellation);
        if (response.States.Count != request.Keys.Count)
            throw Misbehaved(owner, $"{response.States.Count} states for {request.Keys.Count} keys");
        foreach (var (state, key) in response.States.Zip(request.Keys))
            if (state.UserId != key.UserId || state.ChannelId != key.ChannelId)
                throw Misbehaved(owner, $"the state of ({state.UserId}, {state.ChannelId}) for ({key.UserId}, {key.ChannelId})");
        wait.EnsureApplied(Positions(response.Partitions));
        return response;
    }

    public async Task<GetUserResponse> AskAsync(
        ProcessorClaims owner, GetUserRequest request, PositionWait wait, CancellationToken cancellation)
    {
        request.Freshness = wait.For(request.Partitions.Select(p => (int)p));
        var response = await AskAsync(owner, ConnectProtocol.GetUser, request, GetUserResponse.Parser,
            request.Freshness, () => request.Freshness = null, cancellation);
        var answered = response.Partitions.Select(p => p.Partition).ToHashSet();
        if (request.Partitions.FirstOrDefault(p => !answered.Contains(p), uint.MaxValue) is not uint.MaxValue and var missing)
            throw Misbehaved(owner, $"no position for partition {missing}");
        if (response.More && response.States.Count == 0)
            throw Misbehaved(owner, "more states announced after none");
        wait.EnsureApplied(Positions(response.Partitions));
        return response;
    }

    public async Task<BlockedUsers> AskAsync(
        ProcessorClaims owner, GetBlockedUsersRequest request, int partition, PositionWait wait, CancellationToken cancellation)
    {
        request.Freshness = wait.For([partition]);
        var response = await AskAsync(owner, ConnectProtocol.GetBlockedUsers, request, GetBlockedUsersResponse.Parser,
            request.Freshness, () => request.Freshness = null, cancellation);
        if (response.Blocked?.AsOf is not { } asOf || response.Blocked.UserId != request.UserId || asOf.Partition != partition)
            throw Misbehaved(owner, $"not the blocked users of {request.UserId} in partition {partition}");
        wait.EnsureApplied([asOf]);
        return response.Blocked;
    }

    /// <summary>The problem of an answer that breaks the protocol; logged.</summary>
    private ProblemException Misbehaved(ProcessorClaims owner, string reason)
    {
        var text = $"{owner.Processor.Address}: {reason}";
        log.ProcessorMisbehaved(text);
        return Problems.ProcessorFailed(text);
    }

    private async Task<TResponse> AskAsync<TResponse>(
        ProcessorClaims owner, string method, IMessage request, MessageParser<TResponse> parser,
        Freshness? freshness, Action dropFreshness, CancellationToken cancellation)
        where TResponse : IMessage<TResponse>
    {
        try
        {
            if (freshness is null) return await owner.Processor.CallAsync(method, request, parser, callTimeout, cancellation);
            try
            {
                var timeout = callTimeout + TimeSpan.FromMilliseconds(freshness.WaitMs);
                return await owner.Processor.CallAsync(method, request, parser, timeout, cancellation);
            }
            catch (ConnectException e) when (e.Code == ConnectCode.DeadlineExceeded)
            {
                dropFreshness();
                return await owner.Processor.CallAsync(method, request, parser, callTimeout, cancellation);
            }
        }
        catch (ConnectException e)
        {
            throw Translate(e, owner);
        }
        catch (TimeoutException e)
        {
            throw new PartitionMovedException(e.Message, owner.Processor, late: true, e);
        }
    }

    // FailedPrecondition: it lost the user's own partition since, and so lacks whom the user blocked.
    private Exception Translate(ConnectException e, ProcessorClaims owner) => e.Code switch
    {
        ConnectCode.Unavailable or ConnectCode.FailedPrecondition => new PartitionMovedException(e.Message, owner.Processor, late: false, e),
        ConnectCode.ResourceExhausted => Problems.ProcessorOverloaded(e.Message, retryAfterSeconds),
        ConnectCode.DeadlineExceeded => new PartitionMovedException(e.Message, owner.Processor, late: true, e),
        _ => Misbehaved(owner, $"{e.Code}: {e.Message}"),
    };

    private static IEnumerable<PartitionPosition> Positions(IEnumerable<PartitionFreshness> partitions) =>
        partitions.Select(p => new PartitionPosition { Partition = p.Partition, Position = p.Position });
}
