using ReadStateStream.Fold;
using ReadStateStream.Partition.Store;
using ReadStateStream.Unit.Log;
using Xunit;
using static ReadStateStream.Unit.Partition.Device.DeviceFolder;

namespace ReadStateStream.Unit.Partition.Device;

/// <summary>A store larger than memory on the device: full disks, flipped bytes, operations in any order.</summary>
public sealed class StateDeviceStoreTests : IDisposable
{
    private readonly DeviceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static byte[] Value(int number) => Pattern(44 + (number % 9 * 24), number);

    [Theory]
    [InlineData(DeviceMode.Threads)]
    [InlineData(DeviceMode.Inline)]
    public void It_reads_what_it_wrote(DeviceMode mode)
    {
        using var device = _folder.Open(mode);
        using var store = new PlainStore(device);
        const int keys = 4000;
        for (var i = 0; i < keys; i++) store.Upsert(PlainStore.Key(i), Value(i));
        for (var i = 0; i < keys; i++) Assert.Equal(Value(i), store.Read(PlainStore.Key(i)));
        Assert.True(device.Counters.Reads > keys / 2, $"{device.Counters.Reads} reads");
        Assert.Null(device.Damage);
        store.Log.Flush(wait: true);
        VerifyAll(device, 0, store.Log.TailAddress);
    }

    [Fact]
    public async Task On_a_full_disk_it_waits_and_then_goes_on_by_itself()
    {
        using var device = _folder.Open(DeviceMode.Threads);
        var stuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        device.OnStuckChanged = state =>
        {
            if (state is not null) stuck.TrySetResult();
        };
        using var store = new PlainStore(device);
        _folder.Disk.WritableBytes = 100_000;
        const int keys = 4000;
        var writer = Task.Run(() =>
        {
            for (var i = 0; i < keys; i++) store.Upsert(PlainStore.Key(i), Value(i));
        }, TestContext.Current.CancellationToken);
        await stuck.Task;
        Assert.True(device.Stuck!.IsDiskFull);
        Assert.False(writer.IsCompleted); // 16 pages of memory cannot hold the rest
        _folder.Disk.WritableBytes = 50_000; // some room, and full again
        _folder.Time.Advance(TimeSpan.FromSeconds(10));
        _folder.Disk.WritableBytes = long.MaxValue;
        while (!writer.IsCompleted) _folder.Time.Advance(TimeSpan.FromSeconds(10));
        await writer;
        device.WaitIdle();
        Assert.Null(device.Stuck);
        for (var i = 0; i < keys; i++) Assert.Equal(Value(i), store.Read(PlainStore.Key(i)));
        store.Log.Flush(wait: true);
        VerifyAll(device, 0, store.Log.TailAddress);
        Assert.Null(device.Damage);
    }

    [Fact]
    public void A_flipped_byte_is_found_by_a_read_and_by_verification()
    {
        using var device = _folder.Open();
        using var store = new PlainStore(device);
        const int keys = 1500;
        for (var i = 0; i < keys; i++) store.Upsert(PlainStore.Key(i), Value(i));
        store.Log.FlushAndEvict(wait: true);
        var tail = store.Log.TailAddress;
        List<(long Address, int Length, Key16 Key)> records = [];
        var scan = new RecordLogScan(device, PlainStore.PageBytes);
        scan.Begin(0, tail);
        while (scan.Next()) records.Add((scan.Address, (28 + scan.Value.Length + 7) & ~7, scan.Key));
        Assert.Equal(keys, records.Count);
        var random = new Random(20);
        for (var sample = 0; sample < 200; sample++)
        {
            var record = records[random.Next(keys)];
            // Every kind of byte of a record in turn: header, key, length, value, padding.
            int[] ends = [8, 24, 28, record.Length];
            var kind = sample % 4;
            var from = kind == 0 ? 0 : ends[kind - 1];
            var address = record.Address + random.Next(from, ends[kind]);
            var (found, damaged) = (store.Read(record.Key), device.Counters.Damaged);
            Assert.NotNull(found);
            Flip(_folder.Records((int)(address / SegmentBytes)), address % SegmentBytes);
            Assert.Null(store.Read(record.Key));
            Assert.True(device.Counters.Damaged > damaged, $"byte {address} of the record at {record.Address}");
            Assert.Equal(address & -512, Assert.Throws<DamageException>(() => VerifyAll(device, 0, tail)).Address);
            Flip(_folder.Records((int)(address / SegmentBytes)), address % SegmentBytes);
            Assert.Equal(found, store.Read(record.Key));
        }
        Assert.NotNull(device.Damage);
    }

