using ReadStateStream.Host.Persistence;
using ReadStateStream.Host.Settings;
using ReadStateStream.Snapshot.Files;
using Xunit;

namespace ReadStateStream.Unit.Host;

/// <summary>A snapshot folder that is away is waited for: it is not a new, empty store.</summary>
public sealed class KnownSnapshotStoreTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("readstate-seen-").FullName;

    private string Snapshot => Path.Combine(folder, "snapshot");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    private FilesSnapshotStore Open() => new(
        new FilesSnapshotOptions { Folder = Snapshot, ExpectedStoreId = Known.Read(), CreateIfNew = Known.Read() is null, Inline = true }, TimeProvider.System);

    private KnownSnapshotStore Known => new(folder);

    [Fact]
    public async Task The_store_that_was_noted_is_the_only_one_that_is_opened()
    {
        Assert.Null(Known.Read());
        await using (var first = Open())
        {
            Known.Write(await first.ReadStoreIdAsync(TestContext.Current.CancellationToken));
            Assert.Equal(await first.ReadStoreIdAsync(TestContext.Current.CancellationToken), Known.Read());
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
    public void What_is_no_identity_is_refused_by_name()
    {
        File.WriteAllText(Path.Combine(folder, "snapshot-store.json"), "nonsense");
        Assert.Contains("snapshot-store.json", Assert.Throws<SettingException>(() => Known.Read()).Message, StringComparison.Ordinal);
    }
}
