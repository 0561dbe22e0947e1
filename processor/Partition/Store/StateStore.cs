// The state of one partition: one FASTER store, one session, one writer.
//
// Invariants:
// - One thread at a time uses it; no two operations are in flight on one key: what was asked for is noted until
//   all of it has come, and no update begins before.
// - An operation that goes pending is drained before the next one begins, and counted.
// - What is read from disk is brought to the tail by a read-modify-write that changes nothing, never by FASTER's
//   own copying of reads: 2.6.5 copies from where the record lay before it waited for room (docs/decisions/0008).
// - A record's value is at most MaxValueBytes, a quarter of a page.
using FASTER.core;
using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Store;

/// <summary>Figures of a store.</summary>
/// <param name="MemoryBytes">Record pages in memory and hash index.</param>
/// <param name="LogBytes">Record log from its begin to its tail, memory and disk.</param>
/// <param name="Drained">Operations that went pending and were drained at once.</param>
/// <param name="DiskReads">Records read from disk.</param>
/// <param name="Updates">Read-modify-writes executed.</param>
/// <param name="LiveBytes">Records that are current; the rest of the log is garbage until it is compacted.</param>
public readonly record struct StoreFigures(
    long MemoryBytes, long LogBytes, long Drained, long DiskReads, long Updates, long LiveBytes);

/// <summary>Records by key, in a FASTER log-structured store.</summary>
public sealed partial class StateStore : IDisposable
{
    private readonly FasterKV<Key16, SpanByte> faster;
    private readonly IDevice device;
    private readonly StoreFunctions functions;
    private readonly ClientSession<Key16, SpanByte, StoreVerb, int, int, StoreFunctions> session;
    private readonly UnsafeContext<Key16, SpanByte, StoreVerb, int, int, StoreFunctions> context;
    private readonly IndexTable? index;
    private readonly CacheWarmer? warmer;
    private readonly ReplacedRecords? replaced;
    private readonly HashSet<Key16> asked = new(512);
    private readonly long indexBytes;
    private bool entered;
    private long drained;
    private long updates;

    /// <summary>Opens an empty store on a device, which it owns.</summary>
    public StateStore(StoreOptions options, StoredPolicy policy, IDevice device)
        : this(options, StoreGeometry.From(options), policy, device, CheckpointTokens.None)
    {
    }

    private StateStore(
        StoreOptions options, StoreGeometry geometry, StoredPolicy policy, IDevice device, ICheckpointManager checkpoints)
    {
        this.device = device;
        Geometry = geometry;
        MaxValueBytes = options.MaxValueBytes;
        functions = new StoreFunctions(policy, MaxValueBytes);
        indexBytes = geometry.IndexLines * 64;
        faster = new FasterKV<Key16, SpanByte>(
            geometry.IndexLines,
            new LogSettings
            {
                LogDevice = device,
                PageSizeBits = geometry.PageBits,
                MemorySizeBits = System.Numerics.BitOperations.Log2((ulong)options.LogMemoryBytes),
                SegmentSizeBits = geometry.SegmentBits,
                MutableFraction = options.MutableFraction,
                PreallocateLog = options.Preallocate,
            },
            // Without one of ours FASTER makes its own, with stock devices and a folder.
            checkpointSettings: new CheckpointSettings { CheckpointManager = checkpoints },
            comparer: new Key16Comparer(),
            variableLengthStructSettings: new VariableLengthStructSettings<Key16, SpanByte> { valueLength = new SpanByteVarLenStruct() },
            concurrencyControlMode: ConcurrencyControlMode.None);
        session = faster.For(functions).NewSession<StoreFunctions>(
            sessionVariableLengthStructSettings: new SessionVariableLengthStructSettings<SpanByte, StoreVerb> { valueLength = functions },
            readCopyOptions: ReadCopyOptions.None);
        context = session.UnsafeContext;
        index = IndexTable.Of(faster);
        var pages = LogPages.Of(faster);
        warmer = CacheWarmer.Of(index, pages);
        replaced = ReplacedRecords.Of(faster, index, pages);
    }

    /// <summary>The longest value of a record, bytes.</summary>
    public int MaxValueBytes { get; }

    /// <summary>Some records lie on disk only.</summary>
    public bool HasRecordsOnDisk => faster.Log.HeadAddress > faster.Log.BeginAddress;

    public StoreFigures Figures => new(
        faster.Log.MemorySizeBytes + indexBytes, faster.Log.TailAddress - faster.Log.BeginAddress, drained, functions.DiskReads, updates,
        functions.LiveBytes);

    /// <summary>Lists of the facts that are applied.</summary>
    public FactLists Lists
    {
        get => functions.Lists;
        set => functions.Lists = value;
    }

    /// <summary>Holds the epoch for a batch of operations; between two batches the log may move.</summary>
    public void Enter()
    {
        context.BeginUnsafe();
        entered = true;
    }

