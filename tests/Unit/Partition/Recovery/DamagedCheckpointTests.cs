using ReadStateStream.Unit.Generators;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Recovery;
using ReadStateStream.Partition.Store;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>
/// Every file of a checkpoint, cut at ten places and with bytes flipped at ten, while the partition is stopped and
/// while it runs: reported, recovered from the next source, never another count.
/// </summary>
public class DamagedCheckpointTests
{
    private const int Places = 10;

    private static readonly CheckpointOptions Compacting = new() { GarbageBytes = 64 << 10, GarbageRatio = 0.5 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Damage_while_stopped_is_reported_and_recovered_from(bool withSnapshot)
    {
        var many = new InterleavedLogs(73_000, 6, 250);
        using var product = withSnapshot
            ? DurablePartition.WithFiles(many.Policy.ToOptions(), PartitionTester.Tiny(), Compacting)
            : DurablePartition.WithoutSnapshots(many.Policy.ToOptions(), PartitionTester.Tiny(), Compacting);
        Fold(product, many);
        product.Kill();
        var image = FolderImage.Of(product.MachineFolder);
        var sources = new HashSet<RecoverySource>();
        var byImage = 0;
        foreach (var (name, bytes) in image.Files)
            foreach (var damage in Damages(name, bytes))
            {
                image.Restore(product.MachineFolder);
                damage.Apply(product.MachineFolder);
                product.Said.Clear();
                product.Run();
                product.Scrub();
                var recovery = product.Said.LastRecovery!.Value;
                sources.Add(recovery.Source);
                byImage += product.Said.ImagesUsed;
                if (name == image.IndexImage) Assert.Equal((1, 0), (product.Said.ImagesPassedOver.Count, product.Said.ImagesUsed));
                // The newest checkpoint was used only where the damage lies in what it does not need.
                if (recovery.Position < image.NewestPosition) Assert.NotEmpty(product.Said.PassedOverReasons);
                if (many.FirstDifference(product.Tester) is { } difference) Assert.Fail($"{damage}: {difference}");
                product.Kill();
            }
        Assert.True(byImage > Places, $"{byImage} recoveries by an index image");
        Assert.Contains(RecoverySource.Checkpoint, sources);
        Assert.Contains(withSnapshot ? RecoverySource.Snapshot : RecoverySource.LogStart, sources);
    }

    /// <summary>Most of the data is not read by a recovery by an index image: it is proven beside the writer.</summary>
    [Fact]
    public void Damage_that_an_index_image_leaves_unread_is_found_beside_the_writer_and_recovered_from_by_a_scan()
    {
        const int wanted = 4;
        var many = new InterleavedLogs(75_000, 100, 80);
        using var product = DurablePartition.WithFiles(many.Policy.ToOptions(), PartitionTester.Tiny(), Compacting);
        Fold(product, many);
        var fold = product.Partition.Persistence!.Checkpointer.Newest!.Fold;
        product.Kill();
        var image = FolderImage.Of(product.MachineFolder);
        var unread = fold.Tail - (2 * PartitionTester.Tiny().LogMemoryBytes) - fold.Begin;
        for (var place = 0; place < wanted; place++)
        {
            image.Restore(product.MachineFolder);
            new FileDamage("records.0", (int)(fold.Begin + (unread * place / wanted)), Cut: false).Apply(product.MachineFolder);
            product.Said.Clear();
            product.Run();
            Assert.Equal((RecoverySource.Checkpoint, image.NewestPosition), (product.Said.LastRecovery!.Value.Source, product.Said.LastRecovery.Value.Position));
            var failures = product.Failures;
            product.Scrub();
            Assert.Equal((failures + 1, 1), (product.Failures, product.Said.ImagesUsed));
            Assert.NotEmpty(product.Said.PassedOverReasons);
            Assert.Null(product.Partition.Persistence!.Scrub);
            Assert.Null(many.FirstDifference(product.Tester));
            product.Kill();
        }
    }

    [Fact]
    public void Damage_while_running_fails_the_partition_which_recovers_by_itself()
    {
        var many = new InterleavedLogs(74_000, 200, 80);
        using var product = DurablePartition.WithFiles(many.Policy.ToOptions(), PartitionTester.Tiny(), Compacting);
        Fold(product, many);
        var image = FolderImage.Of(product.MachineFolder);
        Assert.InRange(product.Partition.StoreFigures.LiveBytes, 5 * PartitionTester.Tiny().LogMemoryBytes, long.MaxValue);
        foreach (var (name, bytes) in image.Files.Where(file => file.Key.StartsWith("records.", StringComparison.Ordinal)))
            foreach (var damage in Damages(name, bytes))
            {
                if (!File.Exists(Path.Combine(product.MachineFolder, name))) break;
                damage.Apply(product.MachineFolder);
                // Every record is asked for: most of them lie on the disk only.
                if (Difference(product, many) is not { } difference) continue;
                Assert.Fail($"{damage}: {difference}");
            }
        Assert.True(product.Failures > 3, $"damage was met {product.Failures} times");
        Assert.Null(many.FirstDifference(product.Tester));
    }

    private static string? Difference(DurablePartition product, InterleavedLogs many)
    {
        try
        {
            return many.FirstDifference(product.Tester);
        }
        catch (ReadStateStream.Partition.Query.PartitionUnavailableException)
        {
            // It failed rather than answer; by itself it is there again.
            product.AwaitRecovery();
            return many.FirstDifference(product.Tester);
        }
    }

    private static void Fold(DurablePartition product, InterleavedLogs many)
    {
        var events = many.Events().ToList();
        var quarter = (events.Count + 3) / 4;
        for (var next = 0; next < events.Count; next += quarter)
        {
            foreach (var record in events.Skip(next).Take(quarter)) product.Tester.Append(record);
            product.Checkpoint();
        }
    }

    private static IEnumerable<FileDamage> Damages(string name, byte[] bytes)
    {
        for (var i = 0; i < Places; i++)
        {
            var at = (int)((long)bytes.Length * i / Places);
            yield return new FileDamage(name, at, Cut: true);
            yield return new FileDamage(name, Math.Min(bytes.Length - 1, at + (i * 7 % 64)), Cut: false);
        }
    }
}

/// <summary>One way to damage a file.</summary>
internal sealed record FileDamage(string Name, int At, bool Cut)
{
    public void Apply(string folder)
    {
        using var file = new FileStream(Path.Combine(folder, Name), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        if (At >= file.Length) return;
        if (Cut)
        {
            file.SetLength(At);
            return;
        }
        file.Position = At;
        var flipped = (byte)(file.ReadByte() ^ 0x10);
        file.Position = At;
        file.WriteByte(flipped);
    }
}

/// <summary>The files of a folder as they were.</summary>
internal sealed class FolderImage
{
    public required IReadOnlyDictionary<string, byte[]> Files { get; init; }

    public required long NewestPosition { get; init; }

    /// <summary>Name of the index image of the newest checkpoint.</summary>
    public required string IndexImage { get; init; }

    public static FolderImage Of(string folder)
    {
        var files = Directory.GetFiles(folder).ToDictionary(path => Path.GetFileName(path), File.ReadAllBytes);
        var newest = files.Where(file => CheckpointManifest.TrySequence(file.Key, out _)).Select(file => CheckpointManifest.Decode(file.Key, file.Value))
            .MaxBy(manifest => manifest.Mark.Position)!;
        return new FolderImage { Files = files, NewestPosition = newest.Mark.Position, IndexImage = IndexImageName.Of(newest.Image!.Number) };
    }

    public void Restore(string folder)
    {
        Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        foreach (var (name, bytes) in Files) File.WriteAllBytes(Path.Combine(folder, name), bytes);
    }
}
