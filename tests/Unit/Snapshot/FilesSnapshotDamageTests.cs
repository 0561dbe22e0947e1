using ReadStateStream.Contracts.Snapshot;
using ReadStateStream.Snapshot.Files;
using Xunit;
using static ReadStateStream.Contracts.Snapshot.SnapshotSamples;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>Damage of every kind of file is found, or an older whole state takes its place; a folder out of reach is never empty.</summary>
public class FilesSnapshotDamageTests
{
    private static readonly SnapshotLog Log = new(new Random(6), 200, 40);

    private const long OutOfReach = -2;

    private sealed record Sample(SnapshotFolder Folder, SnapshotPartition Partition, int Last, int Previous);

    /// <summary>Some ships, the last two without merges after them, and a lineage that was described.</summary>
    private static async Task<Sample> SampleAsync()
    {
        var folder = new SnapshotFolder();
        await using var store = folder.Open();
        var partition = new SnapshotPartition((await store.CreateLineageAsync(Identity(), Answers, Token)).Number, 1);
        await store.DescribeLineageAsync(partition.Lineage, Answers, Token);
        foreach (var (since, target) in new[] { (0, 100), (100, 120), (120, 130) }) await store.ShipAsync(partition, since, target, Log.Between(since, target));
        await (await store.BeginShipAsync(partition, 130, Mark(150), Token)).DisposeAsync();
        return new Sample(folder, partition, 130, 120);
    }

    private static List<Action<string>> Damages()
    {
        List<Action<string>> damages = [File.Delete];
        for (var i = 0; i < 10; i++)
        {
            var tenth = i;
            damages.Add(path =>
            {
                using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
                RandomAccess.SetLength(file, RandomAccess.GetLength(file) * tenth / 10);
            });
            damages.Add(path =>
            {
                var bytes = File.ReadAllBytes(path);
                bytes[(int)((bytes.Length - 1L) * tenth / 9)] ^= (byte)(1 << (tenth % 8));
                File.WriteAllBytes(path, bytes);
            });
        }
        return damages;
    }

