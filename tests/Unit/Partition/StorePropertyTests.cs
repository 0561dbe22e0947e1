using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition;

/// <summary>The partition equals the oracle on generated logs.</summary>
public class StorePropertyTests(ITestOutputHelper output)
{
    /// <summary>Events folded by each of the two big runs.</summary>
    private static readonly int EventsARun =
        int.Parse(Environment.GetEnvironmentVariable("READSTATE_PROPERTY_EVENTS") ?? "500000", System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public void Small_logs_on_1_8_and_32_partitions_equal_the_oracle()
    {
        for (var seed = 1; seed <= 200; seed++) Check(GeneratedLog.Make(seed, 1 + (seed % 40)), 1);
        for (var seed = 1; seed <= 12; seed++) Check(GeneratedLog.Make(seed, 500), seed % 3 == 0 ? 32 : seed % 3 == 1 ? 8 : 1);
    }

    [Fact]
    public void Half_a_million_events_in_memory_equal_the_oracle() => CheckMany(50_000, tenth: false);

    [Fact]
    public void Half_a_million_events_with_a_tenth_of_the_memory_equal_the_oracle() => CheckMany(60_000, tenth: true);

    private void CheckMany(int firstSeed, bool tenth)
    {
        const int size = 500, logs = 50;
        var counts = new CaseCounts();
        long events = 0, fromDisk = 0, drained = 0, memory = 0, held = 0;
        for (var seed = firstSeed; events < EventsARun; seed += logs)
        {
            var many = new InterleavedLogs(seed, logs, size);
            foreach (var log in many.Logs) counts.Add(log);
            using var product = new PartitionTester(many.Policy.ToOptions(), 1, tenth ? PartitionTester.Tiny() : PartitionTester.Large());
            foreach (var record in many.Events()) product.Append(record);
            product.Run();
            events += product.Partitions[0].Position;
            var figures = product.Figures;
            fromDisk += figures.DiskReads;
            drained += figures.Drained;
            memory = Math.Max(memory, tenth ? PartitionTester.Tiny().LogMemoryBytes : figures.MemoryBytes);
            held = Math.Max(held, product.Figures.LogBytes);
            var difference = many.FirstDifference(product);
            if (difference is not null) Assert.Fail($"InterleavedLogs({seed}, {logs}, {size}): {difference}");
        }
        output.WriteLine(
            $"{events} events folded, 0 differences; {fromDisk} records read from disk, {drained} operations drained; "
            + $"{memory >> 10} KiB of pages, {held >> 10} KiB of records\n{counts}");
        counts.RequireEach();
        if (!tenth) return;
        Assert.True(fromDisk > 0, "no record was read from disk");
        Assert.True(held >= memory * 10, $"memory held more than a tenth: {memory} of {held} bytes");
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
