using System.Globalization;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;
using Xunit;

namespace ReadStateStream.Unit.Decode;

/// <summary>
/// schemas/golden.jsonl holds events as JSON and as bytes, with key and partition, written by neither this code
/// nor generated code: a change of the contract or the partitioner that would break old records fails here.
/// </summary>
public class GoldenTests
{
    private sealed record Line(string Name, string Key, JsonElement Event, byte[] Value, Dictionary<string, int> Partitions, bool Canonical = true);

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    private static readonly Line[] Lines =
        [.. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "golden.jsonl")).Select(line => JsonSerializer.Deserialize<Line>(line, Options)!)];

    public static TheoryData<string> Names => [.. Lines.Select(line => line.Name)];

    [Fact]
    public void Covers_every_case()
    {
        var cases = Lines.Select(line => Parse(line).FactCase).ToHashSet();
        Assert.Superset(Enum.GetValues<ChannelEvent.FactOneofCase>().Except([ChannelEvent.FactOneofCase.None]).ToHashSet(), cases);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Generated_code_agrees(string name)
    {
        var line = Lines.Single(l => l.Name == name);
        var expected = JsonParser.Default.Parse<ChannelEvent>(line.Event.GetRawText());
        Assert.True(Expected.TryParse(line.Value, out var parsed));
        Assert.Equal(expected, parsed);
        if (line.Canonical) Assert.Equal(line.Value, expected.ToByteArray());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_decoder_reads_it_and_the_contract_allows_it(string name)
    {
        var line = Lines.Single(l => l.Name == name);
        var lists = new FactLists();
        var fact = new Fact();
        Assert.True(FactDecoder.TryDecode(line.Value, ref fact, lists, out _));
        Assert.Equal(DecodeError.None, FactContract.Check(fact, lists));
        var expectedLists = new FactLists();
        var expected = Expected.FactOf(Parse(line), expectedLists);
        Assert.Equal(expected, fact);
        Assert.Equal(expectedLists.Of(expected), lists.Of(fact));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_key_is_the_contracts_and_its_partition_stands(string name)
    {
        var line = Lines.Single(l => l.Name == name);
        var lists = new FactLists();
        var fact = Expected.FactOf(Parse(line), lists);
        foreach (var (count, partition) in line.Partitions)
        {
            var partitions = int.Parse(count, CultureInfo.InvariantCulture);
            if (fact.Kind is FactKind.DeadLetterResolved or FactKind.DeadLetterWaived)
            {
                Assert.Equal($"#{fact.Partition}", line.Key);
                Assert.Equal(fact.Partition, partition);
                continue;
            }
            var id = fact.Kind == FactKind.UserBlocked ? fact.User : fact.Channel;
            Assert.Equal(id.ToString(CultureInfo.InvariantCulture), line.Key);
            Assert.Equal(partition, Partitioner.PartitionOf(Encoding.UTF8.GetBytes(line.Key), partitions));
            Assert.Equal(partition, Partitioner.PartitionOf(id, partitions));
        }
        Assert.Equal(["8", "12", "96"], line.Partitions.Keys);
    }

    private static ChannelEvent Parse(Line line) => JsonParser.Default.Parse<ChannelEvent>(line.Event.GetRawText());
}
