using System.Runtime.InteropServices;
using FASTER.core;
using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Log;

/// <summary>The device under FASTER: bytes, errors, segments.</summary>
public sealed unsafe class FileDeviceTests : IDisposable
{
    private const int SegmentBytes = 4096;

    private readonly string _folder = Directory.CreateTempSubdirectory("rss-device-").FullName;
    private readonly DiskDouble _disk = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private FileDevice Make(FileDeviceOptions? options = null)
    {
        var device = new FileDevice(Path.Combine(_folder, "data"), (options ?? new FileDeviceOptions { Durable = true }) with { Disk = _disk });
        device.Initialize(SegmentBytes, new LightEpoch());
        return device;
    }

    private static (uint Error, uint Bytes) Do(Action<DeviceIOCompletionCallback> operation)
    {
        using var done = new ManualResetEventSlim();
        (uint, uint) answer = default;
        operation((error, bytes, _) =>
        {
            answer = (error, bytes);
            done.Set();
        });
        done.Wait(TestContext.Current.CancellationToken);
        return answer;
    }

    private static (uint Error, uint Bytes) Write(FileDevice device, ulong address, byte[] bytes)
    {
        var memory = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        try
        {
            return Do(callback => device.WriteAsync(memory.AddrOfPinnedObject(), address, (uint)bytes.Length, callback, new object()));
        }
        finally
        {
            memory.Free();
        }
    }

