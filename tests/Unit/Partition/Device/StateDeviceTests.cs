using Microsoft.Win32.SafeHandles;
using ReadStateStream.Partition.Store;
using ReadStateStream.Snapshot.Disk;
using ReadStateStream.Unit.Log;
using Xunit;
using static ReadStateStream.Unit.Partition.Device.DeviceFolder;

namespace ReadStateStream.Unit.Partition.Device;

/// <summary>The device under the store's log: bytes, segments, writes that fail, fsyncs that fail.</summary>
public sealed class StateDeviceTests : IDisposable
{
    private readonly DeviceFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(DeviceMode.Threads)]
    [InlineData(DeviceMode.Inline)]
    public async Task What_was_written_is_read_and_beyond_are_zeros(DeviceMode mode)
    {
        using var device = _folder.Open(mode);
        var bytes = Pattern(2048, 1);
        await Write(device, SegmentBytes + 512, bytes);
        Assert.Equal(bytes, await Read(device, SegmentBytes + 512, 2048));
        Assert.Equal((byte[])[.. bytes[1024..], .. new byte[1024]], await Read(device, SegmentBytes + 1536, 2048));
        Assert.Equal(new byte[512], await Read(device, 9 * SegmentBytes, 512));
        await Write(device, SegmentBytes + 1024, Pattern(512, 2)); // a sector written again has its new checksum
        Assert.Equal((byte[])[.. bytes[..512], .. Pattern(512, 2), .. bytes[1024..]], await Read(device, SegmentBytes + 512, 2048));
        Assert.Null(device.Damage);
        Assert.Equal(4 + 2 + 4, device.Counters.VerifiedSectors);
        Assert.Equal((2L, 4L, 2560L), (device.Counters.Writes, device.Counters.Reads, device.Counters.BytesWritten));
    }

    [Fact]
    public void What_FASTER_reads_above_the_end_of_a_segment_is_zeros()
    {
        using var folder = new DeviceFolder();
        using var device = folder.Open();
        var bytes = DeviceFolder.Pattern(2 * DeviceFolder.SegmentBytes, 1);
        DeviceFolder.Fill(device, 0, bytes);
        var read = DeviceFolder.ReadNow(device, DeviceFolder.SegmentBytes - 512, 1024);
        Assert.Equal(bytes[(DeviceFolder.SegmentBytes - 512)..DeviceFolder.SegmentBytes], read[..512]);
        Assert.Equal(new byte[512], read[512..]);
        Assert.Null(device.Damage);
    }

    [Fact]
    public void A_read_of_the_owner_crosses_segments()
    {
        using var device = _folder.Open();
        var bytes = Pattern(3 * SegmentBytes, 3);
        Fill(device, 0, bytes);
        var read = new byte[2 * SegmentBytes];
        device.Read(1024, read);
        Assert.Equal(bytes[1024..(1024 + read.Length)], read);
        VerifyAll(device, 0, bytes.Length);
        Assert.Throws<ArgumentException>(() => device.Read(1, new byte[512]));
        Assert.Throws<ArgumentException>(() => device.Initialize(2 * SegmentBytes));
    }

    [Fact]
    public void What_the_system_does_not_move_past_its_cache_goes_through_it()
    {
        var disk = new RefusingDisk();
        using var device = new StateDevice(_folder.Folder, new StateDeviceOptions { SegmentBytes = SegmentBytes, Mode = DeviceMode.Inline, Disk = disk });
        var bytes = Pattern(3 * SegmentBytes, 5);
        Fill(device, 0, bytes[..512]);
        Fill(device, 512, bytes[512..]); // beginning and ending inside a block of 4 KiB
        device.Flush();
        VerifyAll(device, 512, bytes.Length - 512);
        Assert.Equal(bytes, ReadNow(device, 0, SegmentBytes).Concat(ReadNow(device, SegmentBytes, SegmentBytes)).Concat(ReadNow(device, 2 * SegmentBytes, SegmentBytes)));
        Assert.Null(device.Stuck);
        Assert.Equal(0, device.Counters.Errors);
        Assert.Equal(3, disk.Refused); // once a file
    }

    /// <summary>Opens past the cache, and then refuses to work so, as some file systems do.</summary>
    private sealed class RefusingDisk : DiskOperations
    {
        private readonly HashSet<SafeFileHandle> _direct = [];

        public int Refused { get; private set; }

        public override SafeFileHandle? OpenDirect(string path)
        {
            var file = Open(path, create: false)!;
            _direct.Add(file);
            return file;
        }

        public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset)
        {
            RefuseDirect(file);
            base.Write(path, file, source, offset);
        }

        public override int Read(string path, SafeFileHandle file, Span<byte> destination, long offset)
        {
            RefuseDirect(file);
            return base.Read(path, file, destination, offset);
        }

        private void RefuseDirect(SafeFileHandle file)
        {
            if (!_direct.Contains(file)) return;
            Refused++;
            throw new IOException("Invalid argument", 22);
        }
    }

    [Fact]
    public void Only_the_owner_removes_segments()
    {
        using (var device = _folder.Open())
        {
            Fill(device, 0, Pattern(4 * SegmentBytes, 4));
            device.SaveSums(4 * SegmentBytes);
            device.Initialize(SegmentBytes, new FASTER.core.LightEpoch());
            device.TruncateUntilAddress(3 * SegmentBytes);
            device.TruncateUntilSegment(1);
            device.RemoveSegment(0);
            device.RemoveSegmentAsync(0, _ => { }, null!);
        }
        Assert.Equal(8, Directory.GetFiles(_folder.Folder).Length);
        using var again = _folder.Open();
        Fill(again, 0, Pattern(4 * SegmentBytes, 4));
        var syncs = _folder.Disk.FolderSyncs;
        again.RemoveSegmentsBelow(2 * SegmentBytes + 600);
        Assert.True(_folder.Disk.FolderSyncs > syncs);
        Assert.Equal(["records.2", "records.3", "sums.2", "sums.3"], Directory.GetFiles(_folder.Folder).Select(Path.GetFileName).Order());
        Assert.Equal(new byte[512], ReadNow(again, 0, 512)); // a read on its way when the segment went
        Assert.Null(again.Damage);
        Assert.Equal([2, 3], again.SaveSums(4 * SegmentBytes).Segments.Select(s => s.Segment));
    }

    [Fact]
    public async Task A_write_that_fails_is_kept_until_there_is_room()
    {
        using var device = _folder.Open(DeviceMode.Threads);
        var stuck = new TaskCompletionSource<StuckWrite>(TaskCreationOptions.RunContinuationsAsynchronously);
        var freed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        device.OnStuckChanged = state =>
        {
            if (state is null) freed.TrySetResult();
            else stuck.TrySetResult(state);
        };
        var first = Pattern(512, 5);
        await Write(device, 0, first);
        _folder.Disk.WritableBytes = 700; // tears the next one in its second sector
        var bytes = Pattern(2048, 6);
        first.AsSpan(0, 100).CopyTo(bytes);
        var write = Write(device, 0, bytes);
        var state = await stuck.Task;
        Assert.True(state.IsDiskFull);
        Assert.Equal(_folder.Time.GetUtcNow().ToUnixTimeMilliseconds(), state.SinceUnixMs);
        Assert.Equal((device.Stuck, 1), (state, device.Counters.StuckWrites));
        Assert.False(write.IsCompleted);
        Assert.Equal(bytes[..512], await Read(device, 0, 512)); // not the torn sectors, but the memory that waits
        Assert.Equal(0, device.Verify(0, 512)); // cannot be told now
        Assert.Throws<IOException>(() => device.SaveSums(100));
        _folder.Time.Advance(TimeSpan.FromMilliseconds(100)); // the retry fails, too
        device.WaitIdle();
        Assert.Equal((1, 1), (device.Counters.StuckWrites, _folder.Time.Timers));
        _folder.Disk.WritableBytes = long.MaxValue;
        _folder.Time.Advance(TimeSpan.FromMilliseconds(199)); // the delay has doubled
        device.WaitIdle();
        Assert.False(write.IsCompleted);
        _folder.Time.Advance(TimeSpan.FromMilliseconds(1));
        await write;
        await freed.Task;
        Assert.Null(device.Stuck);
        Assert.Null(device.Damage);
        Assert.Equal(bytes, await Read(device, 0, 2048));
        VerifyAll(device, 0, 2048);
    }

    [Fact]
    public void An_error_that_passes_is_retried_at_once_and_one_that_stays_when_told()
    {
        using var device = _folder.Open();
        _folder.Disk.FailingWrites = 2;
        Assert.True(Write(device, 0, Pattern(512, 7)).IsCompletedSuccessfully);
        Assert.Equal((2L, 2L), (device.Counters.Errors, device.Counters.Retries));
        Assert.Null(device.Stuck);
        _folder.Disk.FailingWrites = 3;
        var write = Write(device, 512, Pattern(512, 8));
        Assert.False(device.Stuck!.IsDiskFull);
        Assert.False(write.IsCompleted);
        device.RetryNow();
        Assert.True(write.IsCompletedSuccessfully);
        Assert.Null(device.Stuck);
        _folder.Disk.FailingReads = 2;
        Assert.Equal(Pattern(512, 8), ReadNow(device, 512, 512));
        _folder.Disk.FailingReads = 3;
        Assert.Equal(new byte[512], ReadNow(device, 512, 512));
        Assert.IsType<IOException>(device.Damage!.InnerException);
        Assert.Equal((0, 512L), (device.Damage.Segment, device.Damage.Address));
    }

    [Fact]
    public void A_write_still_stuck_when_the_device_closes_is_dropped()
    {
        var device = _folder.Open();
        _folder.Disk.WritableBytes = 0;
        var write = Write(device, 0, Pattern(512, 9));
        device.Dispose();
        Assert.False(write.IsCompleted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_a_failed_fsync_what_was_written_is_read_back(bool isLost)
    {
        using var device = _folder.Open();
        Fill(device, 0, Pattern(2 * SegmentBytes, 10));
        _folder.Disk.FailingSyncs = 1;
        Assert.Throws<IOException>(device.Flush);
        if (isLost)
            using (var file = File.OpenHandle(_folder.Records(0), FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
                RandomAccess.Write(file, new byte[4096], 8192);
        if (isLost) Assert.Equal(8192, Assert.Throws<DamageException>(device.Flush).Address);
        else device.Flush();
        Assert.Equal(isLost, device.Damage is not null);
        if (isLost) Assert.Throws<DamageException>(() => device.SaveSums(SegmentBytes));
        else Assert.Equal(SegmentBytes, device.SaveSums(SegmentBytes).Tail);
    }

    [Fact]
    public async Task A_sector_may_be_read_while_it_is_written_again()
    {
        using var device = _folder.Open(DeviceMode.Threads);
        var bytes = Pattern(512, 11);
        await Write(device, 0, bytes);
        var writer = Task.Run(async () =>
        {
            for (var i = 0; i < 3000; i++)
            {
                bytes[256 + (i % 256)]++;
                await Write(device, 0, [.. bytes]);
            }
        }, TestContext.Current.CancellationToken);
        var reads = 0;
        var sector = new byte[512];
        for (; !writer.IsCompleted || reads < 1000; reads++)
        {
            device.Read(0, sector); // throws if it takes the rewrite for damage
            Assert.True(bytes.AsSpan(0, 256).SequenceEqual(sector.AsSpan(0, 256)));
            Assert.Equal(512, device.Verify(0, 512));
        }
        await writer;
        Assert.Null(device.Damage);
    }
}
