// Reads everything that a manifest names: the index image; the bytes of the record log, held against their checksums;
// then each record by itself; then the records of each aggregate together.
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Host.Verbs.Checkpoints;

/// <summary>What reading a checkpoint showed.</summary>
/// <param name="Bytes">Bytes of the record log read.</param>
/// <param name="Records">Records in it.</param>
/// <param name="Current">Those of them that are current.</param>
/// <param name="Damage">What does not hold, with the file; empty: all is well.</param>
internal sealed record ProvenCheckpoint(long Bytes, long Records, long Current, IReadOnlyList<string> Damage);

/// <summary>Proves one checkpoint.</summary>
internal sealed class CheckpointProof(CheckpointFiles files, CheckpointManifest manifest, Action<long> progress)
{
    /// <summary>Times that the log is read: bytes, records, aggregates.</summary>
    public const int Passes = 3;

    // One bad disk is said once, not a million times.
    private const int FaultsMax = 100;
    private const int ProgressEvery = 1 << 14;

    private readonly List<string> damage = [];
    private readonly FoldMark fold = manifest.Fold;
    private readonly int pageBytes = 1 << manifest.Geometry.PageBits;
    private long records;
    private long current;

    public ProvenCheckpoint Run()
    {
        ReadImage();
        try
        {
            using var device = files.Open(manifest);
            var before = damage.Count;
            ReadSectors(device);
            // Records of sectors that do not hold say nothing more.
            if (damage.Count == before) ReadRecords(device);
            if (damage.Count == before) ReadAggregates(device);
        }
        catch (DamageException found)
        {
            damage.Add(Describe(found));
        }
        return new ProvenCheckpoint(fold.Tail - fold.Begin, records, current, damage);
    }

    /// <summary>Damage there costs a start time alone; it is damage all the same.</summary>
    private void ReadImage()
    {
        if (manifest.Image is not { } mark) return;
        try
        {
            using var image = new IndexImageReader(UntouchedDisk.Instance, files.Folder, mark, manifest.Lineage, manifest.Partition);
            while (!image.Next(out _).IsEmpty)
            {
            }
        }
        catch (IndexImageException found)
        {
            damage.Add($"{found.Message}; a start scans the record log instead");
        }
    }

    private void ReadSectors(StateDevice device)
    {
        for (var at = fold.Begin; at < fold.Tail && damage.Count < FaultsMax;)
        {
            var next = at;
            try
            {
                next = device.Verify(at, fold.Tail);
            }
            catch (DamageException found)
            {
                damage.Add(Describe(found));
                next = Math.Min((Math.Max(found.Address, at) / StateDevice.SectorBytes * StateDevice.SectorBytes) + StateDevice.SectorBytes, fold.Tail);
            }
            progress(next - at);
            at = next;
        }
    }

    private void ReadRecords(StateDevice device)
    {
        var check = new RecordCheck();
        var scan = new RecordLogScan(device, pageBytes);
        var said = fold.Begin;
        for (scan.Begin(fold.Begin, fold.Tail); scan.Next() && damage.Count < FaultsMax;)
        {
            if (++records % ProgressEvery == 0)
            {
                progress(scan.Address - said);
                said = scan.Address;
            }
            if (check.Fault(scan, manifest.Mark.Position) is { } fault) Note(scan.Key, scan.Value, scan.Address, fault);
        }
        progress(fold.Tail - said);
    }

    private void ReadAggregates(StateDevice device)
    {
        var newest = new NewestRecords(device, pageBytes, fold.Begin, fold.Tail);
        var check = new AggregateCheck(newest);
        var live = 0L;
        for (var round = 0; round < newest.Rounds; round++)
        {
            newest.Read(round, newest.Rounds);
            current += newest.Records.Count;
            foreach (var record in newest.Records.Values) live += record.Bytes;
            foreach (var (record, fault) in check.Faults().Take(FaultsMax)) Note(record.Key, newest.ValueOf(record), record.Address, fault);
            progress(newest.Bytes / newest.Rounds);
        }
        // Empty records are live to the store until they are compacted away.
        if (live > fold.LiveBytes)
            damage.Add($"{Path.Combine(files.Folder, manifest.FileName)}: {fold.LiveBytes} bytes are live by the manifest, {live} by the records");
    }

    private void Note(Key16 key, ReadOnlySpan<byte> value, long address, string fault)
    {
        if (damage.Count < FaultsMax) damage.Add($"{FileOf(address)}: at address {address}, {RecordName.Of(key, value)}: {fault}");
    }

    private string FileOf(long address) => Path.Combine(files.Folder, $"records.{address >> manifest.Geometry.SegmentBits}");

    private string Describe(DamageException found) => found.Segment < 0
        ? $"{files.Folder}: {found.Message}"
        : $"{Path.Combine(files.Folder, $"records.{found.Segment}")} or sums.{found.Segment}: {found.Message}";
}