    [Fact]
    public void A_truncated_segment_is_found_by_a_read_and_by_verification()
    {
        using var device = _folder.Open();
        using var store = new PlainStore(device);
        const int keys = 300;
        for (var i = 0; i < keys; i++) store.Upsert(PlainStore.Key(i), Value(i));
        store.Log.FlushAndEvict(wait: true);
        var whole = File.ReadAllBytes(_folder.Records(1));
        for (var place = 0; place < 10; place++)
        {
            var length = whole.Length * place / 10;
            using (var file = File.OpenHandle(_folder.Records(1), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)) RandomAccess.SetLength(file, length);
            Assert.Equal(SegmentBytes + (length & -512), Assert.Throws<DamageException>(() => VerifyAll(device, 0, store.Log.TailAddress)).Address);
            var damaged = device.Counters.Damaged;
            Assert.Contains(Enumerable.Range(0, keys), i => store.Read(PlainStore.Key(i)) is null);
            Assert.True(device.Counters.Damaged > damaged);
            using (var file = File.OpenHandle(_folder.Records(1), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)) RandomAccess.Write(file, whole, 0);
        }
        VerifyAll(device, 0, store.Log.TailAddress);
    }

    [Theory]
    [InlineData(0.9, 1)]
    [InlineData(0.5, 6)]
    public void Held_operations_complete_in_any_order_on_one_thread(double mutableFraction, int heldPages)
    {
        for (var seed = 0; seed < 5; seed++)
        {
            using var folder = new DeviceFolder();
            var random = new Random(seed);
            var most = 0;
            using var device = folder.Open(DeviceMode.Held, heldPages * PlainStore.PageBytes, waiting =>
            {
                most = Math.Max(most, waiting);
                return random.Next(waiting);
            });
            using var store = new PlainStore(device, mutableFraction);
            var expected = new Dictionary<int, byte[]>();
            for (var step = 0; step < 4000; step++)
            {
                var number = random.Next(1200);
                if (random.Next(3) == 0)
                {
                    Assert.Equal(expected.GetValueOrDefault(number), store.Read(PlainStore.Key(number)));
                    continue;
                }
                expected[number] = Value(random.Next(1000));
                store.Upsert(PlainStore.Key(number), expected[number]);
                if (step % 500 == 0) store.Log.ShiftReadOnlyAddress(store.Log.TailAddress, wait: false);
                if (device.Waiting > 0 && random.Next(2) == 0) device.CompleteOne(random.Next(device.Waiting));
            }
            Assert.True(most > 1, "nothing ever waited");
            store.Log.ShiftReadOnlyAddress(store.Log.TailAddress, wait: false);
            device.IsHolding = false;
            Assert.Equal(0, device.Waiting);
            VerifyAll(device, 0, store.Log.TailAddress);
            foreach (var (number, value) in expected) Assert.Equal(value, store.Read(PlainStore.Key(number)));
            Assert.Null(device.Damage);
        }
    }

    [Fact]
    public void A_state_store_asks_for_many_records_at_once_on_one_thread()
    {
        var random = new Random(1);
        var most = 0;
        var options = PartitionTester.Tiny();
        using var store = new StateStore(options, StoredPolicy.From(new PolicyOptions()), _folder.Open(DeviceMode.Held, options.PageBytes, waiting =>
        {
            most = Math.Max(most, waiting);
            return random.Next(waiting);
        }, (int)options.SegmentBytes));
        var keys = Enumerable.Range(0, 2000).Select(PlainStore.Key).ToArray();
        store.Enter();
        for (var i = 0; i < keys.Length; i++)
        {
            Pattern(100, i).CopyTo(store.Scratch);
            store.WriteExactly(keys[i], 100, 116);
        }
        for (var at = 0; at < keys.Length; at += 40)
        {
            store.Prefetch(keys.AsSpan(at, 40));
            for (var i = at; i < at + 40; i++)
                Assert.True(store.Read(keys[i]).SequenceEqual((byte[])[.. Pattern(100, i), .. new byte[16]]), $"record {i}");
        }
        store.Exit();
        Assert.True(most >= 40, $"{most} waited at once");
    }

    [Fact]
    public void What_waits_is_lost_when_the_process_is_killed()
    {
        var device = _folder.Open(DeviceMode.Held, heldWriteBytes: long.MaxValue);
        var write = Write(device, 0, Pattern(512, 1));
        Assert.Equal(1, device.Waiting);
        device.Abandon();
        Assert.False(write.IsCompleted);
        Assert.False(File.Exists(_folder.Records(0)));
    }
}
