using Xunit;

namespace ReadStateStream.Unit.Partition.Device;

/// <summary>What is synced in a folder whose own entry is lost is lost with it.</summary>
public sealed class DurableFolderTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("readstate-folders-").FullName;
    private readonly SyncedFolders disk = new();

    public void Dispose() => Directory.Delete(root, recursive: true);

    private string At(params string[] steps) => Path.Combine([root, .. steps]);

    [Fact]
    public void Each_new_folder_is_synced_in_the_one_above()
    {
        disk.CreateFolderDurably(At("a", "b", "c"));
        Assert.Equal([At("a", "b"), At("a"), root, Path.GetDirectoryName(root)!], disk.Synced);
        Assert.True(Directory.Exists(At("a", "b", "c")));
    }

    [Fact]
    public void One_that_exists_may_not_be_durable_yet_nor_those_above_it()
    {
        Directory.CreateDirectory(At("a", "b", "c"));
        disk.CreateFolderDurably(At("a", "b", "c"));
        Assert.Equal([At("a", "b"), At("a"), root, Path.GetDirectoryName(root)!], disk.Synced);
    }

    private sealed class SyncedFolders : DiskOperations
    {
        public List<string> Synced { get; } = [];

        public override void SyncFolder(string folder)
        {
            Synced.Add(folder);
            base.SyncFolder(folder);
        }
    }
}
