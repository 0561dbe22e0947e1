using ReadStateStream.Contracts.Snapshot;
using Xunit;
using static ReadStateStream.Contracts.Snapshot.SnapshotSamples;

namespace ReadStateStream.Unit.Snapshot;

/// <summary>The memory store keeps the contract, and its faults do what they say.</summary>
public sealed class MemorySnapshotStoreTests : SnapshotStoreContract
{
    private readonly MemorySnapshotStore _memory = new(TimeProvider.System);

    protected override ISnapshotStore Open() => _memory;

    private async Task<SnapshotPartition> PartitionAsync() => new((await _memory.ListLineagesAsync(Token))[0].Number, 1);

    [Fact]
    public async Task A_failing_write_leaves_the_position_and_a_lost_acknowledgement_leaves_the_row()
    {
        var partition = await PartitionAsync();
        foreach (var (fate, rows) in new[] { (CallFate.Fail, 0), (CallFate.LoseAcknowledgement, 1) })
        {
            _memory.Decide = call => call.Kind == SnapshotCallKind.WriteRows ? fate : CallFate.Serve;
            await Assert.ThrowsAsync<SnapshotUnavailableException>(() => _memory.ShipAsync(partition, 0, 10, State(1, 1, 5)));
            _memory.Decide = null;
            var progress = await _memory.ReadProgressAsync(partition, Token);
            Assert.Null(progress.Shipped);
            Assert.Single(progress.OpenIntents);
            Assert.Equal(rows, (await _memory.ReadAllAsync(partition)).Count);
        }
        _memory.Decide = call => call.Kind == SnapshotCallKind.WritePosition ? CallFate.LoseAcknowledgement : CallFate.Serve;
        await Assert.ThrowsAsync<SnapshotUnavailableException>(() => _memory.ShipAsync(partition, 0, 10, State(1, 1, 5)));
        Assert.Equal(Mark(10), (await _memory.ReadProgressAsync(partition, Token)).Shipped);
    }

    [Fact]
    public async Task The_position_waits_for_the_last_acknowledgement()
    {
        var partition = await PartitionAsync();
        _memory.Decide = call => call.Kind == SnapshotCallKind.WriteRows ? CallFate.HoldAcknowledgement : CallFate.Serve;
        var shipping = _memory.ShipAsync(partition, 0, 10, State(1, 1, 5), State(2, 1, 6));
        Assert.Equal(2, (await _memory.ReadAllAsync(partition)).Count);
        _memory.Held[1].Release();
        Assert.False(shipping.IsCompleted);
        Assert.Null((await _memory.ReadProgressAsync(partition, Token)).Shipped);
        Assert.Single(_memory.Held).Release();
        await shipping;
        Assert.Equal(Mark(10), (await _memory.ReadProgressAsync(partition, Token)).Shipped);
    }

    [Fact]
    public async Task Writes_of_a_zombie_arrive_late_and_lose()
    {
        var partition = await PartitionAsync();
        _memory.Decide = call => call.Kind == SnapshotCallKind.WriteRows && call.Target == 10 ? CallFate.Hold : CallFate.Serve;
        var ship = await _memory.BeginShipAsync(partition, 0, Mark(10), Token);
        await ship.WriteAllAsync(State(1, 1, 5), State(2, 1, 6));
        await ship.DisposeAsync();
        await _memory.ShipAsync(partition, 0, 20, State(1, 1, 15), State(2, 1, 6));
        foreach (var held in _memory.Held) held.Release();
        Assert.Empty(_memory.Held);
        Assert.Equal(Describe([State(1, 1, 15), State(2, 1, 6)]), await _memory.DescribeAsync(partition));
    }
}
