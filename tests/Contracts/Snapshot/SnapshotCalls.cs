using ReadStateStream.Snapshot;

namespace ReadStateStream.Contracts.Snapshot;

/// <summary>What is asked of the memory store, as a fault can single it out.</summary>
public enum SnapshotCallKind
{
    ListLineages, CreateLineage, DescribeLineage, DropLineage, ReadProgress, ReadPartition, ReadUser, ReadChannel,
    /// <summary>The intent of a ship.</summary>
    WriteIntent,
    /// <summary>The rows of one aggregate.</summary>
    WriteRows,
    /// <summary>The position, after all rows.</summary>
    WritePosition,
}

/// <summary>A call on its way.</summary>
/// <param name="Kind">What is asked.</param>
/// <param name="Partition">Of which partition; default for calls about lineages.</param>
/// <param name="Target">Position of the ship that it belongs to; 0 elsewhere.</param>
public readonly record struct SnapshotCall(SnapshotCallKind Kind, SnapshotPartition Partition, long Target);

/// <summary>What becomes of a call.</summary>
public enum CallFate
{
    Serve,
    /// <summary>Nothing happens, and the caller hears of an unreachable store.</summary>
    Fail,
    /// <summary>It happens, and the caller hears of an unreachable store.</summary>
    LoseAcknowledgement,
    /// <summary>It happens when it is released, also after its ship was abandoned: a write of a zombie.</summary>
    Hold,
    /// <summary>It happens at once; the caller hears of it when it is released.</summary>
    HoldAcknowledgement,
}

/// <summary>A call that is held.</summary>
public sealed class HeldCall
{
    private readonly Action<bool> _go;

    internal HeldCall(SnapshotCall call, Action<bool> go) => (Call, _go) = (call, go);

    public SnapshotCall Call { get; }

    internal Action<HeldCall>? Gone { get; set; }

    /// <summary>Lets it through.</summary>
    public void Release() => End(true);

    /// <summary>Ends it with an unreachable store; a call held before it happened does not happen.</summary>
    public void Fail() => End(false);

    private void End(bool serve)
    {
        Gone?.Invoke(this);
        _go(serve);
    }
}
