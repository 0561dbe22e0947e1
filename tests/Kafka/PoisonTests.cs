using System.Text;
using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Google.Protobuf;
using ReadStateStream.Harness;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.KafkaTests;

/// <summary>Records that cannot be folded, through real processes: each is a dead letter with its reason, and counts stay exact.</summary>
public class PoisonTests(Broker broker)
{
    private const int Partitions = 4;
    private const ulong Channel = 7;
    private readonly EventIds ids = new(TimeProvider.System);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Poison_becomes_dead_letters_with_reasons_and_the_partition_goes_on()
    {
        var settings = new Dictionary<string, string> { ["Processor__Partitions"] = $"{Partitions}", ["Kafka__SessionTimeoutMs"] = "6000" };
        await using var product = await ProductProcess.StartAsync(new ProductOptions { KafkaBootstrap = broker.Bootstrap, ProcessorSettings = settings });
        using var http = new HttpClient();
        using var producer = new ProducerBuilder<byte[], byte[]>(new ProducerConfig
        {
            BootstrapServers = broker.Bootstrap, MessageMaxBytes = 10_000_000, Partitioner = Confluent.Kafka.Partitioner.Murmur2Random,
        }).Build();
        await AllowLongRecordsAsync(product.Topic);
        var home = ReadStateStream.Schemas.Partitioner.PartitionOf(Channel, Partitions);
        await SendAsync(producer, product.Topic, home, Channel, Created());
        await SendAsync(producer, product.Topic, home, Channel, Sent(1));

        var elsewhere = (home + 1) % Partitions;
        var truncated = Sent(2).ToByteArray()[..^2];
        (int Partition, byte[] Key, byte[] Value, string Code)[] poison =
        [
            (home, Key(Channel), [0xff, 0x13, 0x37, 0x99], "InvalidWireType"),
            (home, Key(Channel), truncated, "Truncated"),
            (home, Key(Channel), [0x08, 0x01, 0xaa, 0x06, 0x02, 0x08, 0x01], "UnknownFact"),
            (elsewhere, Key(Channel), Sent(3).ToByteArray(), "PartitionOfAnother"),
            (home, Key(8), Sent(4).ToByteArray(), "KeyOfAnother"),
            (home, Key(Channel), Ahead().ToByteArray(), "AheadOfAppend"),
            (home, Key(Channel), new byte[5_000_000], "InvalidTag"),
        ];
        List<(int Partition, long Offset, string Code)> expected = [];
        foreach (var (partition, key, value, code) in poison)
        {
            var headers = new Headers { { "traceparent", "00-abc"u8.ToArray() } };
            var result = await producer.ProduceAsync(new TopicPartition(product.Topic, partition), new Message<byte[], byte[]> { Key = key, Value = value, Headers = headers });
            expected.Add((partition, result.Offset.Value, code));
        }
        await SendAsync(producer, product.Topic, home, Channel, Sent(5));

        await UntilAsync(http, product, unread: 2, incomplete: poison.Length);
        var letters = await LettersAsync(product.Topic);
        Assert.Equal(
            expected.Order().ToList(),
            [.. letters.Select(static one => (int.Parse(one.About["partition"]), long.Parse(one.About["offset"]), one.About["exception"])).Distinct().Order()]);
        foreach (var (partition, offset, _) in expected)
        {
            var letter = letters.First(one => one.About["partition"] == $"{partition}" && one.About["offset"] == $"{offset}");
            var source = poison[expected.FindIndex(one => one.Offset == offset && one.Partition == partition)];
            Assert.Equal(source.Key, letter.Key);
            Assert.Equal(source.Value, letter.Value);
            Assert.Equal("00-abc", letter.Trace);
            Assert.Equal(product.Topic, letter.About["topic"]);
            Assert.NotEmpty(letter.About["message"]);
        }

        // The log knows what became of them: a replay counts the same.
        var (waived, moved) = (expected[0], expected[3]);
        Assert.Contains("would publish", await VerbAsync(product, 0, "dlq", "waive", $"{waived.Partition}", $"{waived.Offset}", "--reason", "a test"));
        await VerbAsync(product, 0, "dlq", "waive", $"{waived.Partition}", $"{waived.Offset}", "--reason", "a test", "--yes");
        Assert.Contains("--force", await VerbAsync(product, 2, "dlq", "redrive", $"{moved.Partition}", $"{moved.Offset}", "--yes"));
        await VerbAsync(product, 0, "dlq", "redrive", $"{moved.Partition}", $"{moved.Offset}", "--yes", "--force");
        Assert.Contains("cannot decode", await VerbAsync(product, 2, "dlq", "redrive", $"{expected[1].Partition}", $"{expected[1].Offset}", "--yes"));
        await UntilAsync(http, product, unread: 3, incomplete: poison.Length - 2);
        product.KillProcessor();
        Directory.Delete(Path.Combine(product.DataFolder, "store"), recursive: true);
        await product.StartProcessorAsync();
        await UntilAsync(http, product, unread: 3, incomplete: poison.Length - 2);
        var listed = await VerbAsync(product, 0, "dlq", "list", "--all");
        Assert.Contains($"{poison.Length - 2} outstanding of {poison.Length}", listed);
        Assert.Contains("waived: a test", listed);
    }

