using System.Runtime.CompilerServices;
using FASTER.core;
using ReadStateStream.Benchmarks.Traces;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>
/// FASTER and nothing else: 16-byte keys, 44-byte values, one session; each key of the trace is one
/// read-modify-write in place. No decoding, no rules. The upper bound of what a store on FASTER can do with
/// this trace.
/// </summary>
internal sealed class BareFasterSubject : ISubject
{
    /// <summary>Bytes of a value: that of a plain read state.</summary>
    public const int ValueLength = 44;

    private readonly FasterKV<BareKey, SpanByte> store;
    private readonly ClientSession<BareKey, SpanByte, ulong, ulong, Empty, Functions> session;
    private readonly NullDevice device = new();

    /// <param name="memoryBits">Memory of the log, a power of two; all records must fit into its mutable part.</param>
    /// <param name="pageBits">Size of a page, as the store has it.</param>
    /// <param name="indexBuckets">Buckets of 64 bytes of the hash index, as the store has them; a power of two.</param>
    public BareFasterSubject(int memoryBits, int pageBits, long indexBuckets)
    {
        var log = new LogSettings { LogDevice = device, MemorySizeBits = memoryBits, PageSizeBits = pageBits, MutableFraction = 0.9 };
        store = new FasterKV<BareKey, SpanByte>(indexBuckets, log, concurrencyControlMode: ConcurrencyControlMode.None);
        session = store.For(new Functions()).NewSession<Functions>(
            sessionVariableLengthStructSettings: new SessionVariableLengthStructSettings<SpanByte, ulong> { valueLength = new FixedLength() });
    }

    public void Apply(EventTrace trace, int first, int count)
    {
        var input = 1UL;
        var to = trace.KeyStart(first + count);
        var context = session.UnsafeContext;
        context.BeginUnsafe();
        for (var i = trace.KeyStart(first); i < to; i++)
        {
            ref var key = ref Unsafe.As<TraceKey, BareKey>(ref trace.Keys[i]);
            if (context.RMW(ref key, ref input).IsPending) throw new InvalidOperationException("the log is too small: a record left memory");
        }
        context.EndUnsafe();
    }

    public void Dispose()
    {
        session.Dispose();
        store.Dispose();
        device.Dispose();
    }

    /// <summary>As <see cref="TraceKey"/>, hashed by the finaliser of splitmix64.</summary>
    private readonly struct BareKey : IFasterEqualityComparer<BareKey>
    {
        private readonly ulong a;
        private readonly ulong b;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public long GetHashCode64(ref BareKey key)
        {
            var x = (key.a * 0x9e3779b97f4a7c15) ^ key.b;
            x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
            x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
            return (long)(x ^ (x >> 31));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool Equals(ref BareKey left, ref BareKey right) => left.a == right.a && left.b == right.b;
    }

    private sealed class FixedLength : IVariableLengthStruct<SpanByte, ulong>
    {
        public int GetLength(ref SpanByte value, ref ulong input) => sizeof(int) + ValueLength;

        public int GetInitialLength(ref ulong input) => sizeof(int) + ValueLength;
    }

    private sealed class Functions : FunctionsBase<BareKey, SpanByte, ulong, ulong, Empty>
    {
        public override bool InitialUpdater(ref BareKey key, ref ulong input, ref SpanByte value, ref ulong output, ref RMWInfo rmwInfo)
        {
            value.AsSpan().Clear();
            return InPlaceUpdater(ref key, ref input, ref value, ref output, ref rmwInfo);
        }

        public override bool InPlaceUpdater(ref BareKey key, ref ulong input, ref SpanByte value, ref ulong output, ref RMWInfo rmwInfo)
        {
            Unsafe.As<byte, ulong>(ref value.AsSpan()[0]) += input;
            return true;
        }

        public override bool CopyUpdater(ref BareKey key, ref ulong input, ref SpanByte oldValue, ref SpanByte newValue, ref ulong output, ref RMWInfo rmwInfo)
        {
            oldValue.AsSpan().CopyTo(newValue.AsSpan());
            return InPlaceUpdater(ref key, ref input, ref newValue, ref output, ref rmwInfo);
        }
    }
}
