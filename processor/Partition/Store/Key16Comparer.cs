using System.Runtime.CompilerServices;
using FASTER.core;

namespace ReadStateStream.Partition.Store;

/// <summary>Keys as FASTER compares them.</summary>
internal readonly struct Key16Comparer : IFasterEqualityComparer<Key16>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long GetHashCode64(ref Key16 k) => (long)k.Hash64();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Equals(ref Key16 k1, ref Key16 k2) => k1.A == k2.A && k1.B == k2.B;
}
