using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Snapshot.Files;
using Xunit;

namespace ReadStateStream.Unit.Host;

/// <summary>A snapshot folder that is away is waited for: it is not a new, empty store.</summary>
public sealed class SeenSnapshotStoreTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("readstate-seen-").FullName;

    private string Snapshot => Path.Combine(folder, "snapshot");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private FilesSnapshotStore Open() => new(
        new FilesSnapshotOptions { Folder = Snapshot, ExpectedStoreId = SeenSnapshotStore.Read(folder), Inline = true }, TimeProvider.System);

    [Fact]
    public async Task The_store_that_was_noted_is_the_only_one_that_is_opened()
    {
        Assert.Null(SeenSnapshotStore.Read(folder));
        await using (var first = Open())
        {
            await SeenSnapshotStore.NoteAsync(first, folder, TestContext.Current.CancellationToken);
            Assert.Equal(await first.ReadStoreIdAsync(TestContext.Current.CancellationToken), SeenSnapshotStore.Read(folder));
        }
        Directory.Move(Snapshot, Snapshot + ".moved");
        await using (var away = Open())
            await Assert.ThrowsAsync<SnapshotUnavailableException>(() => away.ListLineagesAsync(TestContext.Current.CancellationToken));
        Directory.CreateDirectory(Snapshot);
        await using (var empty = Open())
            await Assert.ThrowsAsync<SnapshotUnavailableException>(() => empty.ListLineagesAsync(TestContext.Current.CancellationToken));
        Directory.Delete(Snapshot);
        Directory.Move(Snapshot + ".moved", Snapshot);
        await using var back = Open();
        Assert.Empty(await back.ListLineagesAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task It_is_noted_once()
    {
        await using var store = Open();
        await SeenSnapshotStore.NoteAsync(store, folder, TestContext.Current.CancellationToken);
        var noted = SeenSnapshotStore.Read(folder);
        await using var other = new FilesSnapshotStore(new FilesSnapshotOptions { Folder = Path.Combine(folder, "other"), Inline = true }, TimeProvider.System);
        await SeenSnapshotStore.NoteAsync(other, folder, TestContext.Current.CancellationToken);
        Assert.Equal(noted, SeenSnapshotStore.Read(folder));
    }

    [Fact]
    public void What_is_no_identity_is_refused_by_name()
    {
        File.WriteAllText(Path.Combine(folder, SeenSnapshotStore.FileName), "nonsense");
        Assert.Contains(SeenSnapshotStore.FileName, Assert.Throws<SettingException>(() => SeenSnapshotStore.Read(folder)).Message, StringComparison.Ordinal);
    }
}
