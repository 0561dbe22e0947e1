using ReadStateStream.Contracts.Snapshot;
using ReadStateStream.Snapshot.Files;
using Xunit;
using static ReadStateStream.Contracts.Snapshot.SnapshotSamples;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>A fault at every single disk operation: what is there afterwards is what was there before, or all of it.</summary>
public class FilesSnapshotCrashTests
{
    private const int Before = 70;
    private const int After = 90;
    private const int FaultsMax = 2000;

    private static readonly SnapshotLog Log = new(new Random(5), After + 20, 25);

    private static async Task<(SnapshotFolder Folder, SnapshotPartition Partition)> PreparedAsync()
    {
        var folder = new SnapshotFolder();
        // Nothing is merged yet: too few runs of "small" ones.
        await using var store = folder.Open(static options => options with { SmallRunBytes = 1 << 20 });
        var partition = new SnapshotPartition((await store.CreateLineageAsync(Identity(), Answers, Token)).Number, 1);
        foreach (var (since, target) in new[] { (0, 20), (20, 40), (40, 55), (55, Before) })
            await store.ShipAsync(partition, since, target, Log.Between(since, target));
        return (folder, partition);
    }

    private static async Task<bool> TryAsync(Func<Task> work)
    {
        try
        {
            await work();
            return true;
        }
        catch (SnapshotUnavailableException)
        {
            return false;
        }
    }

    [Theory]
    [InlineData(DiskFault.Once)]
    [InlineData(DiskFault.AnswerLost)]
    [InlineData(DiskFault.Crash)]
    [InlineData(DiskFault.Full)]
    public async Task A_ship_with_its_merges_is_done_or_not_done(DiskFault fault)
    {
        var (prepared, partition) = await PreparedAsync();
        using var _ = prepared;
        var (failed, done) = (0, 0);
        for (var failing = 1; ; failing++)
        {
            Assert.True(failing < FaultsMax);
            using var folder = prepared.Copy();
            var disk = new FaultyDisk(fault, failing);
            bool completed;
            await using (var store = folder.Open(options => options with { Disk = disk, SortBytes = 512 }))
                completed = await TryAsync(() => store.ShipAsync(partition, Before, After, Log.Between(Before, After)));
            if (!disk.HasFailed) break;
            if (completed) done++;
            else failed++;
            await CheckAsync(folder, partition, completed);
        }
        Assert.True(failed > 30, $"{failed} failed");
        // The ship was done before the fault: in merging or tidying up.
        Assert.True(done > (fault == DiskFault.Full ? 5 : 30), $"{done} done");
    }

    private static async Task CheckAsync(SnapshotFolder folder, SnapshotPartition partition, bool completed)
    {
        await using var store = folder.Open();
        var progress = await store.ReadProgressAsync(partition, Token);
        var position = progress.Shipped!.Value.Position;
        Assert.True(position == After || (position == Before && !completed), $"at {position}");
        Assert.Equal(Describe(Log.At(position)), await store.DescribeAsync(partition));
        Assert.True(progress.OpenIntents.Count <= (position == Before ? 1 : 0));
        await store.ShipAsync(partition, Before, After, Log.Between(Before, After));
        await store.ShipAsync(partition, After, Log.Length, Log.Between(After, Log.Length));
        Assert.Equal(Mark(Log.Length), (await store.ReadProgressAsync(partition, Token)).Shipped);
        Assert.Equal(Describe(Log.At(Log.Length)), await store.DescribeAsync(partition));
    }

