using Confluent.Kafka;
using Google.Protobuf;
using ReadStateStream.Harness;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.KafkaTests;

/// <summary><c>processor verify</c> recounts a topic as it recounts the embedded log.</summary>
public sealed class VerifyTests(Broker broker)
{
    private const int Partitions = 2;
    private const ulong Channel = 7, Amy = 1, Bob = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly EventIds ids = new(TimeProvider.System);

    [Fact]
    public async Task A_topic_with_transactions_and_a_dead_letter_is_recounted_and_a_difference_is_named()
    {
        await using var product = await ProductProcess.StartAsync(new ProductOptions
        {
            KafkaBootstrap = broker.Bootstrap,
            ProcessorSettings = new Dictionary<string, string>
            {
                ["Processor__Partitions"] = $"{Partitions}", ["Kafka__SessionTimeoutMs"] = "6000", ["Checkpoint__IntervalSeconds"] = "1",
            },
        });
        using var client = new ProductClient(product.Ingest, product.Api, TimeProvider.System, Patience);
        await client.PublishAsync(
            [
                new ChannelEvent { EventId = ids.Next(), ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = ChannelKind.Guild, MemberIds = { Amy, Bob } } },
                Sent(1),
            ], json: false, default);
        var home = Schemas.Partitioner.PartitionOf(Channel, Partitions);
        await ProduceAsync(product.Topic, home, [Sent(2).ToByteArray()], keeps: true);
        await ProduceAsync(product.Topic, home, [Sent(3).ToByteArray()], keeps: false);
        await ProduceAsync(product.Topic, home, [Sent(4).ToByteArray(), [0xff, 0x13]], keeps: true);
        using var http = new HttpClient();
        await Wait.UntilAsync(async () =>
        {
            using var answer = await http.GetAsync(new Uri(product.Api, $"/v1/users/{Amy}/channels/{Channel}"));
            return (await answer.Content.ReadAsStringAsync()).Contains("\"unread\":3", StringComparison.Ordinal);
        }, Patience, () => product.Log, TimeSpan.FromMilliseconds(50));
        foreach (var verb in (string[][])[["verify"], ["lineage", "drop", "256", "--yes", "--force"]])
        {
            var (refused, why) = await product.VerbAsync(verb);
            Assert.Equal(1, refused);
            Assert.Contains("is open in another process", why);
        }
        await product.StopProcessorAsync();

        var (code, said) = await product.VerbAsync("verify");
        Assert.True(code == 0, said);
        // Two of the first batch, three that were committed, one given up; a control record after each of three transactions.
        Assert.Matches($"partition {home}: a start begins with the checkpoint at position [0-9] and replays [0-9] of 9 events", said);
        Assert.Contains("records, all equal to the recount", said);

        // Counted under another policy than the state was.
        (code, said) = await product.VerbAsync("verify", "--partition", $"{home}", "--lineage", "256", "--set", "Policy__OwnSendAcks=false");
        Assert.Equal(1, code);
        Assert.Contains("DIFFER", said);
    }

    private ChannelEvent Sent(ulong id) => new() { EventId = ids.Next(), MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = Bob } };

    private async Task ProduceAsync(string topic, int partition, byte[][] values, bool keeps)
    {
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = broker.Bootstrap, TransactionalId = $"{topic}-{keeps}" }).Build();
        producer.InitTransactions(Patience);
        producer.BeginTransaction();
        foreach (var value in values)
            await producer.ProduceAsync(new TopicPartition(topic, partition), new Message<string, byte[]> { Key = $"{Channel}", Value = value });
        if (keeps) producer.CommitTransaction();
        else producer.AbortTransaction();
    }
}
