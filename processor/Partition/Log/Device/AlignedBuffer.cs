using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace ReadStateStream.Partition.Log;

/// <summary>Memory from which, and into which, the system can move a file's bytes past its cache.</summary>
/// <param name="length">Bytes, a multiple of <see cref="BlockBytes"/>.</param>
internal sealed class AlignedBuffer(int length)
{
    /// <summary>Unit of offsets, lengths and addresses, bytes: no disk has larger sectors.</summary>
    public const int BlockBytes = 4096;

    private readonly byte[] memory = GC.AllocateUninitializedArray<byte>(length + BlockBytes, pinned: true);

    /// <summary>The bytes.</summary>
    public Span<byte> Bytes => memory.AsSpan(Start, length);

    private int Start => (int)(-AddressOf(memory) & (BlockBytes - 1));

    /// <summary>Whether these bytes at this offset of a file are whole blocks in both.</summary>
    public static bool IsAligned(ReadOnlySpan<byte> bytes, long offset) => ((AddressOf(bytes) | offset | (uint)bytes.Length) & (BlockBytes - 1)) == 0;

    private static unsafe long AddressOf(ReadOnlySpan<byte> bytes) => (long)Unsafe.AsPointer(ref MemoryMarshal.GetReference(bytes));
}
