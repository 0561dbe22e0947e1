using System.Collections.Concurrent;

namespace ReadStateStream.Partition.Store;

/// <summary>
/// Checksums of one segment's sectors, 4 bytes a sector in pieces of 16 KiB that appear as they are needed: arrays
/// without references, which the garbage collector does not look into. 0: no checksum.
/// </summary>
internal sealed class SegmentSectorSums(int segment, long segmentBytes)
{
    private const int PieceSectors = 4096;

    private readonly uint[]?[] _pieces = new uint[]?[(segmentBytes / SectorSums.SectorBytes + PieceSectors - 1) / PieceSectors];

    /// <summary>Sectors that <see cref="Hash"/> covers, from the first on.</summary>
    public int HashedSectors { get; private set; }

    /// <summary>Chained hash of the first sectors' checksums.</summary>
    public ulong Hash { get; private set; } = Key16.Mix((ulong)segment + 1);

    public uint this[int sector]
    {
        get => Volatile.Read(ref _pieces[sector / PieceSectors]) is { } piece ? Volatile.Read(ref piece[sector % PieceSectors]) : 0;
        set
        {
            ref var place = ref _pieces[sector / PieceSectors];
            var piece = Volatile.Read(ref place);
            if (piece is null)
            {
                var made = new uint[PieceSectors];
                piece = Interlocked.CompareExchange(ref place, made, null) ?? made;
            }
            Volatile.Write(ref piece[sector % PieceSectors], value);
        }
    }

    /// <summary>Carries the hash on to so many sectors; they may not change any more.</summary>
    public ulong HashTo(int sectors)
    {
        for (; HashedSectors < sectors; HashedSectors++) Hash = Key16.Mix(Hash ^ (this[HashedSectors] + 0x9e3779b97f4a7c15UL));
        return Hash;
    }
}

/// <summary>Checksums of all sectors, by segment. Any thread reads and writes; one at a time removes.</summary>
internal sealed class SectorSums(long segmentBytes)
{
    /// <summary>Bytes that one checksum covers: what a disk writes at once.</summary>
    public const int SectorBytes = 512;

    private readonly ConcurrentDictionary<int, SegmentSectorSums> _segments = new();

    public SegmentSectorSums? Find(int segment) => _segments.GetValueOrDefault(segment);

    public SegmentSectorSums Of(int segment) =>
        _segments.TryGetValue(segment, out var found) ? found : _segments.GetOrAdd(segment, _ => new SegmentSectorSums(segment, segmentBytes));

    public void Set(int segment, SegmentSectorSums sums) => _segments[segment] = sums;

    public void Remove(int segment) => _segments.TryRemove(segment, out _);

    public void Clear() => _segments.Clear();

    /// <summary>Checksum of a sector; never 0, which means that there is none.</summary>
    public static uint Of(ReadOnlySpan<byte> sector) => Crc32C.Of(sector) is var sum and not 0 ? sum : 1;
}
