using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using ReadStateStream.Unit.Partition.Device;
using ReadStateStream.Unit.Partition.Recovery;

namespace ReadStateStream.Unit.Partition.Index;

/// <summary>A store with copies of its index, on a device in a folder, beside what it must hold.</summary>
internal sealed class ImagedStore : IDisposable
{
    private const long Lineage = 256;

    private readonly DeviceFolder folder = new();
    private readonly Random random;
    private readonly StoreOptions options;
    private readonly ulong keys;
    private readonly RecoverySettings settings;
    private RecordLogScan scan;
    private long sequence;

    /// <param name="seed">Of what is written.</param>
    /// <param name="indexLines">Chains of the index.</param>
    /// <param name="keys">Different keys.</param>
    public ImagedStore(int seed, int indexLines, int keys)
    {
        random = new Random(seed);
        this.keys = (ulong)keys;
        options = new StoreOptions { LogMemoryBytes = 128 << 10, PageBytes = 4 << 10, IndexBytes = (long)indexLines * 64, SegmentBytes = 64 << 10 };
        settings = new RecoverySettings(
            new CheckpointSettings(Lineage, 0, 1, new CheckpointOptions { ImageRatio = 0.01 }, folder.Time), folder.Folder, options,
            StoredPolicy.From(new PolicyOptions()),
            new StateDeviceOptions { SegmentBytes = options.SegmentBytes, Mode = DeviceMode.Inline, Disk = folder.Disk, Time = folder.Time }, NoFaultPoints.Instance);
        Device = folder.Open(segmentBytes: (int)options.SegmentBytes);
        Store = new StateStore(options, settings.Policy, Device);
        Images = NewImages(Store, null);
        scan = new RecordLogScan(Device, options.PageBytes);
    }

    public StateStore Store { get; private set; }

    public StateDevice Device { get; private set; }

    public IndexImages Images { get; private set; }

    public string Folder => folder.Folder;

    /// <summary>What must be found under each key.</summary>
    public Dictionary<Key16, byte[]> Expected { get; } = [];

    /// <summary>What recoveries said.</summary>
    public DurablePartition.Notes Said { get; } = new();

    /// <summary>The record log was compacted so often.</summary>
    public int Compactions { get; private set; }

    /// <summary>Writes, writes again and deletes some records.</summary>
    public void Change(int times)
    {
        Store.Enter();
        for (; times > 0; times--)
        {
            var key = Key16.ReadState(1 + (ulong)random.NextInt64((long)keys), 7);
            if (random.Next(4) == 0)
            {
                Store.Delete(key);
                Expected.Remove(key);
                continue;
            }
            var value = new byte[random.Next(RecordHeader.SmallestCapacity, 90)];
            random.NextBytes(value);
            value.CopyTo(Store.Scratch);
            Store.Replace(key, value.Length, RecordHeader.CapacityFor(value.Length));
            Expected[key] = value;
        }
        Store.Exit();
    }

    /// <summary>Copies what lives in the first page to the tail, and moves the begin.</summary>
    public void CompactAPage()
    {
        var end = (Store.BeginAddress / options.PageBytes + 1) * options.PageBytes;
        if (end > Store.FlushedUntil) return;
        var found = new List<Key16>();
        for (scan.Begin(Store.BeginAddress, end); scan.Next();)
            if (!scan.IsTombstone)
                found.Add(scan.Key);
        Store.Enter();
        Store.Rescue(found.ToArray(), end);
        Store.MoveBegin(end);
        Store.Exit();
        Compactions++;
    }

    /// <summary>Copies the index slice by slice, with changes and compaction between.</summary>
    public void Capture()
    {
        for (var slice = 0; !Images.CopySome(sequence + 1, out _); slice++)
        {
            Change(random.Next(1, 30));
            if (slice % 3 == 0) CompactAPage();
            if (random.Next(3) == 0) Images.Step();
        }
    }

    /// <summary>Folds the store over and describes it as a manifest does.</summary>
    public CheckpointManifest Fold()
    {
        while (Images.Step())
        {
        }
        var fold = Store.Fold();
        if (Store.FlushedUntil < fold.Tail) throw new InvalidOperationException("an inline device has not written all");
        Device.Flush();
        return new CheckpointManifest(++sequence, Lineage, 0, default, fold, Store.Geometry, Device.SaveSums(fold.Tail), default, Images.For(fold));
    }

    /// <summary>Opens a checkpoint, as a recovery does.</summary>
    public OpenedCheckpoint Open(CheckpointManifest manifest, bool mayUseImage) => new CheckpointOpening(
        settings, geometry => new StateDevice(Folder, settings.Device with { SegmentBytes = 1L << geometry.SegmentBits }), Said).Open(manifest, mayUseImage);

    /// <summary>Goes on from a checkpoint, opened by its image, as after a kill.</summary>
    public void GoOnFrom(CheckpointManifest manifest)
    {
        Images.Dispose();
        Store.Dispose();
        (Store, Device, _) = Open(manifest, mayUseImage: true);
        Images = NewImages(Store, manifest.Image);
        scan = new RecordLogScan(Device, options.PageBytes);
    }

    /// <summary>Address of the first byte behind a page's last record that is not zero, between two addresses; -1: none.</summary>
    public long FirstLeftBehind(long from, long to)
    {
        var page = new byte[options.PageBytes];
        for (var address = from / page.Length * page.Length; address + page.Length <= to; address += page.Length)
        {
            Device.Read(address, page);
            var at = address == 0 ? (int)Store.BeginAddress : 0;
            while (at < page.Length && BitConverter.ToInt64(page, at) != 0)
            {
                var length = at + RecordHeader.Overhead > page.Length ? -1 : BitConverter.ToInt32(page, at + RecordHeader.Overhead - sizeof(int));
                if (length < 0 || length > page.Length - at - RecordHeader.Overhead) return address + at;
                at += (RecordHeader.Overhead + length + 7) & -8;
            }
            var rest = page.AsSpan(Math.Min(at, page.Length)).IndexOfAnyExcept((byte)0);
            if (rest >= 0) return address + at + rest;
        }
        return -1;
    }

    /// <summary>The first key under which a store holds something else than it must; null: none.</summary>
    public string? Difference(StateStore store)
    {
        store.Enter();
        try
        {
            for (ulong user = 1; user <= keys; user++)
            {
                var key = Key16.ReadState(user, 7);
                var found = store.Read(key);
                var expected = Expected.GetValueOrDefault(key, []);
                // Behind the value lies what was there before, where it was changed in place.
                if ((found.Length == 0) != (expected.Length == 0) || !found.StartsWith(expected))
                    return $"user {user}: {Convert.ToHexString(found)}, expected {Convert.ToHexString(expected)}";
            }
            return null;
        }
        finally
        {
            store.Exit();
        }
    }

    public void Dispose()
    {
        Images.Dispose();
        Store.Dispose();
        folder.Dispose();
    }

    private IndexImages NewImages(StateStore store, IndexImageMark? newest) =>
        new(settings.Checkpoint, store, folder.Disk, Folder, newest, NoFaultPoints.Instance);
}
