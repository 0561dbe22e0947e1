using FASTER.core;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Unit.Partition.Device;

/// <summary>A FASTER store with the layout of the state store and nothing of its fold, on a state device.</summary>
internal sealed unsafe class PlainStore : IDisposable
{
    public const int PageBytes = 4096;
    public const int Pages = 16;

    private readonly FasterKV<Key16, SpanByte> _faster;
    private readonly ClientSession<Key16, SpanByte, int, byte[]?, Empty, Functions> _session;

    public PlainStore(StateDevice device, double mutableFraction = 0.9)
    {
        _faster = new FasterKV<Key16, SpanByte>(
            256,
            new LogSettings
            {
                LogDevice = device, PageSizeBits = 12, MemorySizeBits = 16, MutableFraction = mutableFraction,
                SegmentSizeBits = System.Numerics.BitOperations.Log2((ulong)device.SegmentSize),
            },
            comparer: new Key16Comparer(),
            variableLengthStructSettings: new VariableLengthStructSettings<Key16, SpanByte> { valueLength = new SpanByteVarLenStruct() },
            concurrencyControlMode: ConcurrencyControlMode.None);
        _session = _faster.For(new Functions()).NewSession<Functions>(readCopyOptions: ReadCopyOptions.None);
    }

    public LogAccessor<Key16, SpanByte> Log => _faster.Log;

    public static Key16 Key(int number) => Key16.ReadState((ulong)number + 1, (ulong)number * 7);

    public void Upsert(Key16 key, byte[] value)
    {
        fixed (byte* bytes = value)
        {
            var span = SpanByte.FromPointer(bytes, value.Length);
            if (_session.Upsert(ref key, ref span).IsPending) _session.CompletePending(wait: true);
        }
    }

    public void Delete(Key16 key)
    {
        if (_session.Delete(ref key).IsPending) _session.CompletePending(wait: true);
    }

    /// <summary>The value of a key; null where there is none.</summary>
    public byte[]? Read(Key16 key)
    {
        byte[]? output = null;
        var status = _session.Read(ref key, ref output);
        if (!status.IsPending) return output;
        _session.CompletePendingWithOutputs(out var outputs, wait: true);
        while (outputs.Next()) output = outputs.Current.Output;
        outputs.Dispose();
        return output;
    }

    public void Dispose()
    {
        _session.Dispose();
        _faster.Dispose();
    }

    public sealed class Functions : FunctionsBase<Key16, SpanByte, int, byte[]?, Empty>
    {
        public override bool SingleReader(ref Key16 key, ref int input, ref SpanByte value, ref byte[]? dst, ref ReadInfo readInfo)
        {
            dst = value.ToByteArray();
            return true;
        }

        public override bool ConcurrentReader(ref Key16 key, ref int input, ref SpanByte value, ref byte[]? dst, ref ReadInfo readInfo)
        {
            dst = value.ToByteArray();
            return true;
        }

        public override bool SingleWriter(
            ref Key16 key, ref int input, ref SpanByte src, ref SpanByte dst, ref byte[]? output, ref UpsertInfo upsertInfo, WriteReason reason)
        {
            src.CopyTo(ref dst);
            return true;
        }

        public override bool ConcurrentWriter(
            ref Key16 key, ref int input, ref SpanByte src, ref SpanByte dst, ref byte[]? output, ref UpsertInfo upsertInfo)
        {
            if (src.Length != dst.Length) return false;
            src.CopyTo(ref dst);
            return true;
        }
    }
}
