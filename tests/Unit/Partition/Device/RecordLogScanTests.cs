using FASTER.core;
using ReadStateStream.Partition.Store;
using Xunit;
using static ReadStateStream.Unit.Partition.Device.DeviceFolder;

namespace ReadStateStream.Unit.Partition.Device;

/// <summary>The records read from the files are those that FASTER's own scan finds.</summary>
public sealed class RecordLogScanTests : IDisposable
{
    private readonly DeviceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private sealed record Found(long Address, Key16 Key, bool IsTombstone, string Value);

    private static List<Found> ByFaster(PlainStore store, long from, long to)
    {
        List<Found> found = [];
        using var scan = store.Log.Scan(from, to);
        while (scan.GetNext(out var info))
            found.Add(new Found(scan.CurrentAddress, scan.GetKey(), info.Tombstone, info.Tombstone ? "" : Convert.ToHexString(scan.GetValue().AsReadOnlySpan())));
        return found;
    }

    private static List<Found> ByFiles(StateDevice device, long from, long to, ref int superseded)
    {
        List<Found> found = [];
        var scan = new RecordLogScan(device, PlainStore.PageBytes);
        scan.Begin(from, to);
        while (scan.Next())
        {
            if (scan.IsSuperseded) superseded++;
            else found.Add(new Found(scan.Address, scan.Key, scan.IsTombstone, scan.IsTombstone ? "" : Convert.ToHexString(scan.Value)));
        }
        return found;
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_finds_what_FASTERs_scan_finds(int seed)
    {
        using var device = _folder.Open();
        using var store = new PlainStore(device);
        var random = new Random(seed);
        var expected = new Dictionary<Key16, byte[]?>();
        List<long> folds = [store.Log.BeginAddress];
        for (var step = 0; step < 6000; step++)
        {
            var key = PlainStore.Key(random.Next(900));
            if (random.Next(5) == 0)
            {
                store.Delete(key);
                expected[key] = null;
            }
            else
            {
                // Odd lengths, so that records are padded, and some that leave the rest of a page empty.
                var value = Pattern(random.Next(20) == 0 ? random.Next(500, 996) : random.Next(44, 160), step);
                store.Upsert(key, value);
                expected[key] = value;
            }
            if (step % 1500 != 777) continue;
            store.Log.Flush(wait: true); // partial pages, as a fold leaves them
            folds.Add(store.Log.TailAddress);
        }
        store.Log.FlushAndEvict(wait: true);
        folds.Add(store.Log.TailAddress);
        var superseded = 0;
        var whole = ByFiles(device, 0, store.Log.TailAddress, ref superseded);
        Assert.Equal(ByFaster(store, store.Log.BeginAddress, store.Log.TailAddress), whole);
        Assert.True(whole.Count(record => record.IsTombstone) > 100);
        var pieces = new List<Found>();
        for (var i = 1; i < folds.Count; i++) pieces.AddRange(ByFiles(device, folds[i - 1], folds[i], ref superseded));
        Assert.Equal(whole, pieces);
        foreach (var (key, value) in expected)
        {
            var newest = whole.LastOrDefault(record => record.Key == key);
            if (value is null) Assert.True(newest is null or { IsTombstone: true });
            else Assert.Equal(Convert.ToHexString(value), newest!.Value);
        }
        Assert.True(superseded > 0, "no record was superseded in memory");
    }

    [Fact]
    public void It_allocates_nothing_a_record()
    {
        using var device = _folder.Open();
        using var store = new PlainStore(device);
        for (var i = 0; i < 3000; i++) store.Upsert(PlainStore.Key(i), Pattern(100, i));
        store.Log.Flush(wait: true);
        var tail = store.Log.TailAddress;
        var scan = new RecordLogScan(device, PlainStore.PageBytes);
        long Count()
        {
            var count = 0L;
            scan.Begin(0, tail);
            while (scan.Next()) count += scan.Value.Length;
            return count;
        }
        Assert.Equal(300_000, Count());
        Count();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Count();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200);
    }

    [Fact]
    public void What_no_record_can_be_is_damage()
    {
        using var device = _folder.Open();
        var page = new byte[4096];
        BitConverter.TryWriteBytes(page.AsSpan(64), 1L << 56);
        BitConverter.TryWriteBytes(page.AsSpan(64 + 24), 5000);
        Fill(device, 0, page);
        var scan = new RecordLogScan(device, PlainStore.PageBytes);
        scan.Begin(0, 4096);
        Assert.Equal(64, Assert.Throws<DamageException>(() => scan.Next()).Address);
    }
}
