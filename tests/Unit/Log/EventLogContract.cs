using System.Text;
using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Log;

/// <summary>What every log adapter keeps; an adapter's test class says how to open and reopen a topic.</summary>
public abstract class EventLogContract : IAsyncLifetime
{
    private const int Partitions = 3;

    private IEventPublisher _publisher = null!;

    /// <summary>Opens the same topic with so many partitions; a second call comes after <see cref="CloseAsync"/>.</summary>
    protected abstract Task<IEventPublisher> OpenAsync(int partitions);

    /// <summary>Closes the topic, which can be opened again.</summary>
    protected abstract Task CloseAsync();

    /// <summary>The log of one partition of the open topic.</summary>
    protected abstract IEventLog LogOf(int partition);

    /// <inheritdoc/>
    public async ValueTask InitializeAsync() => _publisher = await OpenAsync(Partitions);

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private async Task ReopenAsync()
    {
        await CloseAsync();
        _publisher = await OpenAsync(Partitions);
    }

    private Task<PublishResult[]> PublishAsync(params OutgoingRecord[] records) =>
        _publisher.PublishAsync(records, TestContext.Current.CancellationToken);

    [Fact]
    public void An_empty_log_begins_and_ends_at_0()
    {
        for (var i = 0; i < Partitions; i++)
        {
            Assert.Equal(0, LogOf(i).BeginOffset);
            Assert.Equal(0, LogOf(i).EndOffset);
            Assert.Empty(TopicFolder.Read(LogOf(i)));
            Assert.False(LogOf(i).TryFingerprint(0, out _));
        }
        Assert.Equal(0UL, _publisher.GreatestStampedEventId);
        Assert.Equal(Partitions, _publisher.PartitionCount);
    }

    [Fact]
    public async Task Publishing_nothing_answers_nothing() => Assert.Empty(await PublishAsync());

