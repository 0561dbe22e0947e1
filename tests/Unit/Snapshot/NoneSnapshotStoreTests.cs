using ReadStateStream.Contracts.Snapshot;
using ReadStateStream.Snapshot.None;
using Xunit;
using static ReadStateStream.Contracts.Snapshot.SnapshotSamples;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>The `none` store: lineages as ever, no rows.</summary>
public sealed class NoneSnapshotStoreTests : IDisposable
{
    private readonly SnapshotFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private NoneSnapshotStore Open() => new(_folder.Options, TimeProvider.System);

    [Fact]
    public async Task Lineages_outlive_the_process_and_numbers_are_not_given_again()
    {
        await using var store = Open();
        Assert.False(store.KeepsRows);
        var first = await store.CreateLineageAsync(Identity(), Answers, Token);
        var second = await store.CreateLineageAsync(Identity("topic-b"), Answers, Token);
        await store.DescribeLineageAsync(first.Number, Answers with { MaxValueBytes = 99 }, Token);
        await store.DropLineageAsync(second.Number, Token);
        await using var again = Open();
        var found = Assert.Single(await again.ListLineagesAsync(Token));
        Assert.Equal((LineageEntry.FirstNumber, 99), (found.Number, found.Answers.MaxValueBytes));
        Assert.Equal(second.Number + 1, (await again.CreateLineageAsync(Identity(), Answers, Token)).Number);
    }

    [Fact]
    public async Task Ships_are_taken_and_dropped()
    {
        await using var store = Open();
        var partition = new SnapshotPartition((await store.CreateLineageAsync(Identity(), Answers, Token)).Number, 0);
        await store.ShipAsync(partition, 0, 10, State(1, 1, 5));
        await store.ShipAsync(partition, 10, 20, State(1, 1, 15));
        var progress = await store.ReadProgressAsync(partition, Token);
        Assert.Null(progress.Shipped);
        Assert.Empty(progress.OpenIntents);
        Assert.Empty(await store.ReadAllAsync(partition));
        Assert.Equal(0, (await store.ReadUserAsync(partition, 1, Token)).Count);
        Assert.Equal(0, (await store.ReadChannelAsync(partition, 1, Token)).Count);
    }
}
