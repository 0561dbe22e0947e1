using FASTER.core;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// FASTER's checkpoint manager: gives it the one checkpoint that is being recovered, made up from our manifest, and
/// nothing else. FASTER never takes a checkpoint here, and never looks for one by itself.
/// </summary>
internal sealed class CheckpointTokens : ICheckpointManager
{
    private readonly byte[]? metadata;

    private CheckpointTokens()
    {
    }

    /// <summary>A store's log up to a fold-over, as FASTER describes a fold-over checkpoint.</summary>
    public CheckpointTokens(FoldMark mark)
    {
        Token = Guid.NewGuid();
        var info = new HybridLogRecoveryInfo();
        info.Initialize(Token, _version: 1);
        info.nextVersion = 2;
        info.beginAddress = info.headAddress = mark.Begin;
        info.startLogicalAddress = info.flushedLogicalAddress = info.finalLogicalAddress = mark.Tail;
        metadata = info.ToByteArray();
    }

    /// <summary>Nothing to recover.</summary>
    public static CheckpointTokens None { get; } = new();

    /// <summary>The token to recover by.</summary>
    public Guid Token { get; }

    public byte[]? GetLogCheckpointMetadata(Guid logToken, DeltaLog deltaLog, bool scanDelta, long recoverTo) =>
        logToken == Token ? metadata : null;

    public IDevice? GetDeltaLogDevice(Guid token) => null;

    public void OnRecovery(Guid indexToken, Guid logToken)
    {
    }

    public void Dispose()
    {
    }

    public byte[]? GetIndexCheckpointMetadata(Guid indexToken) => null;
    public IEnumerable<Guid> GetIndexCheckpointTokens() => [];
    public IEnumerable<Guid> GetLogCheckpointTokens() => throw Banned();
    public void InitializeIndexCheckpoint(Guid indexToken) => throw Banned();
    public void InitializeLogCheckpoint(Guid logToken) => throw Banned();
    public void CommitIndexCheckpoint(Guid indexToken, byte[] commitMetadata) => throw Banned();
    public void CommitLogCheckpoint(Guid logToken, byte[] commitMetadata) => throw Banned();
    public void CheckpointVersionShift(long oldVersion, long newVersion) => throw Banned();
    public void CommitLogIncrementalCheckpoint(Guid logToken, long version, byte[] commitMetadata, DeltaLog deltaLog) => throw Banned();
    public IDevice GetIndexDevice(Guid indexToken) => throw Banned();
    public IDevice GetSnapshotLogDevice(Guid token) => throw Banned();
    public IDevice GetSnapshotObjectLogDevice(Guid token) => throw Banned();
    public void Purge(Guid token) => throw Banned();
    public void PurgeAll() => throw Banned();

    private static NotSupportedException Banned() => new("checkpoints are taken by the partition, not by FASTER");
}