    [Fact]
    public async Task Records_of_one_call_keep_their_order_in_each_partition_and_get_dense_offsets()
    {
        OutgoingRecord[] records = [.. Enumerable.Range(0, 90).Select(i => TopicFolder.Record($"v{i}", i % Partitions))];
        var results = await PublishAsync(records);
        Assert.All(results, (result, i) => Assert.Equal(new PublishResult(i / Partitions, null), result));
        for (var p = 0; p < Partitions; p++)
            Assert.Equal(Enumerable.Range(0, 30).Select(i => $"v{i * Partitions + p}"), TopicFolder.Read(LogOf(p)));
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_reopening_and_the_log_goes_on()
    {
        var identity = _publisher.TopicIdentity;
        await PublishAsync(TopicFolder.Records(0, 50));
        await ReopenAsync();
        Assert.Equal(identity, _publisher.TopicIdentity);
        Assert.Equal(50, LogOf(0).EndOffset);
        Assert.Equal(50, Assert.Single(await PublishAsync(TopicFolder.Record("v50"))).Offset);
        await ReopenAsync();
        Assert.Equal(TopicFolder.Texts(0, 51), TopicFolder.Read(LogOf(0)));
    }

    [Fact]
    public async Task Many_publishers_at_once_lose_and_repeat_nothing()
    {
        const int publishers = 16, calls = 40, perCall = 5;
        await Task.WhenAll(Enumerable.Range(0, publishers).Select(publisher => Task.Run(async () =>
        {
            for (var call = 0; call < calls; call++)
            {
                OutgoingRecord[] records = [.. Enumerable.Range(0, perCall)
                    .Select(i => TopicFolder.Record($"{publisher}/{call * perCall + i}"))];
                var results = await PublishAsync(records);
                for (var i = 0; i < perCall; i++)
                {
                    Assert.Null(results[i].Error);
                    if (i > 0) Assert.True(results[i].Offset > results[i - 1].Offset);
                }
            }
        })));
        var read = TopicFolder.Read(LogOf(0));
        Assert.Equal(publishers * calls * perCall, read.Count);
        foreach (var own in read.Select(text => text.Split('/')).GroupBy(parts => parts[0]))
            Assert.Equal(Enumerable.Range(0, calls * perCall), own.Select(parts => int.Parse(parts[1])));
    }

    [Fact]
    public async Task A_reader_starts_at_any_offset_and_refuses_those_outside()
    {
        await PublishAsync(TopicFolder.Records(0, 200));
        for (var from = 0; from <= 200; from++)
            Assert.Equal(TopicFolder.Texts(from, 200 - from), TopicFolder.Read(LogOf(0), from));
        Assert.Throws<ArgumentOutOfRangeException>(() => LogOf(0).OpenReader(201));
        Assert.Throws<ArgumentOutOfRangeException>(() => LogOf(0).OpenReader(-1));
    }

    [Fact]
    public async Task A_reader_at_the_end_sees_what_comes_after()
    {
        using var reader = LogOf(0).OpenReader(0);
        for (var i = 0; i < 100; i++)
        {
            Assert.False(reader.TryRead(out _));
            await PublishAsync(TopicFolder.Record($"v{i}"));
            Assert.True(reader.TryRead(out var record));
            Assert.Equal(i, record.Offset);
            Assert.Equal($"v{i}", Encoding.UTF8.GetString(record.Value));
        }
    }

    [Fact]
    public async Task The_log_tells_when_it_grew()
    {
        var seen = new List<long>();
        var log = LogOf(1);
        log.OnGrown = () => seen.Add(log.EndOffset);
        await PublishAsync(TopicFolder.Record("a", 1));
        await PublishAsync(TopicFolder.Record("b", 1));
        Assert.Equal([1, 2], seen);
    }

    [Fact]
    public async Task The_append_time_never_decreases()
    {
        for (var i = 0; i < 20; i++) await PublishAsync(TopicFolder.Record($"v{i}"));
        using var reader = LogOf(0).OpenReader(0);
        var last = 1L;
        while (reader.TryRead(out var record))
        {
            Assert.True(record.AppendedUnixMs >= last);
            last = record.AppendedUnixMs;
        }
    }

    [Fact]
    public async Task The_greatest_stamped_event_id_outlives_reopening()
    {
        await PublishAsync(TopicFolder.Record("a", 0, 7), TopicFolder.Record("b", 2, ulong.MaxValue >> 1), TopicFolder.Record("c", 1, 9));
        await PublishAsync(TopicFolder.Record("d", 2, 3));
        Assert.Equal(ulong.MaxValue >> 1, _publisher.GreatestStampedEventId);
        await ReopenAsync();
        Assert.Equal(ulong.MaxValue >> 1, _publisher.GreatestStampedEventId);
    }

    [Fact]
    public async Task A_fingerprint_stays_and_tells_records_apart()
    {
        await PublishAsync(TopicFolder.Record("a"), TopicFolder.Record("b"), TopicFolder.Record("a"));
        Assert.True(LogOf(0).TryFingerprint(0, out var first));
        Assert.True(LogOf(0).TryFingerprint(1, out var second));
        Assert.True(LogOf(0).TryFingerprint(2, out var third));
        Assert.NotEqual(first.Hash, second.Hash);
        Assert.Equal(first, third); // same record, same append time
        Assert.False(LogOf(0).TryFingerprint(3, out _));
        Assert.False(LogOf(0).TryFingerprint(-1, out _));
        await ReopenAsync();
        Assert.True(LogOf(0).TryFingerprint(0, out var again));
        Assert.Equal(first, again);
    }

    [Fact]
    public async Task An_invalid_record_fails_alone()
    {
        var results = await PublishAsync(TopicFolder.Record("v0"), TopicFolder.Record("x", padding: 1 << 21),
            TopicFolder.Record("y", Partitions), TopicFolder.Record("z", -1), TopicFolder.Record("v1"));
        Assert.Equal([0, -1, -1, -1, 1], results.Select(result => result.Offset));
        Assert.IsType<LogRecordTooLargeException>(results[1].Error);
        Assert.IsType<ArgumentOutOfRangeException>(results[2].Error);
        Assert.IsType<ArgumentOutOfRangeException>(results[3].Error);
        Assert.Equal(["v0", "v1"], TopicFolder.Read(LogOf(0)));
    }

    [Fact]
    public async Task Empty_keys_and_values_are_records_too()
    {
        await PublishAsync(new OutgoingRecord(0, default, default, 0), TopicFolder.Record("v1"));
        using var reader = LogOf(0).OpenReader(0);
        Assert.True(reader.TryRead(out var record));
        Assert.True(record.Key.IsEmpty && record.Value.IsEmpty);
        Assert.True(reader.TryRead(out record));
        Assert.Equal("v1", Encoding.UTF8.GetString(record.Value));
    }
}
