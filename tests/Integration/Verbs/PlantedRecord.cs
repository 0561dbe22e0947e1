using System.Buffers.Binary;
using ReadStateStream.Host.Verbs.Shared;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Integration.Verbs;

/// <summary>A record of the newest checkpoint changed so that no checksum notices: what only a recount can find.</summary>
internal static class PlantedRecord
{
    private const int SectorBytes = StateDevice.SectorBytes;

    /// <summary>Changes the value of a record, and all checksums over it.</summary>
    public static void Edit(LeftFolders left, int partition, Key16 key, Action<byte[]> edit)
    {
        var files = new CheckpointFiles(left.Data, 256, partition);
        var manifest = files.Choose(null);
        var address = AddressOf(files, manifest, key, out var capacity);
        var segmentBytes = 1L << manifest.Geometry.SegmentBits;
        var segment = (int)(address / segmentBytes);
        var path = Path.Combine(files.Folder, $"records.{segment}");
        var bytes = File.ReadAllBytes(path);
        var valueAt = (int)(address % segmentBytes) + RecordHeader.Overhead;
        var value = bytes.AsSpan(valueAt, capacity).ToArray();
        edit(value);
        value.CopyTo(bytes.AsSpan(valueAt));
        File.WriteAllBytes(path, bytes);
        Seal(files, manifest, segment, bytes);
    }

    private static long AddressOf(CheckpointFiles files, CheckpointManifest manifest, Key16 key, out int capacity)
    {
        using var device = files.Open(manifest);
        var newest = new NewestRecords(device, 1 << manifest.Geometry.PageBits, manifest.Fold.Begin, manifest.Fold.Tail);
        newest.Read(0, 1);
        var record = newest.Records[key];
        capacity = record.Capacity;
        return record.Address;
    }

    private static void Seal(CheckpointFiles files, CheckpointManifest manifest, int segment, byte[] bytes)
    {
        var mark = manifest.Sums.Segments.Single(sums => sums.Segment == segment);
        var sums = new byte[mark.Sectors * sizeof(uint)];
        var hash = Key16.Mix((ulong)segment + 1);
        for (var sector = 0; sector < mark.Sectors; sector++)
        {
            var sum = Math.Max(1, Crc32C.Of(bytes.AsSpan(sector * SectorBytes, SectorBytes)));
            BinaryPrimitives.WriteUInt32LittleEndian(sums.AsSpan(sector * sizeof(uint)), sum);
            hash = Key16.Mix(hash ^ (sum + 0x9e3779b97f4a7c15UL));
        }
        using (var file = File.OpenWrite(Path.Combine(files.Folder, $"sums.{segment}"))) file.Write(sums);
        var tailAt = (int)((manifest.Fold.Tail & -SectorBytes) % (1L << manifest.Geometry.SegmentBits));
        var isLast = manifest.Fold.Tail >> manifest.Geometry.SegmentBits == segment;
        var tailSum = isLast && manifest.Sums.TailSum != 0
            ? Crc32C.Of(bytes.AsSpan(tailAt, (int)(manifest.Fold.Tail % SectorBytes)))
            : manifest.Sums.TailSum;
        var resealed = manifest with
        {
            Sums = manifest.Sums with
            {
                Segments = [.. manifest.Sums.Segments.Select(one => one.Segment == segment ? one with { Hash = hash } : one)], TailSum = tailSum,
            },
        };
        File.WriteAllBytes(Path.Combine(files.Folder, manifest.FileName), resealed.Encode());
    }
}