    [Theory]
    [InlineData(DiskFault.Once)]
    [InlineData(DiskFault.AnswerLost)]
    [InlineData(DiskFault.Crash)]
    [InlineData(DiskFault.Full)]
    public async Task A_new_store_with_its_first_lineage_and_ship_is_made_in_the_end(DiskFault fault)
    {
        for (var failing = 1; ; failing++)
        {
            Assert.True(failing < FaultsMax);
            using var folder = new SnapshotFolder();
            var disk = new FaultyDisk(fault, failing);
            LineageEntry? made = null;
            var shipped = false;
            await using (var store = folder.Open(options => options with { Disk = disk }))
            {
                await TryAsync(async () => made = await store.CreateLineageAsync(Identity(), Answers, Token));
                if (made is not null) shipped = await TryAsync(() => store.ShipAsync(new SnapshotPartition(made.Number, 1), 0, After, Log.Between(0, After)));
            }
            if (!disk.HasFailed) break;
            await using var again = folder.Open();
            var listed = await again.ListLineagesAsync(Token);
            Assert.True(listed.Count <= 1);
            if (made is not null) Assert.Equal(made.Number, Assert.Single(listed).Number);
            var lineage = await again.CreateLineageAsync(Identity(), Answers, Token);
            Assert.Equal(LineageEntry.FirstNumber + listed.Count, lineage.Number);
            var partition = new SnapshotPartition(made?.Number ?? lineage.Number, 1);
            var progress = await again.ReadProgressAsync(partition, Token);
            if (shipped) Assert.Equal(Mark(After), progress.Shipped);
            Assert.Equal(Describe(Log.At(progress.Shipped?.Position ?? 0)), await again.DescribeAsync(partition));
            await again.ShipAsync(partition, 0, After, Log.Between(0, After));
            Assert.Equal(Describe(Log.At(After)), await again.DescribeAsync(partition));
        }
    }

    [Theory]
    [InlineData(DiskFault.Once)]
    [InlineData(DiskFault.Crash)]
    public async Task A_lineage_is_dropped_or_not_dropped(DiskFault fault)
    {
        var (prepared, partition) = await PreparedAsync();
        using var _ = prepared;
        for (var failing = 1; ; failing++)
        {
            Assert.True(failing < FaultsMax);
            using var folder = prepared.Copy();
            var disk = new FaultyDisk(fault, failing);
            bool dropped;
            await using (var store = folder.Open(options => options with { Disk = disk }))
                dropped = await TryAsync(() => store.DropLineageAsync(partition.Lineage, Token));
            if (!disk.HasFailed) break;
            await using var again = folder.Open();
            if ((await again.ListLineagesAsync(Token)).Count == 1)
            {
                Assert.False(dropped);
                Assert.Equal(Describe(Log.At(Before)), await again.DescribeAsync(partition));
            }
            await again.DropLineageAsync(partition.Lineage, Token);
            Assert.Empty(await again.ListLineagesAsync(Token));
            Assert.False(Directory.Exists(folder.Rows(partition)));
            Assert.Equal(partition.Lineage + 1, (await again.CreateLineageAsync(Identity(), Answers, Token)).Number);
        }
    }

    [Fact]
    public async Task A_full_disk_keeps_no_leftovers_of_failed_ships()
    {
        var (folder, partition) = await PreparedAsync();
        using var _ = folder;
        var before = Directory.GetFiles(folder.Rows(partition)).Length;
        for (var i = 0; i < 10; i++)
        {
            await using var store = folder.Open(options => options with { Disk = new FaultyDisk(DiskFault.Full, 25), SortBytes = 512 });
            Assert.False(await TryAsync(() => store.ShipAsync(partition, Before, After, Log.Between(Before, After))));
        }
        Assert.True(Directory.GetFiles(folder.Rows(partition)).Length <= before + 1); // The intent.
    }

    [Fact]
    public async Task What_crashed_ships_left_is_tidied_up()
    {
        var (folder, partition) = await PreparedAsync();
        using var _ = folder;
        await using (var store = folder.Open())
            for (var position = Before; position < After; position++) await store.ShipAsync(partition, position, position + 1, Log.Between(position, position + 1));
        var usual = Directory.GetFiles(folder.Rows(partition)).Length;
        for (var i = 0; i < 30; i++)
        {
            // What a killed process leaves: a spilled part, and a run no catalog names.
            File.WriteAllText(Path.Combine(folder.Rows(partition), $"part.{1000 + i}.{Guid.NewGuid():N}.0"), "x");
            File.WriteAllText(Path.Combine(folder.Rows(partition), $"run.1.{Guid.NewGuid():N}"), "x");
        }
        foreach (var file in Directory.GetFiles(folder.Rows(partition), "part.10*")) File.Move(file, file.Replace("part.10", "part.", StringComparison.Ordinal));
        await using (var store = folder.Open())
            for (var position = After; position < Log.Length; position++) await store.ShipAsync(partition, position, position + 1, Log.Between(position, position + 1));
        Assert.True(Directory.GetFiles(folder.Rows(partition)).Length <= usual + 10);
        await using var again = folder.Open();
        Assert.Equal(Describe(Log.At(Log.Length)), await again.DescribeAsync(partition));
    }
}
