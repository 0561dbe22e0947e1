using System.Text;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using ReadStateStream.Harness;
using ReadStateStream.Kafka;
using ReadStateStream.Partition.Log;
using ReadStateStream.Snapshot;
using Xunit;

namespace ReadStateStream.KafkaTests;

/// <summary>The log port on a real broker.</summary>
public class KafkaLogTests(Broker broker)
{
    [Fact]
    public async Task What_is_published_is_read_in_order_from_any_offset_on()
    {
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, 2);
        var values = Enumerable.Range(0, 500).Select(static i => $"value {i}").ToArray();
        Assert.Equal(Enumerable.Range(0, 500).Select(static i => (long)i), await topic.PublishAsync(1, values));
        topic.Join();
        var log = await topic.LogAsync(1);
        log.Refresh();
        Assert.Equal((0, 500), (log.BeginOffset, log.EndOffset));
        foreach (var from in new[] { 0L, 1, 250, 499, 500 })
        {
            using var reader = log.OpenReader(from);
            Assert.Equal(from, reader.NextOffset);
            Assert.Equal(values[(int)from..], await ReadAsync(reader, log, 500));
            Assert.Equal(500, reader.NextOffset);
        }
        using var more = log.OpenReader(500);
        await topic.PublishAsync(1, "later");
        Assert.Equal(["later"], await ReadAsync(more, log, 501));
        Assert.Throws<ArgumentOutOfRangeException>(() => log.OpenReader(502));
        Assert.True(log.IsOwned);
    }

    [Fact]
    public async Task A_fingerprint_is_of_the_record_at_its_offset_and_of_none_beyond()
    {
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, 1);
        await topic.PublishAsync(0, "a", "b", "b");
        topic.Join();
        var log = await topic.LogAsync(0);
        var all = Enumerable.Range(0, 3).Select(offset => Fingerprint(log, offset)).ToList();
        Assert.Equal(all, Enumerable.Range(0, 3).Select(offset => Fingerprint(log, offset)));
        Assert.NotEqual(all[0], all[1]);
        Assert.False(log.TryFingerprint(3, out _));
        Assert.False(log.TryFingerprint(-1, out _));
    }

    [Fact]
    public async Task What_a_transaction_leaves_is_passed_over_and_what_it_gave_up_is_never_read()
    {
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, 1);
        using (var producer = new ProducerBuilder<string, string>(new ProducerConfig(topic.Client) { TransactionalId = topic.Name }).Build())
        {
            producer.InitTransactions(OwnTopic.Patience);
            foreach (var (values, keeps) in new (string[], bool)[] { (["a", "b"], true), (["given up", "too"], false), (["c"], true) })
            {
                producer.BeginTransaction();
                foreach (var value in values) await producer.ProduceAsync(new TopicPartition(topic.Name, 0), new Message<string, string> { Key = "1", Value = value });
                if (keeps) producer.CommitTransaction();
                else producer.AbortTransaction();
            }
        }
        topic.Join();
        var log = await topic.LogAsync(0);
        log.Refresh();
        // a b | commit | 2 given up | abort | c | commit.
        Assert.Equal(8, log.EndOffset);
        using var reader = log.OpenReader(0);
        Assert.Equal(["a", "b", "c"], await ReadAsync(reader, log, 8));
        Assert.Equal((8, 8), (reader.NextOffset, log.EndOffset));
        // The position below the end is no record's: it is told by the last one before.
        Assert.Equal(Fingerprint(log, 6), Fingerprint(log, 7));
        Assert.Equal(Fingerprint(log, 1), Fingerprint(log, 5));
        Assert.NotEqual(Fingerprint(log, 1), Fingerprint(log, 6));
    }

    [Fact]
    public async Task Records_of_transactions_that_end_while_it_reads_are_all_read()
    {
        const int transactions = 40;
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, 1);
        topic.Join();
        var log = await topic.LogAsync(0);
        log.Refresh();
        using var reader = log.OpenReader(0);
        var writing = Task.Run(async () =>
        {
            using var producer = new ProducerBuilder<string, string>(new ProducerConfig(topic.Client) { TransactionalId = topic.Name }).Build();
            producer.InitTransactions(OwnTopic.Patience);
            for (var i = 0; i < transactions; i++)
            {
                producer.BeginTransaction();
                await producer.ProduceAsync(new TopicPartition(topic.Name, 0), new Message<string, string> { Key = "1", Value = $"{i}" });
                producer.CommitTransaction();
            }
        });
        // Each record is followed by the end of its transaction.
        Assert.Equal(Enumerable.Range(0, transactions).Select(static i => $"{i}"), await ReadAsync(reader, log, 2 * transactions));
        await writing;
    }

    [Fact]
    public async Task A_position_that_retention_has_passed_is_an_error_of_the_reader_not_a_jump()
    {
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, 1);
        await topic.PublishAsync(0, [.. Enumerable.Range(0, 20).Select(static i => $"{i}")]);
        topic.Join();
        var log = await topic.LogAsync(0);
        log.Refresh();
        using (var admin = new AdminClientBuilder(topic.Client).Build())
            await admin.DeleteRecordsAsync([new TopicPartitionOffset(topic.Name, 0, 10)]);
        // What the log knew before: the broker's word decides.
        using var reader = log.OpenReader(5);
        await Assert.ThrowsAsync<LogForkedAtReadException>(() => ReadAsync(reader, log, 20));
        log.Refresh();
        Assert.Equal((10, 20), (log.BeginOffset, log.EndOffset));
        Assert.False(log.TryFingerprint(9, out _));
        using var next = log.OpenReader(10);
        Assert.Equal(10, (await ReadAsync(next, log, 20)).Count);
    }

    [Fact]
    public async Task Nothing_is_read_of_a_partition_that_was_taken_away_and_the_next_member_gets_it()
    {
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, 1);
        await topic.PublishAsync(0, "a", "b");
        topic.Join();
        var log = await topic.LogAsync(0);
        log.Refresh();
        using var reader = log.OpenReader(0);
        await Wait.UntilAsync(() => Task.FromResult(reader.TryRead(out _)), OwnTopic.Patience, static () => "it does not come");
        topic.Forget(0);
        topic.Leave();
        Assert.Equal([0], topic.Taken);
        Assert.False(log.IsOwned);
        Assert.False(reader.TryRead(out _));
        topic.Join();
        var again = await topic.LogAsync(0);
        again.Refresh();
        using var second = again.OpenReader(1);
        Assert.Equal(["b"], await ReadAsync(second, again, 2));
    }

    [Fact]
    public async Task A_reader_that_is_slow_holds_up_no_other_partition_and_loses_nothing()
    {
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, 2);
        // Longer than a ring.
        var values = Enumerable.Range(0, 9_000).Select(static i => $"{i} {new string('x', 1_000)}").ToArray();
        foreach (var some in values.Chunk(1_000)) await topic.PublishAsync(0, some);
        await topic.PublishAsync(1, "quick");
        topic.Join();
        var (slow, quick) = (await topic.LogAsync(0), await topic.LogAsync(1));
        slow.Refresh();
        quick.Refresh();
        using var waiting = slow.OpenReader(0);
        using var other = quick.OpenReader(0);
        Assert.Equal(["quick"], await ReadAsync(other, quick, 1));
        await Wait.ForAsync(TimeSpan.FromSeconds(1), default);
        await topic.PublishAsync(1, "again");
        Assert.Equal(["again"], await ReadAsync(other, quick, 2));
        Assert.Equal(values, await ReadAsync(waiting, slow, values.Length));
    }

    [Fact]
    public async Task Headers_come_along()
    {
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, 1);
        using (var producer = new ProducerBuilder<byte[], byte[]>(topic.Client).Build())
        {
            var headers = new Headers { { "traceparent", "00-1"u8.ToArray() }, { "none", null } };
            await producer.ProduceAsync(new TopicPartition(topic.Name, 0), new Message<byte[], byte[]> { Key = [1], Value = [2], Headers = headers });
        }
        topic.Join();
        var log = await topic.LogAsync(0);
        log.Refresh();
        using var reader = log.OpenReader(0);
        byte[]? headersRead = null;
        await Wait.UntilAsync(() => Task.FromResult(TryRead(reader, out headersRead)), OwnTopic.Patience, static () => "it does not come");
        var read = RecordHeaders.Read(headersRead!).ToList();
        Assert.Equal(["traceparent", "none"], read.Select(static header => header.Name));
        Assert.Equal("00-1", Encoding.UTF8.GetString(read[0].Value!));
        Assert.Null(read[1].Value);
    }

    private static RecordFingerprint Fingerprint(KafkaLog log, long offset)
    {
        Assert.True(log.TryFingerprint(offset, out var fingerprint), $"offset {offset}");
        return fingerprint;
    }

    private static bool TryRead(IEventLogReader reader, out byte[]? headers)
    {
        var isRead = reader.TryRead(out var record);
        headers = isRead ? record.Headers.ToArray() : null;
        return isRead;
    }

    /// <summary>Values up to where the reader stands at an offset.</summary>
    private static async Task<List<string>> ReadAsync(IEventLogReader reader, KafkaLog log, long until)
    {
        List<string> read = [];
        await Wait.UntilAsync(() =>
        {
            while (reader.TryRead(out var record)) read.Add(Encoding.UTF8.GetString(record.Value));
            return Task.FromResult(reader.NextOffset >= until);
        }, OwnTopic.Patience, () => $"at {reader.NextOffset} of {until}, the log ends at {log.EndOffset}; {read.Count} records read");
        return read;
    }
}
