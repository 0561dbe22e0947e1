namespace ReadStateStream.Partition.Store;

/// <summary>Hash of the checksums of one segment's first sectors.</summary>
/// <param name="Segment">Number of the segment.</param>
/// <param name="Sectors">Whole sectors of 512 bytes below the tail.</param>
/// <param name="Hash">Chained hash of their checksums, in order.</param>
public readonly record struct SegmentSums(int Segment, int Sectors, ulong Hash);

/// <summary>
/// What a manifest keeps of the checksums: with it the sums files are proven, and with them every byte below the
/// tail. Stays provable while any segment listed is still there: each stands for itself.
/// </summary>
/// <param name="Tail">Address up to which it speaks, bytes.</param>
/// <param name="Segments">From the oldest segment there is to the one with the tail; none is missing in between.</param>
/// <param name="TailSum">CRC32C of the last sector's bytes below the tail; 0 where the tail lies on a sector's border.</param>
public sealed record SumsMark(long Tail, IReadOnlyList<SegmentSums> Segments, uint TailSum);