    /// <summary>Recovers as the processor does, up to three times; the position, or -1 where damage was reported, -2 where the store is said to be away.</summary>
    private static async Task<long> RecoverAsync(FilesSnapshotStore store, SnapshotPartition partition)
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            try
            {
                await store.ListLineagesAsync(Token);
                var progress = await store.ReadProgressAsync(partition, Token);
                Assert.NotNull(progress.Shipped);
                Assert.Equal(Mark(progress.Shipped.Value.Position), progress.Shipped);
                Assert.Equal(Describe(Log.At(progress.Shipped.Value.Position)), await store.DescribeAsync(partition));
                return progress.Shipped.Value.Position;
            }
            catch (SnapshotDamagedException)
            {
                // A block was damaged: known from now on.
            }
            catch (SnapshotUnavailableException e) when (e.Message.Contains("readstate-snapshot.json", StringComparison.Ordinal))
            {
                return OutOfReach;
            }
        }
        return -1;
    }

    private static async Task<List<long>> RecoverEachAsync(Sample sample, string path, bool open)
    {
        List<long> positions = [];
        foreach (var damage in Damages())
        {
            using var folder = sample.Folder.Copy();
            await using var store = folder.Open();
            if (open) Assert.Equal(sample.Last, await RecoverAsync(store, sample.Partition));
            damage(path.Replace(sample.Folder.Path, folder.Path, StringComparison.Ordinal));
            positions.Add(await RecoverAsync(store, sample.Partition));
            if (positions[^1] == -1) await RepairAsync(folder, sample.Partition);
        }
        return positions;
    }

    // Where rows alone are damaged, a ship of everything begins anew.
    private static async Task RepairAsync(SnapshotFolder folder, SnapshotPartition partition)
    {
        await using var store = folder.Open();
        try
        {
            await store.ListLineagesAsync(Token);
        }
        catch (SnapshotDamagedException)
        {
            return;
        }
        if (await RecoverAsync(store, partition) >= 0) return;
        await Assert.ThrowsAsync<SnapshotDamagedException>(() => store.ShipAsync(partition, 130, 160, Log.Between(130, 160)));
        await store.ShipAsync(partition, 0, 160, Log.Between(0, 160));
        Assert.Equal(160, await RecoverAsync(store, partition));
        await store.ShipAsync(partition, 0, 120, Log.Between(0, 120));
        await store.ShipAsync(partition, 160, 200, Log.Between(160, 200));
        Assert.Equal(200, await RecoverAsync(store, partition));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Damage_of_every_file_is_found(bool open)
    {
        var sample = await SampleAsync();
        using var _ = sample.Folder;
        var files = Directory.GetFiles(sample.Folder.Path, "*", SearchOption.AllDirectories).Where(static file => new FileInfo(file).Length > 0).ToList();
        var catalogs = files.Where(static file => file.Contains("catalog.", StringComparison.Ordinal)).OrderByDescending(Number).ToList();
        Assert.Equal(2, catalogs.Count);
        var runs = files.Where(static file => file.Contains("run.", StringComparison.Ordinal)).ToList();
        Assert.True(runs.Count >= 3 && files.Count >= 8, string.Join('\n', files));
        // What a process has in memory it need not read again: there the newest catalog and its index stay good.
        foreach (var file in open ? catalogs : files)
        {
            var positions = await RecoverEachAsync(sample, file, open);
            if (file == catalogs[0]) Assert.All(positions, position => Assert.True(position == sample.Previous || (open && position == sample.Last)));
            else if (file == catalogs[1]) Assert.All(positions, position => Assert.Equal(sample.Last, position));
            else if (file.EndsWith(".json", StringComparison.Ordinal)) Assert.All(positions, position => Assert.True(position < 0));
            else Assert.DoesNotContain(positions, position => position != -1 && position != sample.Last && position != sample.Previous);
        }
        // A run that the catalog before does not name: that one takes its place. One that both name: damaged.
        var newest = runs.MaxBy(Number)!;
        Assert.All(await RecoverEachAsync(sample, newest, open), position => Assert.True(position == sample.Previous || (open && position == sample.Last)));
        if (!open) Assert.All(await RecoverEachAsync(sample, runs.MinBy(Number)!, open), position => Assert.Equal(-1, position));
    }

    private static long Number(string path) => long.Parse(Path.GetFileName(path).Split('.')[1], System.Globalization.CultureInfo.InvariantCulture);

    [Fact]
    public async Task Falling_back_is_told_and_a_ship_on_what_is_lost_is_refused()
    {
        var sample = await SampleAsync();
        using var folder = sample.Folder;
        List<SnapshotNotice> notices = [];
        await using var store = folder.Open(options => options with { Notice = notices.Add });
        File.WriteAllText(Directory.GetFiles(folder.Rows(sample.Partition), "catalog.*").MaxBy(Number)!, "x");
        Assert.Equal(120, await RecoverAsync(store, sample.Partition));
        Assert.Equal(SnapshotNoticeKind.FellBack, Assert.Single(notices).Kind);
        var error = await Assert.ThrowsAsync<SnapshotBehindException>(() => store.ShipAsync(sample.Partition, 130, 140, Log.Between(130, 140)));
        Assert.Equal(120, error.Position);
        await store.ShipAsync(sample.Partition, 120, 140, Log.Between(120, 140));
        Assert.Equal(140, await RecoverAsync(store, sample.Partition));
    }

    [Fact]
    public async Task All_files_of_a_partition_gone_is_damage_not_a_new_one()
    {
        var sample = await SampleAsync();
        using var folder = sample.Folder;
        Directory.Delete(folder.Rows(sample.Partition), recursive: true);
        await using var store = folder.Open();
        await Assert.ThrowsAsync<SnapshotDamagedException>(() => store.ReadProgressAsync(sample.Partition, Token));
        await Assert.ThrowsAsync<SnapshotDamagedException>(() => store.ReadUserAsync(sample.Partition, 1, Token));
        await store.ShipAsync(sample.Partition, 0, 160, Log.Between(0, 160));
        Assert.Equal(160, await RecoverAsync(store, sample.Partition));
    }

    [Fact]
    public async Task An_intent_with_a_damaged_name_is_damage()
    {
        var sample = await SampleAsync();
        using var folder = sample.Folder;
        var intent = Assert.Single(Directory.GetFiles(folder.Rows(sample.Partition), "intent.*"));
        File.Move(intent, intent.Replace("intent.150", "intent.151", StringComparison.Ordinal));
        await using var store = folder.Open();
        await Assert.ThrowsAsync<SnapshotDamagedException>(() => store.ReadProgressAsync(sample.Partition, Token));
    }

    [Fact]
    public async Task A_folder_that_is_gone_or_emptied_is_out_of_reach()
    {
        var sample = await SampleAsync();
        using var folder = sample.Folder;
        await using var store = folder.Open();
        var id = await store.ReadStoreIdAsync(Token);
        Directory.Move(folder.Path, folder.Path + "-away");
        await UnreachableAsync(store, sample.Partition);
        Directory.CreateDirectory(folder.Path);
        await UnreachableAsync(store, sample.Partition);
        await using var known = folder.Open(options => options with { ExpectedStoreId = id });
        await UnreachableAsync(known, sample.Partition);
        await using var reader = folder.Open(options => options with { CreateIfNew = false });
        await UnreachableAsync(reader, sample.Partition);
        File.WriteAllText(Path.Combine(folder.Path, "other.txt"), "x");
        await using var foreign = folder.Open();
        await UnreachableAsync(foreign, sample.Partition);
        Assert.Equal(["other.txt"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName));
        Directory.Delete(folder.Path, recursive: true);
        await using (var other = folder.Open()) Assert.Empty(await other.ListLineagesAsync(Token));
        await UnreachableAsync(store, sample.Partition);
        Directory.Delete(folder.Path, recursive: true);
        Directory.Move(folder.Path + "-away", folder.Path);
        Assert.Equal(130, await RecoverAsync(store, sample.Partition));
    }

    private static async Task UnreachableAsync(FilesSnapshotStore store, SnapshotPartition partition)
    {
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => store.ListLineagesAsync(Token));
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => store.ReadProgressAsync(partition, Token));
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => store.ReadAllAsync(partition));
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => store.ReadUserAsync(partition, 1, Token));
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => store.ReadChannelAsync(partition, 1, Token));
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => store.BeginShipAsync(partition, 0, Mark(1), Token));
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => store.CreateLineageAsync(Identity(), Answers, Token));
    }

    [Fact]
    public async Task Every_read_that_the_disk_fails_is_out_of_reach_and_never_less()
    {
        var sample = await SampleAsync();
        using var folder = sample.Folder;
        for (var failing = 1; ; failing++)
        {
            var disk = new FaultyDisk(DiskFault.Once, failing);
            await using var store = folder.Open(options => options with { Disk = disk });
            try
            {
                Assert.Single(await store.ListLineagesAsync(Token));
                Assert.Equal(Mark(130), (await store.ReadProgressAsync(sample.Partition, Token)).Shipped);
                Assert.Equal(Describe(Log.At(130)), await store.DescribeAsync(sample.Partition));
                Assert.True((await store.ReadChannelAsync(sample.Partition, 1, Token)).Count > 0);
            }
            catch (SnapshotUnavailableException)
            {
                continue;
            }
            Assert.False(disk.HasFailed);
            Assert.True(failing > 20);
            break;
        }
    }
}