    private ChannelEvent Created() => new()
    {
        EventId = ids.Next(), ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = ChannelKind.Guild, MemberIds = { 1, 2 } },
    };

    private ChannelEvent Sent(ulong message) => new()
    {
        EventId = ids.Next(), MessageSent = new MessageSent { ChannelId = Channel, MessageId = message, AuthorId = 2 },
    };

    private static ChannelEvent Ahead() => new() { EventId = long.MaxValue, MessageSent = new MessageSent { ChannelId = Channel, MessageId = 99, AuthorId = 2 } };

    private static byte[] Key(ulong id) => Encoding.ASCII.GetBytes($"{id}");

    private static async Task SendAsync(IProducer<byte[], byte[]> producer, string topic, int partition, ulong key, ChannelEvent e) =>
        await producer.ProduceAsync(new TopicPartition(topic, partition), new Message<byte[], byte[]> { Key = Key(key), Value = e.ToByteArray() });

    private async Task AllowLongRecordsAsync(string topic)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.Bootstrap }).Build();
        await admin.AlterConfigsAsync(new Dictionary<ConfigResource, List<ConfigEntry>>
        {
            [new ConfigResource { Type = ResourceType.Topic, Name = topic }] =
            [
                new ConfigEntry { Name = "max.message.bytes", Value = "8000000" }, new ConfigEntry { Name = "message.timestamp.type", Value = "LogAppendTime" },
            ],
        });
    }

    private static async Task UntilAsync(HttpClient http, ProductProcess product, int unread, int incomplete)
    {
        var last = "";
        await Wait.UntilAsync(async () =>
        {
            using var answer = await http.GetAsync(new Uri(product.Api, $"/v1/users/1/channels/{Channel}"));
            last = await answer.Content.ReadAsStringAsync();
            if (!answer.IsSuccessStatusCode) return false;
            var state = JsonSerializer.Deserialize<JsonElement>(last);
            var freshness = state.GetProperty("freshness");
            return state.GetProperty("member").GetBoolean() && state.GetProperty("counts").GetProperty("unread").GetInt32() == unread
                && freshness.GetProperty("incomplete").GetInt32() == incomplete && freshness.GetProperty("source").GetString() == "live";
        }, Patience, () => $"expected {unread} unread, {incomplete} incomplete; the last answer was {last}\n{product.Log}");
    }

    private sealed record Letter(byte[] Key, byte[] Value, string Trace, Dictionary<string, string> About);

    private async Task<List<Letter>> LettersAsync(string topic)
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = broker.Bootstrap, GroupId = "dlq-test", EnableAutoCommit = false, EnablePartitionEof = true,
        }).Build();
        consumer.Assign(Enumerable.Range(0, Partitions).Select(partition => new TopicPartitionOffset(topic + ".dlq", partition, Offset.Beginning)));
        List<Letter> letters = [];
        for (var left = Partitions; left > 0;)
        {
            var result = await Task.Run(() => consumer.Consume(Patience)) ?? throw new TimeoutException("the dead letters do not come");
            if (result.IsPartitionEOF)
            {
                left--;
                continue;
            }
            var headers = result.Message.Headers.ToDictionary(static one => one.Key, static one => Encoding.UTF8.GetString(one.GetValueBytes()));
            const string prefix = "__streams.errors.";
            letters.Add(new Letter(
                result.Message.Key, result.Message.Value, headers["traceparent"],
                headers.Where(static one => one.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(static one => one.Key[prefix.Length..], static one => one.Value)));
        }
        return letters;
    }

    private static async Task<string> VerbAsync(ProductProcess product, int code, params string[] arguments)
    {
        var (exit, said) = await product.VerbAsync(arguments);
        Assert.True(exit == code, $"{string.Join(' ', arguments)}: exit code {exit}\n{said}");
        return said;
    }
}
