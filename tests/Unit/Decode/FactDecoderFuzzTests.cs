using System.Globalization;
using Google.Protobuf;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Decode;
using Xunit;

namespace ReadStateStream.Unit.Decode;

/// <summary>
/// The span decoder against generated code. DECODE_FUZZ sets the number of damaged records (200,000),
/// DECODE_SEED the seed.
/// </summary>
public class FactDecoderFuzzTests(ITestOutputHelper output)
{
    private readonly int seed = Setting("DECODE_SEED", 20_261_121);
    private readonly FactLists lists = new();
    private readonly FactLists expectedLists = new();

    [Fact]
    public void Reads_what_generated_code_writes()
    {
        var random = new Random(seed);
        for (var i = 0; i < 30_000; i++)
        {
            var bytes = EventSamples.Any(random, i % EventSamples.Cases).ToByteArray();
            Assert.True(Compare(bytes, i), $"seed {seed}, record {i}");
        }
    }

    [Fact]
    public void Equals_generated_code_on_damaged_records()
    {
        var random = new Random(seed);
        var count = Setting("DECODE_FUZZ", 200_000);
        var decoded = 0;
        var errors = new int[Enum.GetValues<DecodeError>().Length];
        for (var i = 0; i < count; i++)
        {
            var record = EventSamples.Any(random, random.Next(EventSamples.Cases)).ToByteArray();
            var other = EventSamples.Any(random, random.Next(EventSamples.Cases)).ToByteArray();
            if (random.Next(10) == 0) record = [0, 0, 0, 0, 1, .. random.Next(2) == 0 ? new byte[] { 0 } : [2, 0], .. record];
            var bytes = Mutations.Mutate(record, other, random);
            if (Compare(bytes, i)) decoded++;
            errors[(int)lastError]++;
        }
        output.WriteLine($"seed {seed}: {count} damaged records, {decoded} still decode");
        foreach (var error in Enum.GetValues<DecodeError>().Where(e => errors[(int)e] > 0)) output.WriteLine($"  {error} {errors[(int)error]}");
        Assert.True(decoded >= count * 0.3, $"only {decoded} of {count} decode: the test says little");
        for (var error = DecodeError.None; error <= DecodeError.ConfluentMessageIndex; error++)
            Assert.True(errors[(int)error] > 0, $"{error} never happened");
    }

    private DecodeError lastError;

    /// <summary>Both decode, to the same fact, or neither does. True where they do.</summary>
    private bool Compare(byte[] bytes, int i)
    {
        // Lists of other facts lie before: a record must not touch them.
        if (lists.Count > 10_000) lists.Clear();
        var before = lists.Count;
        expectedLists.Clear();
        var fact = new Fact { Offset = i, Channel = 99, Everyone = true, SubKind = 7 };
        var accepted = FactDecoder.TryDecode(bytes, ref fact, lists, out lastError);
        var expectedAccepted = Expected.TryParse(bytes, out var parsed);
        if (accepted != expectedAccepted)
            Assert.Fail($"seed {seed}, record {i}: decoder {lastError}, generated code {(expectedAccepted ? "accepts" : "refuses")}: {Convert.ToHexString(bytes)}");
        Assert.Equal(accepted, lastError == DecodeError.None);
        if (!accepted)
        {
            Assert.Equal(before, lists.Count);
            return false;
        }
        var expected = Expected.FactOf(parsed, expectedLists);
        Assert.True(lists.Of(fact).SequenceEqual(expectedLists.Of(expected)), $"seed {seed}, record {i}: list differs: {Convert.ToHexString(bytes)}");
        Assert.Equal(before, fact.ListStart);
        expected.ListStart = before;
        expected.Offset = i;
        Assert.True(expected.Equals(fact), $"seed {seed}, record {i}: fact differs: {Convert.ToHexString(bytes)}");
        return true;
    }

    private static int Setting(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
