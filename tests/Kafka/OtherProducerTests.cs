using System.Text.Json;
using Confluent.Kafka;
using ReadStateStream.Harness;
using Xunit;

namespace ReadStateStream.KafkaTests;

/// <summary>Producers that are not ours put the golden records where the contract says.</summary>
public class OtherProducerTests(Broker broker)
{
    private sealed record Golden(string Key, byte[] Value, Dictionary<string, int> Partitions);

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    [Theory]
    [InlineData(8)]
    [InlineData(12)]
    [InlineData(96)]
    public async Task Javas_client_by_its_defaults(int partitions)
    {
        var jars = Path.Combine(Checkout.Shared, "servers", "kafka-jars");
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, partitions);
        Assert.SkipUnless(Directory.Exists(jars), "SHARED has no servers/kafka-jars");
        var golden = ReadGolden();
        var lines = Path.GetTempFileName();
        try
        {
            await File.WriteAllLinesAsync(lines, golden.Select(static one => $"{one.Key}\t{Convert.ToBase64String(one.Value)}"));
            var source = Path.Combine(Checkout.Root, "tests", "Kafka", "java", "GoldenProducer.java");
            var said = await ExternalProgram.RunAsync("java", ["-cp", Path.Combine(jars, "*"), source, broker.Bootstrap, topic.Name, lines]);
            var put = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static line => line.All(char.IsAsciiDigit)).Select(int.Parse).ToList();
            Assert.Equal(golden.Select(one => one.Partitions[$"{partitions}"]), put);
        }
        finally
        {
            File.Delete(lines);
        }
    }

    [Fact]
    public async Task Librdkafkas_by_its_murmur2_and_not_by_its_default()
    {
        const int partitions = 96;
        await using var topic = await OwnTopic.CreateAsync(broker.Bootstrap, partitions);
        var golden = ReadGolden();
        async Task<List<int>> PutAsync(Partitioner? partitioner)
        {
            using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig(topic.Client) { Partitioner = partitioner }).Build();
            var put = new List<int>();
            foreach (var one in golden) put.Add((await producer.ProduceAsync(topic.Name, new Message<string, byte[]> { Key = one.Key, Value = one.Value })).Partition.Value);
            return put;
        }
        var right = golden.Select(static one => one.Partitions["96"]).ToList();
        Assert.Equal(right, await PutAsync(Partitioner.Murmur2Random));
        // What docs/publishing.md warns of.
        Assert.NotEqual(right, await PutAsync(null));
    }

    private static List<Golden> ReadGolden() =>
        // Control records name their partition outright.
        [.. File.ReadLines(Path.Combine(Checkout.Root, "schemas", "golden.jsonl")).Select(line => JsonSerializer.Deserialize<Golden>(line, Options)!).Where(static one => !one.Key.StartsWith('#'))];
}
