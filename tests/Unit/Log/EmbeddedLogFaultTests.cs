using System.Text;
using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Log;

/// <summary>Full disks, failing disks, limits: records fail with a typed error, and the log goes on by itself.</summary>
public sealed class EmbeddedLogFaultTests : IDisposable
{
    private readonly TopicFolder _folder = new();
    private readonly DiskDouble _disk = new();

    public void Dispose() => _folder.Dispose();

    private EmbeddedLogOptions Options => TopicFolder.Tiny with { Disk = _disk, RetryAfter = TimeSpan.FromSeconds(3) };

    private static Task<PublishResult[]> PublishAsync(EmbeddedTopic topic, params OutgoingRecord[] records) =>
        topic.PublishAsync(records, TestContext.Current.CancellationToken);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(700)]
    [InlineData(5000)]
    [InlineData(9000)]
    [InlineData(14000)]
    public async Task On_a_full_disk_records_fail_and_the_log_goes_on_when_there_is_space(int writable)
    {
        int appended;
        await using (var topic = _folder.Open(Options))
        {
            using var reader = topic.Partitions[0].OpenReader(0);
            await TopicFolder.PublishOneByOne(topic, 0, 5);
            _disk.WritableBytes = writable;
            for (var call = 0; call < 2; call++)
            {
                // 200 records of about 100 bytes: some commits of four pages, so that a part may reach the disk.
                var failed = await PublishAsync(topic, TopicFolder.Records(1000, 200, padding: 80));
                var kept = failed.TakeWhile(result => result.Error is null).Count();
                Assert.All(failed.Skip(kept), AssertFull);
                Assert.True(call == 0 || kept == 0);
                _disk.WritableBytes = 0;
            }
            appended = (int)topic.Partitions[0].EndOffset;
            Assert.Equal(TopicFolder.Texts(0, 5).Concat(TopicFolder.Texts(1000, appended - 5)), TopicFolder.Read(topic.Partitions[0]));
            _disk.WritableBytes = long.MaxValue;
            var next = Assert.Single(await PublishAsync(topic, TopicFolder.Record("next")));
            Assert.Equal(new PublishResult(appended, null), next);
            var count = 0;
            while (reader.TryRead(out _)) count++; // opened before the failure
            Assert.Equal(appended + 1, count);
        }
        await using (var topic = _folder.Open(Options))
            Assert.Equal([.. TopicFolder.Texts(0, 5), .. TopicFolder.Texts(1000, appended - 5), "next"], TopicFolder.Read(topic.Partitions[0]));
    }

    private static void AssertFull(PublishResult result)
    {
        var error = Assert.IsType<LogUnavailableException>(result.Error);
        Assert.Equal(TimeSpan.FromSeconds(3), error.RetryAfter);
        Assert.Contains("full", error.Message, StringComparison.Ordinal);
        Assert.Equal(-1, result.Offset);
    }

    [Fact]
    public async Task What_a_failed_append_left_on_the_disk_is_not_found_after_the_next_one()
    {
        await using (var topic = _folder.Open(Options))
        {
            await TopicFolder.PublishOneByOne(topic, 0, 3);
            _disk.WritableBytes = 3000;
            Assert.Contains(await PublishAsync(topic, TopicFolder.Records(100, 100)), result => result.Error is not null);
            _disk.WritableBytes = long.MaxValue;
            await TopicFolder.PublishOneByOne(topic, (int)topic.Partitions[0].EndOffset, 1);
            var expected = TopicFolder.Read(topic.Partitions[0]);
            using var crashed = _folder.Copy();
            await using var reopened = crashed.Open();
            Assert.Equal(expected, TopicFolder.Read(reopened.Partitions[0]));
        }
    }

    [Fact]
    public async Task Passing_errors_are_retried_inside_the_device_and_counted()
    {
        await using var topic = _folder.Open(Options);
        _disk.FailingWrites = 2;
        await TopicFolder.PublishOneByOne(topic, 0, 1);
        _disk.FailingSyncs = 2;
        await TopicFolder.PublishOneByOne(topic, 1, 1);
        Assert.Equal(4, topic.Partitions[0].Device.Errors);
        Assert.Equal(0, topic.Partitions[0].Device.Failures);
        Assert.Equal(TopicFolder.Texts(0, 2), TopicFolder.Read(topic.Partitions[0]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Lasting_errors_fail_the_records_and_the_log_recovers_from_them(bool ofSync)
    {
        await using var topic = _folder.Open(Options);
        await TopicFolder.PublishOneByOne(topic, 0, 2);
        for (var round = 0; round < 5; round++)
        {
            if (ofSync) _disk.FailingSyncs = int.MaxValue;
            else _disk.FailingWrites = int.MaxValue;
            var result = Assert.Single(await PublishAsync(topic, TopicFolder.Record("lost")));
            Assert.IsType<LogUnavailableException>(result.Error);
            _disk.FailingSyncs = 0;
            _disk.FailingWrites = 0;
            await TopicFolder.PublishOneByOne(topic, 2 + round, 1);
        }
        Assert.True(topic.Partitions[0].Device.Failures >= 5);
        Assert.Equal(TopicFolder.Texts(0, 7), TopicFolder.Read(topic.Partitions[0]));
    }

    [Fact]
    public async Task A_read_error_is_thrown_and_the_next_call_reads_on()
    {
        await using var topic = _folder.Open(Options);
        await TopicFolder.PublishOneByOne(topic, 0, 3);
        using var reader = topic.Partitions[0].OpenReader(0);
        _disk.FailingReads = int.MaxValue;
        Assert.Throws<IOException>(() => reader.TryRead(out _));
        _disk.FailingReads = 0;
        for (var i = 0; i < 3; i++)
        {
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(i, record.Offset);
        }
        Assert.False(reader.TryRead(out _));
    }

    [Fact]
    public async Task Beyond_the_bound_of_waiting_bytes_records_are_refused_and_the_others_kept()
    {
        var options = Options with { MaxPendingBytes = 20_000 };
        await using var topic = _folder.Open(options);
        Task<PublishResult[]> first = null!, second = null!;
        _disk.WhileStill(() =>
        {
            first = PublishAsync(topic, TopicFolder.Records(0, 500));
            second = PublishAsync(topic, TopicFolder.Records(500, 1));
            Assert.InRange(topic.Partitions[0].PendingBytes, 19_900, 20_000);
        });
        var results = await first;
        var kept = results.TakeWhile(result => result.Error is null).Count();
        Assert.InRange(kept, 300, 450);
        Assert.All(results.Skip(kept), result => Assert.IsType<LogUnavailableException>(result.Error));
        Assert.Equal(TopicFolder.Texts(0, kept), TopicFolder.Read(topic.Partitions[0]).Take(kept));
        Assert.IsType<LogUnavailableException>(Assert.Single(await second).Error);
        Assert.Equal(0, topic.Partitions[0].PendingBytes);
        Assert.Null(Assert.Single(await PublishAsync(topic, TopicFolder.Record("after"))).Error);
    }

    [Fact]
    public async Task Appends_that_arrive_during_a_commit_share_the_next_one()
    {
        await using var topic = _folder.Open(Options);
        await TopicFolder.PublishOneByOne(topic, 0, 1);
        var writesBefore = topic.Partitions[0].Device.Writes;
        var begun = new TaskCompletionSource();
        _disk.BeforeWrite = () => begun.TrySetResult();
        List<Task<PublishResult[]>> calls = [];
        _disk.WhileStill(() =>
        {
            calls.Add(PublishAsync(topic, TopicFolder.Record("v1")));
            begun.Task.Wait(TestContext.Current.CancellationToken);
            for (var i = 2; i < 12; i++) calls.Add(PublishAsync(topic, TopicFolder.Record($"v{i}")));
        });
        await Task.WhenAll(calls);
        Assert.Equal(TopicFolder.Texts(0, 12), TopicFolder.Read(topic.Partitions[0]));
        Assert.Equal(2, topic.Partitions[0].Device.Writes - writesBefore);
    }

    [Fact]
    public async Task A_cancelled_call_whose_records_no_commit_took_fails_and_leaves_no_trace()
    {
        await using var topic = _folder.Open(Options);
        var begun = new TaskCompletionSource();
        _disk.BeforeWrite = () => begun.TrySetResult();
        using var cancellation = new CancellationTokenSource();
        Task<PublishResult[]> first = null!, second = null!;
        _disk.WhileStill(() =>
        {
            first = PublishAsync(topic, TopicFolder.Record("v0"));
            begun.Task.Wait(TestContext.Current.CancellationToken);
            second = topic.PublishAsync(TopicFolder.Records(100, 3), cancellation.Token);
            cancellation.Cancel();
        });
        Assert.Null((await first)[0].Error);
        Assert.All(await second, result => Assert.IsAssignableFrom<OperationCanceledException>(result.Error));
        await TopicFolder.PublishOneByOne(topic, 1, 1);
        Assert.Equal(TopicFolder.Texts(0, 2), TopicFolder.Read(topic.Partitions[0]));
        Assert.Equal(0, topic.Partitions[0].PendingBytes);
    }

    [Fact]
    public async Task A_closed_log_refuses_records_and_finishes_those_it_took()
    {
        var topic = _folder.Open(Options);
        Task<PublishResult[]> taken = null!;
        Task closing = null!;
        _disk.WhileStill(() =>
        {
            taken = PublishAsync(topic, TopicFolder.Records(0, 50));
            closing = topic.DisposeAsync().AsTask();
        });
        await closing;
        Assert.All(await taken, result => Assert.Null(result.Error));
        Assert.IsType<LogUnavailableException>(Assert.Single(await PublishAsync(topic, TopicFolder.Record("x"))).Error);
        await using var again = _folder.Open(Options);
        Assert.Equal(TopicFolder.Texts(0, 50), TopicFolder.Read(again.Partitions[0]));
    }

    [Fact]
    public async Task A_listener_that_throws_does_not_fail_the_records()
    {
        await using var topic = _folder.Open(Options);
        topic.Partitions[0].OnGrown = () => throw new InvalidOperationException("listener");
        await TopicFolder.PublishOneByOne(topic, 0, 2);
    }

    [Fact]
    public async Task The_append_time_stands_where_the_clock_goes_back()
    {
        var clock = new SettableTime { Now = DateTimeOffset.FromUnixTimeMilliseconds(5_000) };
        await using (var topic = _folder.Open(Options, time: clock))
        {
            await TopicFolder.PublishOneByOne(topic, 0, 1);
            clock.Now = DateTimeOffset.FromUnixTimeMilliseconds(4_000);
            await TopicFolder.PublishOneByOne(topic, 1, 1);
        }
        clock.Now = DateTimeOffset.FromUnixTimeMilliseconds(3_000);
        await using (var topic = _folder.Open(Options, time: clock))
        {
            await TopicFolder.PublishOneByOne(topic, 2, 1);
            clock.Now = DateTimeOffset.FromUnixTimeMilliseconds(6_000);
            await TopicFolder.PublishOneByOne(topic, 3, 1);
            using var reader = topic.Partitions[0].OpenReader(0);
            List<long> times = [];
            while (reader.TryRead(out var record)) times.Add(record.AppendedUnixMs);
            Assert.Equal([5_000, 5_000, 5_000, 6_000], times);
        }
    }

    [Fact]
    public async Task A_record_of_a_mebibyte_fits_with_the_default_sizes()
    {
        var options = new EmbeddedLogOptions { Disk = _disk };
        var big = new byte[(1 << 20) - 1];
        new Random(3).NextBytes(big);
        OutgoingRecord[] records = [.. Enumerable.Range(0, 12).Select(i => new OutgoingRecord(0, "k"u8.ToArray(), big, (ulong)i))];
        await using (var topic = _folder.Open(options))
        {
            Assert.All(await PublishAsync(topic, records), (result, i) => Assert.Equal(new PublishResult(i, null), result));
            var tooLarge = Assert.Single(await PublishAsync(topic, new OutgoingRecord(0, "kk"u8.ToArray(), big, 0)));
            Assert.IsType<LogRecordTooLargeException>(tooLarge.Error);
        }
        await using (var topic = _folder.Open(options))
        {
            using var reader = topic.Partitions[0].OpenReader(7);
            for (var i = 7; i < 12; i++)
            {
                Assert.True(reader.TryRead(out var record));
                Assert.True(record.Value.SequenceEqual(big));
            }
            Assert.False(reader.TryRead(out _));
        }
    }

    [Fact]
    public async Task Reading_allocates_nothing_in_steady_state()
    {
        var options = Options with { ReadBufferBytes = 4096 };
        await using var topic = _folder.Open(options);
        await PublishAsync(topic, TopicFolder.Records(0, 4000));
        using var reader = topic.Partitions[0].OpenReader(0);
        var sum = Drain(reader, 2000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        sum += Drain(reader, 2000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.False(reader.TryRead(out _));
        Assert.Equal(Enumerable.Range(0, 4000).Sum(i => Encoding.UTF8.GetByteCount($"kv{i}") + $"v{i}".Length + 40), sum);
        Assert.Equal(0, allocated);
    }

    private static int Drain(IEventLogReader reader, int count)
    {
        var sum = 0;
        for (var i = 0; i < count; i++)
        {
            if (!reader.TryRead(out var record)) return -1;
            sum += record.Key.Length + record.Value.Length;
        }
        return sum;
    }
}

/// <summary>A clock that says what it is told.</summary>
internal sealed class SettableTime : TimeProvider
{
    public DateTimeOffset Now { get; set; }

    public override DateTimeOffset GetUtcNow() => Now;
}
