using System.Net;
using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using ReadStateStream.Harness;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.KafkaTests;

/// <summary>A topic that is not the one that states were computed from: refused with the way out, never a count of something else.</summary>
public sealed class TopicTroubleTests(Broker broker) : IDisposable
{
    private const int Partitions = 2;
    private const ulong Channel = 7, Amy = 1, Bob = 2;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly EventIds ids = new(TimeProvider.System);
    private readonly string folder = Directory.CreateTempSubdirectory("readstate-trouble-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_topic_that_was_deleted_and_made_again_is_refused_until_a_new_lineage_is_begun()
    {
        await using var product = await StartAsync();
        using var client = new ProductClient(product.Ingest, product.Api, TimeProvider.System, Patience);
        await PublishAsync(client, Created(), Sent(1), Sent(2));
        await UntilUnreadAsync(product, 2);
        await product.StopProcessorAsync();
        using (var admin = Admin())
        {
            await admin.DeleteTopicsAsync([product.Topic]);
            await Wait.UntilAsync(
                () => Task.FromResult(!admin.GetMetadata(Patience).Topics.Exists(topic => topic.Topic == product.Topic)), Patience, static () => "the topic stays");
        }
        await product.VerbAsync("topics", "create");
        await product.StartProcessorAsync();
        await UntilSaidAsync(product, "another topic");
        Assert.Contains("lineage create", product.Log);
        await RequireRefusedAsync(product);

        // As long as the former one, and longer: other records all the same.
        await PublishAsync(client, Created(), Sent(11), Sent(12), Sent(13), Sent(14));
        await product.RestartProcessorAsync();
        await UntilSaidAsync(product, "is another");
        await RequireRefusedAsync(product);

        await product.StopProcessorAsync();
        var (code, said) = await product.VerbAsync("lineage", "create");
        Assert.True(code == 0, said);
        await product.StartProcessorAsync();
        await UntilUnreadAsync(product, 4);
    }

    [Fact]
    public async Task A_topic_that_is_made_anew_under_a_running_processor_is_refused_too()
    {
        await using var product = await StartAsync();
        using var client = new ProductClient(product.Ingest, product.Api, TimeProvider.System, Patience);
        await PublishAsync(client, Created(), Sent(1));
        await UntilUnreadAsync(product, 1);
        // Something is kept that the new topic contradicts.
        await UntilSaidAsync(product, $"partition {Schemas.Partitioner.PartitionOf(Channel, Partitions)}: 2 rows shipped", "rows shipped up to position 2");
        using (var admin = Admin()) await admin.DeleteTopicsAsync([product.Topic]);
        await Wait.UntilAsync(async () => (await product.VerbAsync("topics", "create")).Code == 0, Patience, static () => "the topic is not made again");
        await UntilSaidAsync(product, "belongs to another topic", "the log begins", "is another", "no longer has its record", "is another than the one that was applied");
        await RequireRefusedAsync(product);
    }

    [Fact]
    public async Task Retention_past_the_position_is_refused()
    {
        await using var product = await StartAsync();
        using var client = new ProductClient(product.Ingest, product.Api, TimeProvider.System, Patience);
        await PublishAsync(client, Created(), Sent(1));
        await UntilUnreadAsync(product, 1);
        await product.StopProcessorAsync();
        var home = Schemas.Partitioner.PartitionOf(Channel, Partitions);
        using (var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig { BootstrapServers = broker.Bootstrap }).Build())
            for (ulong id = 2; id < 6; id++)
                await producer.ProduceAsync(new TopicPartition(product.Topic, home), new Message<string, byte[]> { Key = $"{Channel}", Value = Google.Protobuf.MessageExtensions.ToByteArray(Sent(id)) });
        using (var admin = Admin()) await admin.DeleteRecordsAsync([new TopicPartitionOffset(product.Topic, home, 4)]);
        await product.StartProcessorAsync();
        await UntilSaidAsync(product, "its log begins at offset 4", "the log begins at 4");
        await RequireRefusedAsync(product);
        Assert.Contains($"Partition {home}: the topic begins at offset 4, above position", product.Log);
    }

    [Fact]
    public async Task Retention_that_drops_records_before_they_are_kept_is_refused_and_longer_is_said()
    {
        await using var product = await StartAsync();
        await product.StopProcessorAsync();
        await KeepAsync(product.Topic, "9999");
        var (code, said) = await product.VerbAsync("topics", "check");
        Assert.Equal(1, code);
        Assert.Contains("refused: the topic keeps its records for 00:00:09.9990000, less than 10 times Checkpoint__IntervalSeconds", said);
        var refused = await Assert.ThrowsAsync<ProductFailedException>(() => product.StartProcessorAsync());
        Assert.Contains("retention.ms", refused.Message);
        await KeepAsync(product.Topic, "10000");
        (code, said) = await product.VerbAsync("topics", "check");
        Assert.Equal(0, code);
        Assert.Contains("warning: ", said);
        await product.StartProcessorAsync();
    }

