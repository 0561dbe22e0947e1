using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>The partition equals the oracle on generated logs.</summary>
public class StorePropertyTests(ITestOutputHelper output)
{
    [Fact]
    public void Small_logs_equal_the_oracle()
    {
        for (var seed = 1; seed <= 200; seed++) Check(GeneratedLog.Make(seed, 1 + (seed % 40)), 1);
        for (var seed = 1; seed <= 60; seed++) Check(GeneratedLog.Make(seed, 500), seed % 3 == 0 ? 8 : 1);
        output.WriteLine("260 logs equal");
    }

    private static void Check(GeneratedLog log, int partitions)
    {
        using var product = new PartitionTester(log.Policy.ToOptions(), partitions);
        foreach (var record in log.Facts) product.Append(record);
        product.Run();
        var difference = OracleComparison.FirstDifference(product, log.Oracle(partitions));
        if (difference is not null) Assert.Fail($"{difference}\n{log}");
    }
}