    public void Exit()
    {
        entered = false;
        context.EndUnsafe();
    }

    /// <summary>Applies a fact to the read state of (fact user or <paramref name="user"/>, fact channel).</summary>
    public Outcome UpdateReadState(in Fact fact, ulong user, out uint clearCount)
    {
        functions.Fact = fact;
        functions.Begin();
        var key = Key16.ReadState(user, fact.Channel);
        Update(ref key, StoreVerb.UpdateReadState);
        clearCount = functions.ClearCount;
        return functions.Outcome;
    }

    /// <summary>Applies a fact to the channel's own record; false: it needs blocks, nothing was done.</summary>
    public bool TryUpdateChannel(in Fact fact)
    {
        functions.Fact = fact;
        functions.Begin();
        var key = Key16.OfChannel(fact.Channel, SubKind.ChannelRecord);
        Update(ref key, StoreVerb.UpdateChannel);
        return !functions.NeedsBlocks;
    }

    /// <summary>The value of a record, valid until the next operation; empty where there is none.</summary>
    public ReadOnlySpan<byte> Read(Key16 key)
    {
        if (asked.Count != 0 && asked.Contains(key)) CompleteAsked(wait: true);
        var verb = StoreVerb.Read;
        var output = 0;
        functions.Expect(key);
        var status = context.Read(ref key, ref verb, ref output);
        if (status.IsPending) Drain();
        return functions.ReadBuffer.AsSpan(0, functions.ReadLength);
    }

    /// <summary>
    /// As <see cref="Read"/>, but a record on disk is only asked for: false, and it will be in memory once
    /// <see cref="CompleteAsked"/> says so.
    /// </summary>
    public bool TryReadInMemory(Key16 key, out ReadOnlySpan<byte> value)
    {
        value = default;
        if (asked.Count != 0 && asked.Contains(key)) return false;
        var verb = StoreVerb.Ask;
        var output = 0;
        functions.Expect(key);
        var status = context.RMW(ref key, ref verb, ref output);
        functions.ExpectNothing();
        if (status.IsPending)
        {
            asked.Add(key);
            return false;
        }
        value = functions.ReadBuffer.AsSpan(0, functions.ReadLength);
        return true;
    }

    /// <summary>True where every record asked for has come into memory.</summary>
    public bool CompleteAsked(bool wait)
    {
        functions.Completing = true;
        var all = context.CompletePending(wait);
        functions.Completing = false;
        if (all) asked.Clear();
        return all;
    }

    /// <summary>Writes the scratch bytes as this record: in place where they fit, else into a record of that capacity.</summary>
    public void Replace(Key16 key, int used, int capacity)
    {
        functions.Begin(used, Math.Max(used, capacity));
        Update(ref key, StoreVerb.Replace);
    }

    /// <summary>Writes the scratch bytes as this record, into one of exactly this capacity.</summary>
    public void WriteExactly(Key16 key, int used, int capacity)
    {
        functions.Begin(used, Math.Max(used, capacity));
        Update(ref key, StoreVerb.ReplaceExactly);
    }

    /// <summary>Where a new value is written before <see cref="Replace"/> or <see cref="WriteExactly"/>.</summary>
    public Span<byte> Scratch => functions.Scratch;

    public void Delete(Key16 key)
    {
        // What is deleted is no longer live; a key that is not there needs no tombstone.
        if (Read(key).IsEmpty) return;
        functions.LiveBytes -= RecordHeader.BytesOf(functions.ReadLength);
        BeforeUpdate();
        var status = context.Delete(ref key);
        if (status.IsPending) Drain();
    }

    /// <summary>Asks for records in memory to be brought into the processor's cache: a few dozen at a time.</summary>
    public void Warm(ReadOnlySpan<Key16> keys) => warmer?.Warm(keys);

    /// <summary>Brings the records of a batch into memory; those that do not exist are created empty.</summary>
    public void Prefetch(ReadOnlySpan<Key16> keys)
    {
        BeforeUpdate();
        foreach (var wanted in keys)
        {
            var key = wanted;
            if (asked.Contains(key)) continue;
            var verb = StoreVerb.Prefetch;
            var output = 0;
            if (context.RMW(ref key, ref verb, ref output).IsPending) asked.Add(key);
        }
        CompleteAsked(wait: true);
    }

    public void Dispose()
    {
        if (entered) Exit();
        session.Dispose();
        faster.Dispose();
        device.Dispose();
    }

    private void Update(ref Key16 key, StoreVerb verb)
    {
        BeforeUpdate();
        updates++;
        var output = 0;
        var status = context.RMW(ref key, ref verb, ref output);
        if (status.IsPending) Drain();
    }

    private void BeforeUpdate()
    {
        if (asked.Count != 0) CompleteAsked(wait: true);
    }

    private void Drain()
    {
        drained++;
        CompleteAsked(wait: true);
    }
}