    private static byte[] Read(FileDevice device, ulong address, int length)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, (byte)0xee);
        var memory = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        try
        {
            Assert.Equal((0u, (uint)length), Do(callback => device.ReadAsync(address, memory.AddrOfPinnedObject(), (uint)length, callback, new object())));
        }
        finally
        {
            memory.Free();
        }
        return bytes;
    }

    private static byte[] Pattern(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    [Fact]
    public void What_was_written_is_read_and_beyond_the_end_are_zeros()
    {
        using var device = Make();
        var bytes = Pattern(1024, 1);
        Assert.Equal((0u, 1024u), Write(device, SegmentBytes + 512, bytes));
        Assert.Equal(bytes, Read(device, SegmentBytes + 512, 1024));
        Assert.Equal([.. bytes[512..], .. new byte[1024]], Read(device, SegmentBytes + 1024, 1536));
        Assert.Equal(new byte[512], Read(device, SegmentBytes, 512));
        Assert.Equal(new byte[512], Read(device, 9 * SegmentBytes, 512)); // a segment without a file
        Assert.Equal(1, device.Counters.MissingSegmentReads);
        Assert.False(File.Exists(Path.Combine(_folder, "data.9")));
        Assert.Equal((1024L, 1L, 4L), (device.Counters.BytesWritten, device.Counters.Writes, device.Counters.Reads));
        Assert.Equal(1024 + 512 + 512, device.Counters.BytesRead);
    }

    [Fact]
    public void A_synchronous_read_crosses_segments()
    {
        using var device = Make();
        var bytes = Pattern(3 * SegmentBytes, 2);
        for (var i = 0; i < 3; i++) Write(device, (ulong)(i * SegmentBytes), bytes[(i * SegmentBytes)..((i + 1) * SegmentBytes)]);
        var read = new byte[2 * SegmentBytes + 100];
        device.Read(1000, read);
        Assert.Equal(bytes[1000..(1000 + read.Length)], read);
        Assert.Equal(3 * SegmentBytes, device.FindEnd());
    }

    [Fact]
    public void More_segments_than_may_be_open_are_still_written_and_read()
    {
        using var device = Make(new FileDeviceOptions { Durable = true, MaxOpenSegments = 2, MaxParallelism = 4 });
        Parallel.For(0, 40, i => Write(device, (ulong)(i * SegmentBytes), Pattern(SegmentBytes, i)));
        Parallel.For(0, 40, i => Assert.Equal(Pattern(SegmentBytes, i), Read(device, (ulong)(i * SegmentBytes), SegmentBytes)));
        Assert.Equal(0, device.Counters.Errors);
        Assert.Equal(0, device.Counters.PendingWriteBytes);
    }

    [Fact]
    public void Errors_are_retried_then_reported_and_counted()
    {
        using var device = Make(new FileDeviceOptions { Durable = true, MaxAttempts = 3 });
        _disk.FailingWrites = 2;
        Assert.Equal((0u, 512u), Write(device, 0, new byte[512]));
        Assert.Equal((2L, 0L), (device.Counters.Errors, device.Counters.Failures));
        Exception? reported = null;
        device.OnWriteFailure = error => reported = error;
        _disk.FailingWrites = 3;
        Assert.Equal(((uint)DiskDouble.InputOutput, 0u), Write(device, 0, new byte[512]));
        Assert.Equal((5L, 1L), (device.Counters.Errors, device.Counters.Failures));
        Assert.IsType<IOException>(reported);
        _disk.WritableBytes = 0;
        Assert.Equal(((uint)DiskDouble.NoSpace, 0u), Write(device, 0, new byte[512]));
        Assert.Equal((6L, 2L), (device.Counters.Errors, device.Counters.Failures)); // a full disk is not tried again
        Assert.True(FileDevice.IsDiskFull(reported));
    }

    [Fact]
    public void A_new_segment_is_synced_with_its_folder_and_an_old_one_without()
    {
        using var device = Make();
        Write(device, 0, new byte[512]);
        Write(device, 512, new byte[512]);
        Assert.Equal(1, _disk.FolderSyncs);
        Write(device, SegmentBytes, new byte[512]);
        Assert.Equal(2, _disk.FolderSyncs);
        device.RemoveSegment(0);
        Assert.Equal(3, _disk.FolderSyncs);
    }

    [Fact]
    public void A_device_that_is_not_durable_syncs_when_it_is_told()
    {
        using var device = Make(new FileDeviceOptions());
        Write(device, 0, new byte[512]);
        Write(device, SegmentBytes, new byte[512]);
        Assert.Equal(0, _disk.FolderSyncs);
        _disk.FailingSyncs = int.MaxValue;
        Assert.Throws<IOException>(device.Flush);
        _disk.FailingSyncs = 0;
        device.Flush();
        Assert.Equal(1, _disk.FolderSyncs);
        device.Flush(); // nothing is left to do
        Assert.Equal(1, _disk.FolderSyncs);
    }

    [Fact]
    public void Truncating_removes_whole_segments_below()
    {
        using var device = Make();
        for (var i = 0; i < 4; i++) Write(device, (ulong)(i * SegmentBytes), new byte[512]);
        device.TruncateUntilAddress(2 * SegmentBytes + 100);
        Assert.Equal(["data.2", "data.3"], Directory.EnumerateFiles(_folder).Select(Path.GetFileName).Order());
        Assert.Equal(2, device.StartSegment);
    }

    [Fact]
    public void Cutting_removes_what_lies_at_and_above_an_address()
    {
        using var device = Make();
        for (var i = 0; i < 4; i++) Write(device, (ulong)(i * SegmentBytes), Pattern(SegmentBytes, i));
        device.CutTo(SegmentBytes + 777);
        Assert.Equal(SegmentBytes + 777, device.FindEnd());
        Assert.Equal([.. Pattern(SegmentBytes, 1)[..777], .. new byte[SegmentBytes - 777]], Read(device, SegmentBytes, SegmentBytes));
    }

    [Fact]
    public void Scratch_files_go_when_it_closes_and_others_stay()
    {
        using (var device = Make(new FileDeviceOptions { DeleteOnClose = true })) Write(device, 0, new byte[512]);
        Assert.Empty(Directory.EnumerateFiles(_folder));
        using (var device = Make()) Write(device, 0, new byte[512]);
        Assert.Single(Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public void A_store_larger_than_memory_runs_on_it()
    {
        using var device = new FileDevice(Path.Combine(_folder, "store"), new FileDeviceOptions { DeleteOnClose = true });
        using var settings = new FasterKVSettings<long, long> { IndexSize = 1 << 12, LogDevice = device, PageSize = 4096, MemorySize = 4096 * 8, SegmentSize = 8192 };
        using var store = new FasterKV<long, long>(settings);
        using var session = store.NewSession(new SimpleFunctions<long, long>());
        const int keys = 20_000;
        for (long i = 0; i < keys; i++) session.Upsert(i, i * 3);
        var found = 0;
        for (long i = 0; i < keys; i++)
        {
            var (status, output) = session.Read(i);
            if (status.IsPending)
            {
                session.CompletePendingWithOutputs(out var outputs, wait: true);
                while (outputs.Next()) output = outputs.Current.Output;
                outputs.Dispose();
            }
            if (output == i * 3) found++;
        }
        Assert.Equal(keys, found);
        Assert.True(device.Counters.Reads > keys / 2, $"{device.Counters.Reads} reads from disk");
    }
}
