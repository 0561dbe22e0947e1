using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;
using ReadStateStream.Unit.Partition.Device;
using Xunit;

namespace ReadStateStream.Unit.Partition.Index;

/// <summary>What is said to be replaced has a newer record, while the writer goes on and pages leave memory.</summary>
public sealed class ReplacedRecordsTests
{
    private const int PageBytes = 4 << 10;
    /// <summary>So many for 64 chains that some keys share a chain's tag: an entry of the index stands for both.</summary>
    private const int Keys = 6_000;

    private long _asked;

    [Fact]
    public async Task Only_records_with_a_newer_one_are_dropped()
    {
        using var folder = new DeviceFolder();
        var options = new StoreOptions { LogMemoryBytes = 2 << 20, PageBytes = PageBytes, IndexBytes = 64 * 64, SegmentBytes = 64 << 10 };
        var device = folder.Open(segmentBytes: (int)options.SegmentBytes);
        using var store = new StateStore(options, StoredPolicy.From(new PolicyOptions()), device);
        using var stop = new CancellationTokenSource();
        var asker = Task.Factory.StartNew(
            () => Ask(store, device, stop.Token), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var random = new Random(1);
        for (var turn = 0; turn < 200 || Volatile.Read(ref _asked) < 100_000; turn++)
        {
            store.Enter();
            for (var i = 0; i < 500; i++) Write(store, random);
            store.Exit();
            store.Fold();
        }
        await stop.CancelAsync();
        var dropped = await asker;
        device.Flush();
        var newest = new Dictionary<Key16, long>();
        foreach (var (key, address) in Scan(device, store.BeginAddress, store.TailAddress)) newest[key] = address;
        Assert.All(dropped, record => Assert.True(newest[record.Key] > record.Address));
        Assert.InRange(dropped.Count, 1_000, _asked - 1_000);

        // At rest: whatever is newest stays, and of those in memory nothing else does, but for what stands behind others.
        var all = Scan(device, store.BeginAddress, store.TailAddress);
        var left = all.ToList();
        store.DropReplaced(left);
        Assert.Subset(left.ToHashSet(), newest.Select(record => (record.Key, record.Value)).ToHashSet());
        Assert.True(left.Count < all.Count);
    }

    private List<(Key16 Key, long Address)> Ask(StateStore store, StateDevice device, CancellationToken stop)
    {
        List<(Key16, long)> dropped = [];
        var random = new Random(2);
        while (!stop.IsCancellationRequested)
        {
            // The newest pages on the disk too: there it races with the writer.
            var until = store.FlushedUntil / PageBytes * PageBytes;
            if (until < PageBytes) continue;
            var from = Math.Max(0, until - ((1 + random.Next(40)) * PageBytes));
            var page = Scan(device, from, from + PageBytes);
            var left = page.ToList();
            store.DropReplaced(left);
            dropped.AddRange(page.Except(left));
            Volatile.Write(ref _asked, _asked + page.Count);
        }
        return dropped;
    }

    private static void Write(StateStore store, Random random)
    {
        var used = random.Next(RecordHeader.Length, 150);
        RecordHeader.Write(store.Scratch, 1, used);
        store.Replace(Key16.ReadState((ulong)random.Next(Keys) + 1, 7), used, RecordHeader.CapacityFor(used));
    }

    private static List<(Key16 Key, long Address)> Scan(StateDevice device, long from, long to)
    {
        List<(Key16, long)> found = [];
        var scan = new RecordLogScan(device, PageBytes);
        for (scan.Begin(from, to); scan.Next();)
            if (!scan.IsTombstone)
                found.Add((scan.Key, scan.Address));
        return found;
    }
}
