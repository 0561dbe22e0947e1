using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>Everything that makes one partition's state outlive the process.</summary>
/// <param name="Device">Device of the store's record log; the store owns it.</param>
/// <param name="Checkpointer">Takes checkpoints.</param>
/// <param name="Shipper">Ships them.</param>
/// <param name="Compactor">Keeps the record log small.</param>
public sealed record PartitionPersistence(StateDevice Device, Checkpointer Checkpointer, Shipper Shipper, Compactor Compactor)
{
    private readonly Lock stepping = new();
    private volatile bool closed;

    /// <summary>Copies of the hash index.</summary>
    public required IndexImages Images { get; init; }

    /// <summary>Proves what a recovery by an index image did not read; null where it scanned the record log.</summary>
    public LogScrub? Scrub { get; init; }

    /// <summary>Cuts the event log; null where it is kept whole or sees to that itself.</summary>
    public LogRetention? Retention { get; init; }

    /// <summary>Up to where the log's consumer position may be committed: what no recovery will ask for again.</summary>
    public long CommittablePosition(bool snapshotKeepsRows)
    {
        var checkpoint = Checkpointer.Newest?.Mark.Position ?? 0;
        return snapshotKeepsRows ? Math.Min(checkpoint, Shipper.Shipped.Position) : checkpoint;
    }

    /// <summary>
    /// Below this position no recovery begins: neither from the older of the two kept checkpoints, nor from the rows that
    /// were acknowledged, nor from those acknowledged before, to which a damaged snapshot falls back. 0 while one of them is
    /// not known. The thread that steps.
    /// </summary>
    public long LowestRecovery => Shipper.KeepsRows
        ? Math.Min(Checkpointer.OlderPosition, Math.Min(Shipper.PositionBefore, Shipper.Shipped.Position))
        : Checkpointer.OlderPosition;

    /// <summary>A bounded part of whatever is to do beside the writer; false where there is nothing to do now, or after an error.</summary>
    /// <exception cref="DamageException">The partition is to recover.</exception>
    /// <exception cref="LogForkedException">The partition is to recover.</exception>
    public bool Step()
    {
        lock (stepping)
        {
            if (closed) return false;
            try
            {
                var worked = Checkpointer.Step();
                worked |= Shipper.Step();
                worked |= Compactor.Step();
                worked |= Scrub?.Step() ?? false;
                worked |= Retention?.Step(LowestRecovery) ?? false;
                return worked;
            }
            catch (Exception)
            {
                // The writer has yet to hear of it: until it closes this, nothing goes on from half a step.
                closed = true;
                throw;
            }
        }
    }

    /// <summary>A checkpoint is under way, or something of one is not shipped yet.</summary>
    public bool IsBusy => !Checkpointer.IsIdle || Shipper.BacklogBytes > 0 || Shipper.BacklogEvents > 0;

    /// <summary>Of a stopped partition: something is under way that has not failed. What fails then is left to the next start.</summary>
    public bool IsHopeful => !closed && IsBusy && Checkpointer.LastError is null && Shipper.LastError is null && Device.Stuck is null && Device.Damage is null;

    /// <summary>Gives up what is under way, before the store is closed. Returns once nothing steps any more.</summary>
    public void Close()
    {
        lock (stepping)
        {
            closed = true;
            Shipper.Dispose();
            Images.Dispose();
        }
    }
}
