using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Unit.Generators;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>
/// In which order things become durable: a power cut may undo what was not forced onto the disk, in any order, so the
/// order of the operations is the promise.
/// </summary>
public class DurableOrderTests
{
    private const string Catalog = "catalog.";

    private static DurablePartition AfterSomeShips()
    {
        var many = new InterleavedLogs(76_000, 8, 200);
        var product = DurablePartition.WithFiles(many.Policy.ToOptions(), PartitionTester.Tiny());
        foreach (var some in many.Events().Chunk(200))
        {
            foreach (var record in some) product.Tester.Append(record);
            product.Checkpoint();
        }
        return product;
    }

    [Fact]
    public void A_manifest_is_on_the_disk_before_it_gets_its_name()
    {
        using var product = AfterSomeShips();
        var manifests = product.MachineDisk.Named.Where(file => CheckpointManifest.TrySequence(file.Name, out _)).ToList();
        Assert.True(manifests.Count >= 5, $"{manifests.Count} manifests");
        Assert.DoesNotContain(manifests, file => file.Unsynced.Contains(file.Name));
    }

    [Fact]
    public void A_name_is_on_the_disk_before_what_it_replaces_is_deleted()
    {
        using var product = AfterSomeShips();
        Assert.Contains(product.MachineDisk.Named, static file => CheckpointManifest.TrySequence(file.Name, out _));
        Assert.Empty(product.MachineDisk.DeletedTooEarly);
        Assert.Empty(product.SnapshotDisk.DeletedTooEarly);
        Assert.Empty(product.MachineDisk.UnsyncedNames);
        Assert.Empty(product.SnapshotDisk.UnsyncedNames);
    }

    [Fact]
    public void What_a_ship_names_is_on_the_disk_before_its_position()
    {
        using var product = AfterSomeShips();
        // The catalog names the rows and holds the position.
        var catalogs = product.SnapshotDisk.Named.Where(file => file.Name.StartsWith(Catalog, StringComparison.Ordinal)).ToList();
        Assert.True(catalogs.Count >= 5, $"{catalogs.Count} catalogs");
        Assert.All(catalogs, file => Assert.Empty(file.Unsynced));
    }
}
