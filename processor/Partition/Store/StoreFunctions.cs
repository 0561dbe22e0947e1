// The store's callbacks: the fold runs inside them, on a plain struct or a preallocated object.
//
// A value's length never changes in place. An update that outgrows its record is computed once into the
// scratch buffer, then copied into a new record of the class that holds it.
using FASTER.core;
using ReadStateStream.Fold;

namespace ReadStateStream.Partition.Store;

/// <summary>What an operation does.</summary>
internal enum StoreVerb : byte
{
    /// <summary>Copy the value into the read buffer.</summary>
    Read,
    /// <summary>Copy the value into the read buffer if it is in memory; else bring the record there.</summary>
    Ask,
    /// <summary>Bring the record into memory; create it empty where only the disk could tell that it does not exist.</summary>
    Prefetch,
    UpdateReadState,
    UpdateChannel,
    /// <summary>Write the scratch buffer as it is.</summary>
    Replace,
    /// <summary>The same, into a record of exactly the capacity asked for.</summary>
    ReplaceExactly,
    /// <summary>Copy the record to the tail if its newest version lies below <see cref="StoreFunctions.RescueBelow"/>.</summary>
    Rescue,
}

internal sealed unsafe class StoreFunctions(StoredPolicy policy, int maxValueBytes)
    : FunctionsBase<Key16, SpanByte, StoreVerb, int, int>, IVariableLengthStruct<SpanByte, StoreVerb>
{
    private readonly byte[] scratch = GC.AllocateArray<byte>(64 << 10, pinned: true);
    private readonly ChannelRecord channel = new();
    private Key16 expected;
    private bool computed;
    private int scratchUsed;
    private int capacity;

    /// <summary>The fact being applied.</summary>
    public Fact Fact;

    /// <summary>Users it names or members it lists.</summary>
    public FactLists Lists { get; set; } = new();

    /// <summary>Outcome of the last update.</summary>
    public Outcome Outcome { get; private set; }

    /// <summary>The channel's update needs blocks; nothing was changed.</summary>
    public bool NeedsBlocks { get; private set; }

    /// <summary>Clear count of the read state updated last.</summary>
    public uint ClearCount { get; private set; }

    /// <summary>Target of reads; longer than any value.</summary>
    public byte[] ReadBuffer { get; } = GC.AllocateArray<byte>(64 << 10, pinned: true);

    /// <summary>Bytes of the value last read.</summary>
    public int ReadLength { get; private set; }

    /// <summary>Counts reads that found their record on disk.</summary>
    public long DiskReads { get; private set; }

    /// <summary>Operations that went to disk are being completed: what they found is copied to the tail.</summary>
    public bool Completing { get; set; }

    /// <summary>Bytes of the records that are current, FASTER's own included.</summary>
    public long LiveBytes { get; set; }

    /// <summary>Records of lower addresses are rescued.</summary>
    public long RescueBelow { get; set; }

    /// <summary>The scratch buffer as source of a Replace.</summary>
    public Span<byte> Scratch => scratch.AsSpan(0, maxValueBytes);

    /// <summary>Before each update.</summary>
    public void Begin(int replaceUsed = 0, int replaceCapacity = 0)
    {
        computed = replaceUsed != 0;
        scratchUsed = replaceUsed;
        capacity = replaceCapacity;
        Outcome = Outcome.Unchanged;
        NeedsBlocks = false;
    }

    public int GetLength(ref SpanByte value, ref StoreVerb verb) => sizeof(int) + (IsFetch(verb) ? value.Length : capacity);

    public int GetInitialLength(ref StoreVerb verb) => sizeof(int) + (IsFetch(verb) ? RecordHeader.SmallestCapacity : capacity);

    private static bool IsFetch(StoreVerb verb) => verb is StoreVerb.Ask or StoreVerb.Prefetch or StoreVerb.Rescue;

    // Reads

    public override bool SingleReader(ref Key16 key, ref StoreVerb verb, ref SpanByte value, ref int dst, ref ReadInfo readInfo) => Take(key, ref value);

    public override bool ConcurrentReader(ref Key16 key, ref StoreVerb verb, ref SpanByte value, ref int dst, ref ReadInfo readInfo) => Take(key, ref value);

    /// <summary>The next value read of this key goes to the read buffer; nothing read yet.</summary>
    public void Expect(in Key16 key)
    {
        expected = key;
        ReadLength = 0;
    }

    /// <summary>A record that comes later was only asked for.</summary>
    public void ExpectNothing() => expected = default;

    private bool Take(in Key16 key, ref SpanByte value)
    {
        if (key != expected) return true;
        if (value.Length < RecordHeader.SmallestCapacity) throw new InvalidDataException($"a record of the store holds {value.Length} bytes");
        ReadLength = value.Length;
        value.AsReadOnlySpan().CopyTo(ReadBuffer);
        return true;
    }

    public override void ReadCompletionCallback(ref Key16 key, ref StoreVerb verb, ref int output, int context, Status status, RecordMetadata recordMetadata)
    {
        if (status.Found) DiskReads++;
    }

    public override void RMWCompletionCallback(ref Key16 key, ref StoreVerb verb, ref int output, int context, Status status, RecordMetadata recordMetadata)
    {
        if (status.Found) DiskReads++;
    }

    // Updates

    public override bool NeedInitialUpdate(ref Key16 key, ref StoreVerb verb, ref int output, ref RMWInfo rmwInfo) =>
        IsFetch(verb) ? Completing && verb == StoreVerb.Prefetch : computed || Compute(verb, default);

    public override bool InitialUpdater(ref Key16 key, ref StoreVerb verb, ref SpanByte value, ref int output, ref RMWInfo rmwInfo)
    {
        LiveBytes += RecordHeader.BytesOf(value.Length);
        if (!IsFetch(verb)) return Store(ref value);
        value.AsSpan().Clear();
        return true;
    }

    public override bool NeedCopyUpdate(ref Key16 key, ref StoreVerb verb, ref SpanByte oldValue, ref int output, ref RMWInfo rmwInfo) =>
        IsFetch(verb) ? NeedCopy(key, verb, ref oldValue, rmwInfo.Address) : computed || Compute(verb, oldValue.AsReadOnlySpan());

    private bool NeedCopy(in Key16 key, StoreVerb verb, ref SpanByte oldValue, long address)
    {
        if (verb == StoreVerb.Rescue) return address < RescueBelow;
        if (Completing) return true;
        if (verb == StoreVerb.Ask) Take(key, ref oldValue);
        return false;
    }

    public override bool CopyUpdater(ref Key16 key, ref StoreVerb verb, ref SpanByte oldValue, ref SpanByte newValue, ref int output, ref RMWInfo rmwInfo)
    {
        LiveBytes += RecordHeader.BytesOf(newValue.Length) - RecordHeader.BytesOf(oldValue.Length);
        if (!IsFetch(verb)) return Store(ref newValue);
        oldValue.CopyTo(ref newValue);
        return true;
    }

    public override bool InPlaceUpdater(ref Key16 key, ref StoreVerb verb, ref SpanByte value, ref int output, ref RMWInfo rmwInfo)
    {
        var bytes = value.AsSpan();
        switch (verb)
        {
            case StoreVerb.UpdateReadState:
                return UpdateReadStateInPlace(bytes);
            case StoreVerb.Prefetch or StoreVerb.Rescue:
                return true;
            case StoreVerb.Ask:
                return Completing || Take(key, ref value);
            default:
                if (!computed && Fact.Kind == FactKind.MessageSent && ChannelAppender.TryAppend(bytes, Fact, Lists.Of(Fact), policy))
                {
                    Outcome = Outcome.Changed;
                    return true;
                }
                if (!computed && !Compute(verb, bytes)) return true;
                // Another length is another record: 2.6.5 does not reuse what a shorter value leaves.
                if (scratchUsed > bytes.Length || (verb == StoreVerb.ReplaceExactly && bytes.Length != capacity)) return false;
                scratch.AsSpan(0, scratchUsed).CopyTo(bytes);
                return true;
        }
    }

    private bool UpdateReadStateInPlace(Span<byte> bytes)
    {
        if (RecordHeader.Applied(bytes) >= Fact.Offset) return true;
        ReadStateCodec.Decode(bytes, out var state);
        Outcome = ReadStateFold.Apply(ref state, Fact, policy);
        ClearCount = state.ClearCount;
        if (Outcome == Outcome.Unchanged) return true;
        var used = ReadStateCodec.EncodedLength(state);
        if (used <= bytes.Length)
        {
            ReadStateCodec.Encode(state, Fact.Offset, bytes);
            return true;
        }
        scratchUsed = ReadStateCodec.Encode(state, Fact.Offset, scratch);
        capacity = RecordHeader.CapacityFor(used);
        computed = true;
        return false;
    }

    /// <summary>Computes the new value into the scratch buffer; false where nothing changes.</summary>
    private bool Compute(StoreVerb verb, ReadOnlySpan<byte> old)
    {
        if (RecordHeader.Applied(old) >= Fact.Offset) return false;
        computed = verb == StoreVerb.UpdateReadState ? ComputeReadState(old) : ComputeChannel(old);
        if (computed) capacity = Math.Max(old.Length, Math.Min(RecordHeader.CapacityFor(scratchUsed), maxValueBytes));
        return computed;
    }

    private bool ComputeReadState(ReadOnlySpan<byte> old)
    {
        ReadStateCodec.Decode(old, out var state);
        Outcome = ReadStateFold.Apply(ref state, Fact, policy);
        ClearCount = state.ClearCount;
        if (Outcome == Outcome.Unchanged) return false;
        scratchUsed = ReadStateCodec.Encode(state, Fact.Offset, scratch);
        return true;
    }

    private bool ComputeChannel(ReadOnlySpan<byte> old)
    {
        channel.Decode(old);
        var outcome = ChannelTail.TryApply(channel, Fact, Lists.Of(Fact), policy);
        if (outcome == TailOutcome.Changed)
        {
            channel.Applied = Fact.Offset;
            scratchUsed = channel.Encode(Scratch);
            if (scratchUsed < 0) outcome = TailOutcome.NeedsBlocks;
        }
        NeedsBlocks = outcome == TailOutcome.NeedsBlocks;
        Outcome = outcome == TailOutcome.Changed ? Outcome.Changed : Outcome.Unchanged;
        return outcome == TailOutcome.Changed;
    }

    private bool Store(ref SpanByte value)
    {
        var bytes = value.AsSpan();
        scratch.AsSpan(0, scratchUsed).CopyTo(bytes);
        // A page is used again: what lies beyond the used length is zero, so that records compare equal.
        bytes[scratchUsed..].Clear();
        return true;
    }
}
