// Fold-over: what was written up to now becomes immutable where it lies, and the writer goes on behind it. No
// FASTER checkpoint is involved (docs/decisions/0009): a checkpoint is the log up to an address, and our manifest.
using System.Linq.Expressions;
using System.Reflection;
using FASTER.core;
using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Store;

/// <summary>A stretch of the record log that holds the whole state of one moment.</summary>
/// <param name="Begin">Address of the first record that may be current.</param>
/// <param name="Tail">Address just above the last record.</param>
/// <param name="LiveBytes">Bytes of the current ones.</param>
public readonly record struct FoldMark(long Begin, long Tail, long LiveBytes);

public sealed partial class StateStore
{
    private const string FlushedField = "FlushedUntilAddress";
    private const BindingFlags Members = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private Func<long>? flushedUntil;

    /// <summary>How the log is laid out.</summary>
    public StoreGeometry Geometry { get; }

    /// <summary>
    /// Everything below this address was written to the device; from any thread. FASTER has no call for it that does
    /// not wait, so its field is read.
    /// </summary>
    public long FlushedUntil => (flushedUntil ??= FlushedReader())();

    /// <summary>
    /// Makes all records of now immutable and has them written; the writer, between two batches. The state is whole
    /// at <see cref="FoldMark.Tail"/> once <see cref="FlushedUntil"/> has reached it.
    /// </summary>
    public FoldMark Fold()
    {
        if (entered) throw new InvalidOperationException("a fold-over is taken between two batches");
        CompleteAskedNow();
        var tail = faster.Log.TailAddress;
        faster.Log.ShiftReadOnlyAddress(tail, wait: false);
        return new FoldMark(faster.Log.BeginAddress, tail, functions.LiveBytes);
    }

    /// <summary>
    /// Opens the store as it was at a fold-over, on a device that it then owns. FASTER scans the log from its begin and
    /// builds the index anew; or takes the index of an image, scans from where that was begun, and reads what else of the
    /// log's end memory has room for, up to <see cref="StoreGeometry.FirstPageAtRecovery"/>.
    /// </summary>
    /// <param name="options">Memory and limits.</param>
    /// <param name="geometry">Layout of the log.</param>
    /// <param name="policy">What is stored.</param>
    /// <param name="device">The log's device.</param>
    /// <param name="mark">The fold-over.</param>
    /// <param name="image">A copy of the index that was begun above the log's begin; null: none.</param>
    /// <exception cref="InvalidDataException">The log does not hold what the mark says.</exception>
    /// <exception cref="IndexImageException">The image cannot be used; the device is disposed of.</exception>
    public static StateStore Recover(
        StoreOptions options, StoreGeometry geometry, StoredPolicy policy, IDevice device, FoldMark mark, IndexImageReader? image = null)
    {
        var head = image is null ? mark.Begin : Math.Max(mark.Begin, geometry.FirstPageAtRecovery(mark, image.Start, options.LogMemoryBytes));
        var tokens = new CheckpointTokens(mark, head, image);
        var store = new StateStore(options, geometry, policy, device, tokens);
        try
        {
            store.faster.Recover(tokens.IndexToken, tokens.Token);
            if (image is not null && !tokens.IsIndexRead) throw new IndexImageException("FASTER does not take the index image");
            if (store.faster.Log.TailAddress != mark.Tail || store.faster.Log.BeginAddress != mark.Begin)
                throw new InvalidDataException(
                    $"the record log was opened as {store.faster.Log.BeginAddress} .. {store.faster.Log.TailAddress}, not {mark.Begin} .. {mark.Tail}");
            store.functions.LiveBytes = mark.LiveBytes;
            return store;
        }
        catch (Exception error)
        {
            store.Dispose();
            if (error is FasterException) throw new InvalidDataException($"FASTER does not open the record log: {error.Message}", error);
            throw;
        }
    }

    /// <summary>Chains of the hash index; 0 where FASTER does not lay it out as it is known to, and it cannot be copied.</summary>
    public long CapturableLines => index?.Count ?? 0;

    /// <summary>Begins a copy of the hash index; the writer, between two batches. Where <see cref="CapturableLines"/> is not 0.</summary>
    public IndexCapture BeginCapture() => index is null
        ? throw new InvalidOperationException("FASTER lays out its hash index otherwise")
        : new IndexCapture(index, faster.Log.BeginAddress, faster.Log.TailAddress);

    private void CompleteAskedNow()
    {
        if (asked.Count == 0) return;
        Enter();
        CompleteAsked(wait: true);
        Exit();
    }

    private Func<long> FlushedReader()
    {
        var log = typeof(FasterKV<Key16, SpanByte>).GetField("hlog", Members)?.GetValue(faster)
                  ?? throw new MissingFieldException(nameof(FasterKV<,>), "hlog");
        return Expression.Lambda<Func<long>>(Expression.Field(Expression.Constant(log), FlushedField)).Compile();
    }
}
