using ReadStateStream.Contracts.Snapshot;
using ReadStateStream.Snapshot.Files;
using Xunit;
using static ReadStateStream.Contracts.Snapshot.SnapshotSamples;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>The `files` store keeps the contract, with sizes that make it spill and merge.</summary>
public sealed class FilesSnapshotStoreTests : SnapshotStoreContract
{
    private readonly SnapshotFolder _folder = new();

    protected override ISnapshotStore Open() => _folder.Open(static options => options with { Inline = false, SortBytes = 64 << 10 });

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    private static async Task<SnapshotPartition> PartitionAsync(FilesSnapshotStore store) => new((await store.ListLineagesAsync(Token))[0].Number, 1);

    [Fact]
    public async Task Writers_that_race_for_each_catalog_lose_nothing()
    {
        var log = new SnapshotLog(new Random(8), 300, 50);
        await using var store = _folder.Open();
        var partition = await PartitionAsync(store);
        var completed = await Task.WhenAll(Enumerable.Range(0, 4).Select(seed => Task.Run(() => RaceAsync(log, partition, seed))));
        Assert.All(completed, static ships => Assert.True(ships > 0));
        Assert.Equal(log.Length, (await store.ReadProgressAsync(partition, Token)).Shipped!.Value.Position);
        Assert.Equal(Describe(log.At(log.Length)), await store.DescribeAsync(partition));
    }

    private async Task<int> RaceAsync(SnapshotLog log, SnapshotPartition partition, int seed)
    {
        var random = new Random(seed);
        await using var store = _folder.Open();
        for (var ships = 0; ;)
        {
            var since = (await store.ReadProgressAsync(partition, Token)).Shipped?.Position ?? 0;
            if (since == log.Length && ships > 0) return ships;
            var target = Math.Min(log.Length, since + random.Next(1, 12));
            try
            {
                await store.ShipAsync(partition, since, target, log.Between(since, target));
                ships++;
                Assert.True((await store.ReadProgressAsync(partition, Token)).Shipped!.Value.Position >= target);
            }
            catch (SnapshotUnavailableException)
            {
                // Overtaken so often that the ship was dismissed.
            }
        }
    }

    /// <summary>All tombstones of a ship have one offset and no bytes: while they are sorted, one is also compared with itself.</summary>
    [Theory]
    [InlineData(64 << 10)]
    [InlineData(16 << 20)]
    public async Task A_ship_of_tombstones_alone_is_sorted(int sortBytes)
    {
        await using var store = _folder.Open(options => options with { SortBytes = sortBytes });
        var partition = await PartitionAsync(store);
        var users = Enumerable.Range(1, 5_000).Select(static user => (ulong)user).ToArray();
        await store.ShipAsync(partition, 0, 10, [.. users.Select(static user => State(user, 7, 3))]);
        new Random(10).Shuffle(users);
        await store.ShipAsync(partition, 10, 20, [.. users.Select(static user => State(user, 7, 3).Dropped(19))]);
        Assert.Empty(await store.DescribeAsync(partition));
    }

    [Fact]
    public async Task Disk_use_and_writing_stay_bounded_over_600_ships_of_a_constant_set()
    {
        const int keys = 500;
        var disk = new FaultyDisk(DiskFault.Once, int.MaxValue);
        await using var store = _folder.Open(options => options with { Disk = disk, BlockBytes = 4096 });
        var partition = await PartitionAsync(store);
        var random = new Random(9);
        long shipped = 0, largestEarly = 0, largestLate = 0;
        var mostRuns = 0;
        for (var ship = 0; ship < 600; ship++)
        {
            var rows = Enumerable.Range(0, 20).Select(_ => (ulong)random.Next(keys)).Distinct().Select(user => State(user + 1, 7, ship)).ToArray();
            await store.ShipAsync(partition, ship, ship + 1, rows);
            shipped += rows.Length * (44 + 27);
            var files = new DirectoryInfo(_folder.Rows(partition)).GetFiles();
            mostRuns = Math.Max(mostRuns, files.Count(static file => file.Name.StartsWith("run.", StringComparison.Ordinal)));
            var length = files.Sum(static file => file.Length);
            if (ship is >= 100 and < 350) largestEarly = Math.Max(largestEarly, length);
            if (ship >= 350) largestLate = Math.Max(largestLate, length);
        }
        var written = (double)disk.BytesWritten / shipped;
        TestContext.Current.TestOutputHelper?.WriteLine($"written/shipped {written:0.0}, runs {mostRuns}, bytes {largestEarly} then {largestLate}");
        Assert.True(largestLate <= largestEarly * 1.1, $"{largestEarly} -> {largestLate}");
        Assert.True(written < 12, $"{written} bytes written for each shipped");
        Assert.True(mostRuns < 60, $"{mostRuns} runs");
        Assert.Equal(keys, (await store.ReadAllAsync(partition)).Count);
    }

    [Fact]
    public async Task A_block_damaged_while_it_is_read_again_and_again_is_told_and_the_catalog_before_used()
    {
        List<SnapshotNotice> notices = [];
        await using var store = _folder.Open(options => options with { Notice = notices.Add });
        var partition = await PartitionAsync(store);
        await store.ShipAsync(partition, 0, 10, State(1, 1, 5));
        await store.ShipAsync(partition, 10, 20, State(1, 1, 15));
        Assert.Equal(15, (await store.ReadUserAsync(partition, 1, Token)).GreatestOffset);
        var newest = new DirectoryInfo(_folder.Rows(partition)).GetFiles("run.*").MaxBy(static file => long.Parse(file.Name.Split('.')[1]))!.FullName;
        var bytes = await File.ReadAllBytesAsync(newest, Token);
        bytes[30] ^= 1;
        await File.WriteAllBytesAsync(newest, bytes, Token);
        Assert.Equal(5, (await store.ReadUserAsync(partition, 1, Token)).GreatestOffset);
        Assert.Equal(Mark(10), (await store.ReadProgressAsync(partition, Token)).Shipped);
        Assert.Equal([SnapshotNoticeKind.DamagedRun, SnapshotNoticeKind.FellBack], notices.Select(static notice => notice.Kind));
    }
}
