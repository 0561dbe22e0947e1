using System.Threading.Channels;
using ReadStateStream.Host.Http;
using ReadStateStream.Host.Settings;
using ReadStateStream.Fold;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.PartitionQueries;

/// <summary>
/// Wakes every watcher when a partition's state changes and at each heartbeat. A watcher that is slow misses
/// wake-ups, never the last one: claims are made when they are written.
/// </summary>
public sealed class OwnershipFeed : IDisposable
{
    private readonly Lock gate = new();
    private readonly List<Channel<bool>> watchers = [];
    private readonly IProcessorParts parts;
    private readonly ITimer heartbeat;
    private readonly QueryOptions options;
    private readonly EventIdOptions eventIds;
    private readonly PolicyOptions policy;
    private readonly ListenerAddresses addresses;
    private bool ended;

    /// <summary>Names this run of this process.</summary>
    public string ProcessorId { get; } = $"{Environment.MachineName}-{Environment.ProcessId}-{Guid.NewGuid():N}";

    /// <summary>Begins to beat.</summary>
    public OwnershipFeed(IProcessorParts parts, QueryOptions options, EventIdOptions eventIds, PolicyOptions policy,
        ListenerAddresses addresses, TimeProvider time)
    {
        (this.parts, this.options, this.eventIds, this.policy, this.addresses) = (parts, options, eventIds, policy, addresses);
        parts.StateChanged += Wake;
        var period = TimeSpan.FromMilliseconds(options.HeartbeatMs);
        heartbeat = time.CreateTimer(_ => Wake(), null, period, period);
    }

    /// <summary>Claims now, at each change, at each heartbeat; ends with the feed, after a last claim.</summary>
    public async IAsyncEnumerable<OwnershipClaims> WatchAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        var wake = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        wake.Writer.TryWrite(true);
        lock (gate)
        {
            if (ended) wake.Writer.Complete();
            else watchers.Add(wake);
        }
        try
        {
            await foreach (var _ in wake.Reader.ReadAllAsync(cancellation)) yield return Claims();
            yield return Claims();
        }
        finally
        {
            lock (gate) watchers.Remove(wake);
        }
    }

    /// <summary>What this process claims at this moment.</summary>
    public OwnershipClaims Claims()
    {
        var claims = new OwnershipClaims
        {
            ProcessorId = ProcessorId,
            TopicIdentity = parts.Topic.TopicIdentity,
            Lineage = parts.Lineage,
            PartitionCount = (uint)parts.Topic.PartitionCount,
            IngestUrl = addresses.AdvertisedIngest,
            ThreadsSeparate = policy.Threads == ThreadMode.Separate,
            RefuseOwnUnreadFrom = policy.RefuseOwnUnreadFrom,
            EventIdEpochUnixMs = eventIds.EpochUnixMs,
            HeartbeatMs = (uint)options.HeartbeatMs,
        };
        foreach (var partition in parts.Partitions)
            claims.Claims.Add(new PartitionClaim
            {
                Partition = (uint)partition.Number,
                // Once the feed has ended the process stops: nothing here is served any more.
                State = ended ? PartitionState.Stopping : partition.State,
                Position = (ulong)partition.Position,
                LagEvents = (ulong)Math.Max(0, partition.LagEvents),
                DeadLetters = (uint)partition.DeadLetters,
            });
        return claims;
    }

    /// <summary>Ends every watch: the process stops.</summary>
    public void End()
    {
        lock (gate)
        {
            ended = true;
            foreach (var watcher in watchers) watcher.Writer.TryComplete();
        }
    }

    /// <summary>Stops beating.</summary>
    public void Dispose()
    {
        parts.StateChanged -= Wake;
        heartbeat.Dispose();
        End();
    }

    private void Wake()
    {
        lock (gate)
            foreach (var watcher in watchers)
                watcher.Writer.TryWrite(true);
    }
}
