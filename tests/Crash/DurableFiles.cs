using System.Globalization;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Files;
using ReadStateStream.Unit.Generators;

namespace ReadStateStream.Crash;

/// <summary>What a processor leaves on the disk: read, and damaged, from outside.</summary>
/// <param name="data">Its data folder.</param>
/// <param name="snapshot">Folder of its snapshot store.</param>
/// <param name="partitions">Partitions of the topic.</param>
internal sealed class DurableFiles(string data, string snapshot, int partitions)
{
    private const long Lineage = 256;

    private (int Partition, long Address)? flipped;

    /// <summary>Folder of the record logs.</summary>
    public string StoreFolder => Path.Combine(data, "store");

    /// <summary>Folder of the snapshot store.</summary>
    public string SnapshotFolder => snapshot;

    /// <summary>The newest durable position of each partition, of whole manifests and the snapshot store's catalogs.</summary>
    public async Task<long[]> PositionsAsync()
    {
        var newest = new long[partitions];
        var shipped = await ShippedAsync().ConfigureAwait(false);
        for (var i = 0; i < partitions; i++)
            newest[i] = Manifests(i).Select(manifest => manifest.Mark.Position).Append(shipped[i]).Max();
        return newest;
    }

    /// <summary>What the snapshot store holds of each partition; 0: nothing, or nothing that can be read.</summary>
    public async Task<long[]> ShippedAsync()
    {
        var shipped = new long[partitions];
        var store = new FilesSnapshotStore(new FilesSnapshotOptions { Folder = snapshot, CreateIfNew = false }, TimeProvider.System);
        await using var _ = store.ConfigureAwait(false);
        for (var i = 0; i < partitions; i++)
        {
            try
            {
                var progress = await store.ReadProgressAsync(new SnapshotPartition(Lineage, i), CancellationToken.None).ConfigureAwait(false);
                shipped[i] = progress.Shipped?.Position ?? 0;
            }
            catch (Exception e) when (e is SnapshotUnavailableException or SnapshotDamagedException or LineageGoneException)
            {
                shipped[i] = 0;
            }
        }
        return shipped;
    }

    /// <summary>Whole manifests of a partition, newest first.</summary>
    public IReadOnlyList<CheckpointManifest> Manifests(int partition) =>
        [.. new CheckpointFolder(DiskOperations.Real, FolderOf(partition)).Read().Where(found => found.Manifest is not null).Select(found => found.Manifest!)];

    /// <summary>Number of the newest whole manifest of each partition; 0: it has none.</summary>
    public IEnumerable<long> NewestManifests() =>
        Enumerable.Range(0, partitions).Select(i => Manifests(i) is [var newest, ..] ? newest.Sequence : 0);

    /// <summary>Every partition has a checkpoint beside its newest one.</summary>
    public bool HaveOlderCheckpoints() => Enumerable.Range(0, partitions).All(i => Manifests(i).Count > 1);

    /// <summary>The machine is lost: record logs and manifests are gone.</summary>
    public void LoseMachine() => Directory.Delete(StoreFolder, recursive: true);

    /// <summary>Cuts the newest manifests of a partition, so many of them; how many were.</summary>
    public int CutManifests(int partition, int count, Random random)
    {
        var cut = 0;
        foreach (var manifest in Manifests(partition).Take(count))
        {
            using var file = new FileStream(Path.Combine(FolderOf(partition), manifest.FileName), FileMode.Open, FileAccess.Write);
            file.SetLength(random.NextInt64(file.Length));
            cut++;
        }
        return cut;
    }

    /// <summary>Flips a bit of the newest checkpoint's record log, below its tail; false where there is none.</summary>
    public bool FlipRecords(int partition, Random random)
    {
        if (Manifests(partition) is not [var manifest, ..]) return false;
        var (begin, tail) = (manifest.Fold.Begin, manifest.Fold.Tail);
        // What lies in the cut sector above the tail is no part of the checkpoint.
        return tail > begin && FlipAt(partition, manifest, random.NextInt64(begin, tail), random);
    }

