using System.Buffers;
using System.Numerics;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>
/// A set of hashes, of which it remembers some bits: what was added is always found, and now and then something that
/// was not. Not thread-safe.
/// </summary>
internal struct HashBits : IDisposable
{
    private const int LeastWords = 1 << 8;
    private const int MostWords = 1 << 23;

    private ulong[]? words;
    private int length;

    /// <summary>Begins empty, with about so many bits: rounded up to a power of two, of 16 Ki to 512 Mi.</summary>
    public void Begin(long bits)
    {
        Dispose();
        length = (int)BitOperations.RoundUpToPowerOf2((ulong)Math.Clamp(bits / 64, LeastWords, MostWords));
        words = ArrayPool<ulong>.Shared.Rent(length);
        words.AsSpan(0, length).Clear();
    }

    /// <summary>False where it is there already, or one with the same bits.</summary>
    public readonly bool Add(ulong hash)
    {
        ref var word = ref words![(hash >> 6) & (uint)(length - 1)];
        var bit = 1UL << (int)(hash & 63);
        if ((word & bit) != 0) return false;
        word |= bit;
        return true;
    }

    public readonly bool MayHave(ulong hash) => (words![(hash >> 6) & (uint)(length - 1)] & (1UL << (int)(hash & 63))) != 0;

    /// <summary>Gives its memory back.</summary>
    public void Dispose()
    {
        if (words is not null) ArrayPool<ulong>.Shared.Return(words);
        words = null;
    }
}
