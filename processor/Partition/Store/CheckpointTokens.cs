using System.Globalization;
using FASTER.core;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// FASTER's checkpoint manager: gives it the one checkpoint that is being recovered, made up from our manifest, and
/// nothing else. FASTER never takes a checkpoint here, and never looks for one by itself.
/// </summary>
internal sealed class CheckpointTokens : ICheckpointManager
{
    private readonly byte[]? metadata;
    private readonly byte[]? indexMetadata;
    private readonly IndexImageDevice? index;

    private CheckpointTokens()
    {
    }

    /// <summary>A store's log up to a fold-over, as FASTER describes a fold-over checkpoint.</summary>
    /// <param name="mark">The fold-over.</param>
    /// <param name="head">Address from which on the log is brought into memory.</param>
    /// <param name="image">A copy of the index to begin with; null: FASTER scans the log from its begin.</param>
    public CheckpointTokens(FoldMark mark, long head, IndexImageReader? image)
    {
        Token = Guid.NewGuid();
        var info = new HybridLogRecoveryInfo();
        info.Initialize(Token, _version: 1);
        info.nextVersion = 2;
        info.beginAddress = mark.Begin;
        info.headAddress = head;
        info.startLogicalAddress = info.flushedLogicalAddress = info.finalLogicalAddress = mark.Tail;
        metadata = info.ToByteArray();
        if (image is null) return;
        IndexToken = Guid.NewGuid();
        index = new IndexImageDevice(image, mark.Tail);
        indexMetadata = Describe(IndexToken, image, mark.Tail);
    }

    /// <summary>Nothing to recover.</summary>
    public static CheckpointTokens None { get; } = new();

    /// <summary>The token to recover by.</summary>
    public Guid Token { get; }

    /// <summary>The token of the index; none where there is no image.</summary>
    public Guid IndexToken { get; }

    /// <summary>FASTER took the index that it was given.</summary>
    public bool IsIndexRead => index is { IsRead: true };

    public byte[]? GetLogCheckpointMetadata(Guid logToken, DeltaLog deltaLog, bool scanDelta, long recoverTo) =>
        logToken == Token ? metadata : null;

    public IDevice? GetDeltaLogDevice(Guid token) => null;

    public void OnRecovery(Guid indexToken, Guid logToken)
    {
    }

    public void Dispose()
    {
    }

    public byte[]? GetIndexCheckpointMetadata(Guid indexToken) => index is not null && indexToken == IndexToken ? indexMetadata : null;
    public IDevice GetIndexDevice(Guid indexToken) => index is not null && indexToken == IndexToken ? index : throw Banned();
    public IEnumerable<Guid> GetIndexCheckpointTokens() => [];
    public IEnumerable<Guid> GetLogCheckpointTokens() => throw Banned();
    public void InitializeIndexCheckpoint(Guid indexToken) => throw Banned();
    public void InitializeLogCheckpoint(Guid logToken) => throw Banned();
    public void CommitIndexCheckpoint(Guid indexToken, byte[] commitMetadata) => throw Banned();
    public void CommitLogCheckpoint(Guid logToken, byte[] commitMetadata) => throw Banned();
    public void CheckpointVersionShift(long oldVersion, long newVersion) => throw Banned();
    public void CommitLogIncrementalCheckpoint(Guid logToken, long version, byte[] commitMetadata, DeltaLog deltaLog) => throw Banned();
    public IDevice GetSnapshotLogDevice(Guid token) => throw Banned();
    public IDevice GetSnapshotObjectLogDevice(Guid token) => throw Banned();
    public void Purge(Guid token) => throw Banned();
    public void PurgeAll() => throw Banned();

    /// <summary>
    /// An index checkpoint as FASTER's own IndexRecoveryInfo writes it, which is not public: lines of text, the second the
    /// exclusive or of all that follows.
    /// </summary>
    private static byte[] Describe(Guid token, IndexImageReader image, long tail)
    {
        var further = IndexImageDevice.FurtherLinesOf(image);
        long[] fields = [image.Lines, image.Lines * IndexTable.LineBytes, further * IndexTable.LineBytes, further, image.Start, tail];
        var bytes = token.ToByteArray();
        var checksum = fields.Aggregate(BitConverter.ToInt64(bytes, 0) ^ BitConverter.ToInt64(bytes, sizeof(long)), static (sum, field) => sum ^ field);
        string[] lines = ["1", Text(checksum), token.ToString(), .. fields.Select(Text)];
        return System.Text.Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static NotSupportedException Banned() => new("checkpoints are taken by the partition, not by FASTER");
}