    /// <summary>Flips a bit of the newest checkpoint's checksums; false where there are none.</summary>
    public bool FlipSums(int partition, Random random)
    {
        if (Manifests(partition) is not [var manifest, ..]) return false;
        // It may name segments below its own log's begin: those of the older checkpoint, which are deleted after it.
        var first = manifest.Fold.Begin >> manifest.Geometry.SegmentBits;
        var segments = manifest.Sums.Segments.Where(segment => segment.Segment >= first && segment.Sectors > 0).ToList();
        if (segments.Count == 0) return false;
        var chosen = random.Pick(segments);
        Flip(Path.Combine(FolderOf(partition), $"sums.{chosen.Segment}"), random.NextInt64(chosen.Sectors * sizeof(uint)), random);
        return true;
    }

    /// <summary>
    /// Flips a bit of a live record that lies below the memory of the newest checkpoint's time: whoever asks for it reads
    /// it from the disk. False where there is none.
    /// </summary>
    /// <param name="partition">Of which.</param>
    /// <param name="memoryBytes">Bytes of the log's end that may be in memory.</param>
    /// <param name="random">Picks it.</param>
    public bool FlipLiveRecord(int partition, long memoryBytes, Random random)
    {
        if (Manifests(partition) is not [var manifest, ..]) return false;
        var live = new Dictionary<Key16, long>();
        using (var device = new StateDevice(
            FolderOf(partition), new StateDeviceOptions { SegmentBytes = 1L << manifest.Geometry.SegmentBits, Mode = DeviceMode.Inline }))
        {
            device.LoadSums(manifest.Sums, manifest.Fold.Begin);
            var scan = new RecordLogScan(device, 1 << manifest.Geometry.PageBits);
            for (scan.Begin(manifest.Fold.Begin, manifest.Fold.Tail); scan.Next();)
            {
                if (scan.IsTombstone) live.Remove(scan.Key);
                else live[scan.Key] = scan.Address;
            }
        }
        var cold = live.Values.Where(address => address < manifest.Fold.Tail - memoryBytes).ToList();
        return cold.Count > 0 && FlipAt(partition, manifest, random.Pick(cold) + RecordHeader.Overhead + random.Next(RecordHeader.Length), random);
    }

    /// <summary>
    /// Whether the newest manifest still names what was flipped in the record log last: compaction may have copied the
    /// record before, and moved the log's begin above it, so that nobody reads the place again.
    /// </summary>
    public bool NamesWhatWasFlipped() =>
        flipped is { Partition: var partition, Address: var address } && Manifests(partition) is [var newest, ..] && newest.Fold.Begin <= address && address < newest.Fold.Tail;

    /// <summary>Flips a bit of the newest catalog of a partition; false where there is none.</summary>
    public bool FlipCatalog(int partition, Random random) => FlipNewest(partition, "catalog.", random);

    /// <summary>Flips a bit of the longest run of a partition; false where there is none.</summary>
    public bool FlipRun(int partition, Random random)
    {
        var runs = new DirectoryInfo(RowsOf(partition)).GetFiles("run.*").OrderByDescending(file => file.Length).ToList();
        if (runs.Count == 0) return false;
        Flip(runs[0].FullName, random.NextInt64(runs[0].Length), random);
        return true;
    }

    private bool FlipNewest(int partition, string prefix, Random random)
    {
        var newest = new DirectoryInfo(RowsOf(partition)).GetFiles($"{prefix}*")
            .MaxBy(file => long.Parse(file.Name.AsSpan(prefix.Length), CultureInfo.InvariantCulture));
        if (newest is null) return false;
        Flip(newest.FullName, random.NextInt64(newest.Length), random);
        return true;
    }

    private bool FlipAt(int partition, CheckpointManifest manifest, long address, Random random)
    {
        flipped = (partition, address);
        var (segment, offset) = (address >> manifest.Geometry.SegmentBits, address & ((1L << manifest.Geometry.SegmentBits) - 1));
        Flip(Path.Combine(FolderOf(partition), $"records.{segment}"), offset, random);
        return true;
    }

    private static void Flip(string path, long offset, Random random)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        Span<byte> one = stackalloc byte[1];
        if (RandomAccess.Read(file, one, offset) != 1) throw new EndOfStreamException($"'{path}' has no byte {offset}");
        one[0] ^= (byte)(1 << random.Next(8));
        RandomAccess.Write(file, one, offset);
    }

    private string FolderOf(int partition) => Path.Combine(StoreFolder, Text(Lineage), Text(partition));

    private string RowsOf(int partition) => Path.Combine(snapshot, "rows", Text(Lineage), Text(partition));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
