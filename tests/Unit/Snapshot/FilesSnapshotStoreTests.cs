using ReadStateStream.Contracts.Snapshot;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>The `files` store keeps the contract, with sizes that make it spill and merge.</summary>
public sealed class FilesSnapshotStoreTests : SnapshotStoreContract
{
    private readonly SnapshotFolder _folder = new();

    protected override ISnapshotStore Open() => _folder.Open(static options => options with { Inline = false });

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
