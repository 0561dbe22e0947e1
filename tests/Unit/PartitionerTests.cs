using ReadStateStream.Schemas;
using Xunit;

namespace ReadStateStream.Unit;

public class PartitionerTests
{
    // Values of Kafka's own UtilsTest.testMurmur2.
    [Theory]
    [InlineData("21", -973932308)]
    [InlineData("foobar", -790332482)]
    [InlineData("a-little-bit-long-string", -985981536)]
    [InlineData("a-little-bit-longer-string", -1486304829)]
    [InlineData("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971)]
    [InlineData("abc", 479470107)]
    public void Murmur2_equals_the_Java_clients(string key, int expected) =>
        Assert.Equal(expected, (int)Partitioner.Murmur2(System.Text.Encoding.UTF8.GetBytes(key)));
}