    private async Task KeepAsync(string topic, string milliseconds)
    {
        using var admin = Admin();
        await admin.AlterConfigsAsync(new Dictionary<ConfigResource, List<ConfigEntry>>
        {
            [new ConfigResource { Type = ResourceType.Topic, Name = topic }] = [new ConfigEntry { Name = "retention.ms", Value = milliseconds }],
        });
    }

    [Fact]
    public async Task Partitions_that_are_added_stop_the_processor_and_its_next_start()
    {
        await using var product = await StartAsync();
        using (var admin = Admin()) await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = product.Topic, IncreaseTo = Partitions + 1 }]);
        Assert.True(await product.WaitForProcessorEndAsync(TimeSpan.FromMinutes(2)), product.Log);
        Assert.Contains("topics republish", product.Log);
        var refused = await Assert.ThrowsAsync<ProductFailedException>(() => product.StartProcessorAsync());
        Assert.Contains($"has {Partitions + 1} partitions", refused.Message);
    }

    [Fact]
    public async Task A_log_that_is_republished_into_more_partitions_counts_the_same()
    {
        await using var product = await StartAsync();
        using var client = new ProductClient(product.Ingest, product.Api, TimeProvider.System, Patience);
        await PublishAsync(client, Created(), Sent(1), Sent(2), Sent(3), new ChannelEvent { EventId = ids.Next(), MessageDeleted = new MessageDeleted { ChannelId = Channel, MessageId = 2 } });
        await UntilUnreadAsync(product, 2);
        await product.StopProcessorAsync();
        var wider = product.Topic + "-wider";
        var (code, said) = await product.VerbAsync("topics", "republish", "--to", wider, "--partitions", "7");
        Assert.True(code == 0, said);
        Assert.Contains("5 records copied", said);
        Assert.Equal(2, (await product.VerbAsync("topics", "republish", "--to", wider, "--partitions", "7")).Code);
        await using var other = await ProductProcess.StartAsync(new ProductOptions
        {
            KafkaBootstrap = broker.Bootstrap, Topic = wider,
            ProcessorSettings = new Dictionary<string, string>(Settings) { ["Processor__Partitions"] = "7", ["Snapshot__Store"] = "none" },
        });
        await UntilUnreadAsync(other, 2);
    }

    // Rows outlive the machine: what they were computed from must be the same log.
    private Dictionary<string, string> Settings => new()
    {
        ["Snapshot__Store"] = "files", ["Snapshot__Folder"] = Path.Combine(folder, "snapshot"),
        ["Processor__Partitions"] = $"{Partitions}", ["Kafka__SessionTimeoutMs"] = "6000", ["Checkpoint__IntervalSeconds"] = "1",
        // Checkpoints and ships are said.
        ["Logging__LogLevel__ReadStateStream"] = "Debug",
    };

    private Task<ProductProcess> StartAsync() => ProductProcess.StartAsync(new ProductOptions { KafkaBootstrap = broker.Bootstrap, ProcessorSettings = Settings });

    private IAdminClient Admin() => new AdminClientBuilder(new AdminClientConfig { BootstrapServers = broker.Bootstrap }).Build();

    private ChannelEvent Created() => new()
    {
        EventId = ids.Next(), ChannelCreated = new ChannelCreated { ChannelId = Channel, Kind = ChannelKind.Guild, MemberIds = { Amy, Bob } },
    };

    private ChannelEvent Sent(ulong id) => new() { EventId = ids.Next(), MessageSent = new MessageSent { ChannelId = Channel, MessageId = id, AuthorId = Bob } };

    private static Task<string> PublishAsync(ProductClient client, params ChannelEvent[] events) => client.PublishAsync(events, json: false, default);

    private static async Task UntilUnreadAsync(ProductProcess product, int unread)
    {
        using var http = new HttpClient();
        var last = "";
        await Wait.UntilAsync(async () =>
        {
            using var answer = await http.GetAsync(new Uri(product.Api, $"/v1/users/{Amy}/channels/{Channel}"));
            last = await answer.Content.ReadAsStringAsync();
            if (!answer.IsSuccessStatusCode) return false;
            var state = JsonSerializer.Deserialize<JsonElement>(last);
            return state.GetProperty("member").GetBoolean() && state.GetProperty("counts").GetProperty("unread").GetInt32() == unread;
        }, Patience, () => $"expected {unread} unread; the last answer was {last}\n{product.Log}");
    }

    private static Task UntilSaidAsync(ProductProcess product, params string[] any) => Wait.UntilAsync(
        () => Task.FromResult(Array.Exists(any, text => product.Log.Contains(text, StringComparison.OrdinalIgnoreCase))), Patience, () => $"none of '{string.Join("', '", any)}' was said\n{product.Log}");

    private static async Task RequireRefusedAsync(ProductProcess product)
    {
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri(product.Api, $"/v1/users/{Amy}/channels/{Channel}"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.NotNull(answer.Headers.RetryAfter);
    }
}
