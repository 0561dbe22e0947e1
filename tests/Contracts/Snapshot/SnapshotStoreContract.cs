using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Records;
using Xunit;
using static ReadStateStream.Contracts.Snapshot.SnapshotSamples;

namespace ReadStateStream.Contracts.Snapshot;

/// <summary>What every adapter that keeps rows keeps; an adapter's test class says how its store is opened.</summary>
public abstract partial class SnapshotStoreContract : IAsyncLifetime
{
    private ISnapshotStore _store = null!;
    private SnapshotPartition _partition;

    /// <summary>Opens the same store once more, as another process would.</summary>
    protected abstract ISnapshotStore Open();

    /// <inheritdoc/>
    public virtual async ValueTask InitializeAsync()
    {
        _store = Open();
        _partition = new SnapshotPartition((await _store.CreateLineageAsync(Identity(), Answers, Token)).Number, 3);
    }

    /// <inheritdoc/>
    public virtual async ValueTask DisposeAsync()
    {
        await _store.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_lineage_is_found_again_as_it_was_made()
    {
        var made = await _store.CreateLineageAsync(Identity("topic-b"), Answers, Token);
        await using var other = Open();
        var found = (await other.ListLineagesAsync(Token)).Single(entry => entry.Number == made.Number);
        Assert.Equal(Identity("topic-b"), found.Identity);
        Assert.Equal(made.CreatedUnixMs, found.CreatedUnixMs);
        Assert.Equal(77, found.Answers.Policy.Window);
        Assert.Equal(Answers.Policy.CountKinds, found.Answers.Policy.CountKinds);
        Assert.Equal((Answers.EventIdEpochUnixMs, Answers.MaxValueBytes), (found.Answers.EventIdEpochUnixMs, found.Answers.MaxValueBytes));
        Assert.True(made.Number > _partition.Lineage && _partition.Lineage >= LineageEntry.FirstNumber);
    }

    [Fact]
    public async Task What_answers_need_is_replaced()
    {
        await _store.DescribeLineageAsync(_partition.Lineage, Answers with { MaxValueBytes = 1 }, Token);
        await _store.DescribeLineageAsync(_partition.Lineage, Answers with { MaxValueBytes = 4242 }, Token);
        await using var other = Open();
        var found = Assert.Single(await other.ListLineagesAsync(Token));
        Assert.Equal(4242, found.Answers.MaxValueBytes);
        Assert.Equal(Identity(), found.Identity);
    }

    [Fact]
    public async Task Lineages_made_at_once_get_numbers_of_their_own()
    {
        var made = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(async () =>
        {
            await using var store = Open();
            return await store.CreateLineageAsync(Identity($"topic-{i}"), Answers, Token);
        })));
        Assert.Equal(12, made.Select(static entry => entry.Number).Distinct().Count());
        var listed = await _store.ListLineagesAsync(Token);
        Assert.Equal(13, listed.Count);
        Assert.Equal(listed.Select(static entry => entry.Number).Order(), listed.Select(static entry => entry.Number));
        foreach (var entry in made) Assert.Equal(entry.Identity, listed.Single(other => other.Number == entry.Number).Identity);
    }

    [Fact]
    public async Task Of_two_lineages_one_is_dropped_and_its_number_not_given_again()
    {
        var second = await _store.CreateLineageAsync(Identity("topic-b"), Answers, Token);
        var other = _partition with { Lineage = second.Number };
        await _store.ShipAsync(_partition, 0, 10, State(1, 1, 5));
        await _store.ShipAsync(other, 0, 20, State(1, 1, 15));
        Assert.Equal(5, Assert.Single((await _store.ReadAllAsync(_partition)).Values).Offset);
        Assert.Equal(15, Assert.Single((await _store.ReadAllAsync(other)).Values).Offset);

        await _store.DropLineageAsync(second.Number, Token);
        await _store.DropLineageAsync(second.Number, Token);
        await _store.DropLineageAsync(99_999, Token);
        Assert.Equal(_partition.Lineage, Assert.Single(await _store.ListLineagesAsync(Token)).Number);
        Assert.Equal(5, Assert.Single((await _store.ReadAllAsync(_partition)).Values).Offset);
        Assert.Equal(10, (await _store.ReadProgressAsync(_partition, Token)).Shipped!.Value.Position);
        await using var reopened = Open();
        Assert.True((await reopened.CreateLineageAsync(Identity("topic-c"), Answers, Token)).Number > second.Number);
    }

    [Fact]
    public async Task A_lineage_that_is_not_there_is_an_error()
    {
        var ship = await _store.BeginShipAsync(_partition, 0, Mark(10), Token);
        await ship.WriteAllAsync(State(1, 1, 5));
        await _store.DropLineageAsync(_partition.Lineage, Token);
        await Assert.ThrowsAsync<LineageGoneException>(() => ship.CompleteAsync(Token));
        await ship.DisposeAsync();
        foreach (var gone in new[] { _partition, _partition with { Lineage = 4711 } })
        {
            await Assert.ThrowsAsync<LineageGoneException>(() => _store.ReadProgressAsync(gone, Token));
            await Assert.ThrowsAsync<LineageGoneException>(() => _store.BeginShipAsync(gone, 0, Mark(20), Token));
            await Assert.ThrowsAsync<LineageGoneException>(() => _store.ReadUserAsync(gone, 1, Token));
            await Assert.ThrowsAsync<LineageGoneException>(() => _store.ReadChannelAsync(gone, 1, Token));
            await Assert.ThrowsAsync<LineageGoneException>(() => _store.ReadAllAsync(gone));
            await Assert.ThrowsAsync<LineageGoneException>(() => _store.DescribeLineageAsync(gone.Lineage, Answers, Token));
        }
    }

    [Fact]
    public async Task Before_the_first_ship_there_is_no_position_and_no_row()
    {
        var progress = await _store.ReadProgressAsync(_partition, Token);
        Assert.Null(progress.Shipped);
        Assert.Empty(progress.OpenIntents);
        Assert.Empty(await _store.ReadAllAsync(_partition));
        Assert.Equal(0, (await _store.ReadUserAsync(_partition, 1, Token)).Count);
    }

    [Fact]
    public async Task The_intent_is_there_before_the_first_row_and_until_the_position_passes_it()
    {
        var ship = await _store.BeginShipAsync(_partition, 0, Mark(10), Token);
        await using (var other = Open())
        {
            var begun = await other.ReadProgressAsync(_partition, Token);
            Assert.Null(begun.Shipped);
            Assert.Equal(Mark(10), Assert.Single(begun.OpenIntents));
        }
        await ship.WriteAllAsync(State(1, 1, 9));
        await ship.DisposeAsync();
        await (await _store.BeginShipAsync(_partition, 0, Mark(8), Token)).DisposeAsync();
        await (await _store.BeginShipAsync(_partition, 0, Mark(10, hash: 99), Token)).DisposeAsync();
        Assert.Equal(3, (await _store.ReadProgressAsync(_partition, Token)).OpenIntents.Count);

        await _store.ShipAsync(_partition, 0, 9, State(1, 1, 8));
        var passed = await _store.ReadProgressAsync(_partition, Token);
        Assert.Equal(Mark(9), passed.Shipped);
        Assert.Equal([10, 10], passed.OpenIntents.Select(static intent => intent.Position));
        await _store.ShipAsync(_partition, 9, 11, State(1, 1, 10));
        Assert.Empty((await _store.ReadProgressAsync(_partition, Token)).OpenIntents);
    }

    [Fact]
    public async Task A_partition_is_restored_as_it_was_shipped()
    {
        SnapshotRow[] rows =
        [
            State(1, 7, 3), State(2, 7, 4), Thread(2, 7, 11, 4), Thread(2, 7, 12, 4), OfUser(2, SubKind.ChannelList, 0, 4),
            Part(7, SubKind.ChannelRecord, 0, 9), Part(7, SubKind.Directory, 0, 9), Part(7, SubKind.Block, 1, 9, 8192),
            Part(8, SubKind.Mentions, 3, 2, 60_000), OfUser(0, SubKind.DeadLetters, 0, 7), State(long.MaxValue, long.MaxValue, 1),
        ];
        await _store.ShipAsync(_partition, 0, 10, rows);
        await using var other = Open();
        Assert.Equal(Describe(rows), await other.DescribeAsync(_partition));
        Assert.Equal(Mark(10), (await other.ReadProgressAsync(_partition, Token)).Shipped);
        Assert.Empty(await other.ReadAllAsync(_partition with { Number = 4 }));
    }

    [Fact]
    public async Task A_user_and_a_channel_are_read_with_all_that_is_theirs_and_nothing_else()
    {
        SnapshotRow[] own = [State(5, 5, 3), State(5, 9, 4), Thread(5, 9, 11, 4), OfUser(5, SubKind.ChannelList, 0, 4), OfUser(5, SubKind.Blocked, 2, 8)];
        SnapshotRow[] channel = [Part(5, SubKind.ChannelRecord, 0, 2), Part(5, SubKind.Block, uint.MaxValue, 6), Part(5, SubKind.Mentions, 1, 2)];
        SnapshotRow[] others =
        [
            State(4, 5, 9), State(6, 5, 9), OfUser(4, SubKind.ChannelList, 0, 9), OfUser(6, SubKind.ChannelList, 0, 9), Thread(4, 5, 9, 9),
            Part(4, SubKind.Block, 0, 9), Part(6, SubKind.ChannelRecord, 0, 9), OfUser(0, SubKind.DeadLetters, 0, 1),
        ];
        await _store.ShipAsync(_partition, 0, 10, [.. own, .. channel, .. others]);
        await ExpectAsync(await _store.ReadUserAsync(_partition, 5, Token), 8, own);
        await ExpectAsync(await _store.ReadChannelAsync(_partition, 5, Token), 6, channel);
        await ExpectAsync(await _store.ReadUserAsync(_partition, 0, Token), 1, others[^1]);
        await ExpectAsync(await _store.ReadUserAsync(_partition, 77, Token), -1);
        await ExpectAsync(await _store.ReadChannelAsync(_partition, 77, Token), -1);
    }

    private static Task ExpectAsync(RowSet set, long greatest, params SnapshotRow[] rows)
    {
        Assert.Equal(rows.Length, set.Count);
        Assert.Equal(greatest, set.GreatestOffset);
        foreach (var row in rows) Assert.True(set.Read(row.Key).SequenceEqual(row.Value.Span));
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Later_versions_stand_whatever_arrives_after_them()
    {
        await _store.ShipAsync(_partition, 0, 10, State(1, 1, 5), State(2, 1, 6), State(3, 1, 7));
        await _store.ShipAsync(_partition, 10, 20, State(2, 1, 15), State(4, 1, 16));
        var after = await _store.DescribeAsync(_partition);
        Assert.Equal(Describe([State(1, 1, 5), State(2, 1, 15), State(3, 1, 7), State(4, 1, 16)]), after);
        await _store.ShipAsync(_partition, 10, 20, State(2, 1, 15), State(4, 1, 16)); // repeated
        await _store.ShipAsync(_partition, 0, 10, State(1, 1, 5), State(2, 1, 6), State(3, 1, 7)); // late
        Assert.Equal(after, await _store.DescribeAsync(_partition));
        Assert.Equal(Mark(20), (await _store.ReadProgressAsync(_partition, Token)).Shipped);
        Assert.Empty((await _store.ReadProgressAsync(_partition, Token)).OpenIntents);
    }

    [Fact]
    public async Task The_first_event_after_a_ship_changes_a_record()
    {
        await _store.ShipAsync(_partition, 0, 10, State(1, 1, 9));
        await _store.ShipAsync(_partition, 10, 11, State(1, 1, 10));
        Assert.Equal(10, Assert.Single((await _store.ReadAllAsync(_partition)).Values).Offset);
    }

    [Fact]
    public async Task Of_equal_versions_a_tombstone_stands_then_the_greater_bytes()
    {
        var (low, high) = (State(1, 1, 5), State(1, 1, 5) with { Value = Value(6) });
        var block = Part(7, SubKind.Block, 1, 5);
        await _store.ShipAsync(_partition, 0, 10, high, block.Dropped(5));
        await _store.ShipAsync(_partition, 0, 10, low, block);
        Assert.Equal(Describe([high]), await _store.DescribeAsync(_partition));
        await _store.ShipAsync(_partition, 0, 10, high, block.Dropped(5));
        Assert.Equal(Describe([high]), await _store.DescribeAsync(_partition));
    }

    [Fact]
    public async Task A_ship_on_a_position_that_the_store_does_not_have_is_refused()
    {
        await Assert.ThrowsAsync<SnapshotBehindException>(() => _store.BeginShipAsync(_partition, 1, Mark(10), Token));
        await _store.ShipAsync(_partition, 0, 10, State(1, 1, 5));
        var error = await Assert.ThrowsAsync<SnapshotBehindException>(() => _store.BeginShipAsync(_partition, 11, Mark(20), Token));
        Assert.Equal(10, error.Position);
        await _store.ShipAsync(_partition, 10, 20, State(1, 1, 11));
    }

    [Fact]
    public async Task An_offset_beyond_44_bits_is_refused()
    {
        await using var ship = await _store.BeginShipAsync(_partition, 0, Mark(10), Token);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ship.WriteAsync([State(1, 1, 1L << 44)], Token));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => ship.WriteAsync([State(1, 1, 5) with { Offset = -1 }], Token));
    }

    [Fact]
    public async Task A_call_given_up_beforehand_does_nothing()
    {
        var cancelled = new CancellationToken(canceled: true);
        var ship = await _store.BeginShipAsync(_partition, 0, Mark(10), Token);
        await ship.WriteAllAsync(State(1, 1, 5));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ship.CompleteAsync(cancelled));
        await ship.DisposeAsync();
        Assert.Null((await _store.ReadProgressAsync(_partition, Token)).Shipped);
    }
}
