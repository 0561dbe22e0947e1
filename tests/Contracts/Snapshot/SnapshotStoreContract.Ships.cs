using ReadStateStream.Snapshot;
using ReadStateStream.Snapshot.Records;
using Xunit;
using static ReadStateStream.Contracts.Snapshot.SnapshotSamples;

namespace ReadStateStream.Contracts.Snapshot;

/// <summary>Many ships, broken-off ones, and several writers.</summary>
public abstract partial class SnapshotStoreContract
{
    [Fact]
    public async Task A_ship_broken_off_in_the_middle_is_begun_again()
    {
        await _store.ShipAsync(_partition, 0, 10, State(1, 1, 5), State(2, 1, 6));
        var broken = await _store.BeginShipAsync(_partition, 10, Mark(20), Token);
        await broken.WriteAllAsync(State(1, 1, 15));
        await broken.DisposeAsync();
        await using var store = Open();
        var progress = await store.ReadProgressAsync(_partition, Token);
        Assert.Equal(Mark(10), progress.Shipped);
        Assert.Equal(Mark(20), Assert.Single(progress.OpenIntents));
        Assert.Equal(2, (await store.ReadAllAsync(_partition)).Count);

        await store.ShipAsync(_partition, 10, 25, State(1, 1, 22), State(2, 1, 16), State(3, 1, 24));
        Assert.Equal(Describe([State(1, 1, 22), State(2, 1, 16), State(3, 1, 24)]), await store.DescribeAsync(_partition));
        Assert.Empty((await store.ReadProgressAsync(_partition, Token)).OpenIntents);
    }

    [Fact]
    public async Task Rows_that_reach_less_far_than_their_reader_was_told_are_not_handed_out()
    {
        await _store.ShipAsync(_partition, 0, 10, State(1, 1, 5));
        await using var store = Open();
        await foreach (var row in store.ReadPartitionAsync(_partition, 10, Token)) Assert.Equal(5, row.Offset);
        await Assert.ThrowsAsync<SnapshotDamagedException>(async () =>
        {
            await foreach (var _ in store.ReadPartitionAsync(_partition, 11, Token)) Assert.Fail("a row of an older position");
        });
    }

    [Fact]
    public async Task A_late_row_of_a_block_that_was_dropped_stays_away_however_many_ships_later()
    {
        var block = Part(7, SubKind.Block, 1, 5);
        await _store.ShipAsync(_partition, 0, 10, Part(7, SubKind.ChannelRecord, 0, 5), block);
        var late = await _store.BeginShipAsync(_partition, 0, Mark(10), Token);
        await late.WriteAllAsync(block);
        await _store.ShipAsync(_partition, 10, 20, Part(7, SubKind.ChannelRecord, 0, 15), block.Dropped(19));
        await _store.ShipAsync(_partition, 0, 10, block);
        Assert.Equal(0, (await _store.ReadChannelAsync(_partition, 7, Token)).Read(block.Key).Length);
        for (var position = 20L; position < 60; position++) await _store.ShipAsync(_partition, position, position + 1, State(1, 1, position));
        await _store.ShipAsync(_partition, 0, 10, block);
        try
        {
            await late.CompleteAsync(Token);
        }
        catch (SnapshotUnavailableException)
        {
            // So late a ship may be dismissed.
        }
        await late.DisposeAsync();
        for (var position = 60L; position < 80; position++) await _store.ShipAsync(_partition, position, position + 1, State(1, 1, position));
        Assert.Equal(Describe([Part(7, SubKind.ChannelRecord, 0, 15), State(1, 1, 79)]), await _store.DescribeAsync(_partition));
        Assert.Equal(Mark(80), (await _store.ReadProgressAsync(_partition, Token)).Shipped);
    }

    /// <summary>All orders of three steps each of two writers.</summary>
    public static TheoryData<string> Orders => [.. Interleave(3, 3)];

    private static IEnumerable<string> Interleave(int old, int young)
    {
        if (old + young == 0) return [""];
        var first = old > 0 ? Interleave(old - 1, young).Select(static rest => "o" + rest) : [];
        return first.Concat(young > 0 ? Interleave(old, young - 1).Select(static rest => "y" + rest) : []);
    }

    [Theory]
    [MemberData(nameof(Orders))]
    public async Task An_old_and_a_new_owner_in_any_order_end_at_the_new_owners_rows(string order)
    {
        await _store.ShipAsync(_partition, 0, 10, State(1, 1, 5), State(2, 1, 6), Part(7, SubKind.Block, 1, 3));
        await using var oldStore = Open();
        await using var newStore = Open();
        SnapshotRow[] oldRows = [State(1, 1, 15), State(3, 1, 12), Part(7, SubKind.Block, 2, 14)];
        SnapshotRow[] newRows = [State(1, 1, 25), State(3, 1, 12), Part(7, SubKind.Block, 2, 14).Dropped(29), Part(7, SubKind.Block, 1, 3).Dropped(29)];
        var writers = new Dictionary<char, IEnumerator<Func<Task>>>
        {
            ['o'] = Steps(oldStore, 20, oldRows).GetEnumerator(),
            ['y'] = Steps(newStore, 30, newRows).GetEnumerator(),
        };
        foreach (var writer in order)
        {
            writers[writer].MoveNext();
            await writers[writer].Current();
        }
        Assert.Equal(Describe([State(1, 1, 25), State(2, 1, 6), State(3, 1, 12)]), await _store.DescribeAsync(_partition));
        var progress = await _store.ReadProgressAsync(_partition, Token);
        Assert.Equal(Mark(30), progress.Shipped);
        Assert.Empty(progress.OpenIntents);
    }

    private IEnumerable<Func<Task>> Steps(ISnapshotStore store, long target, SnapshotRow[] rows)
    {
        IShipment ship = null!;
        yield return async () => ship = await store.BeginShipAsync(_partition, 10, Mark(target), Token);
        yield return () => ship.WriteAllAsync(rows);
        yield return async () =>
        {
            await ship.CompleteAsync(Token);
            await ship.DisposeAsync();
        };
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Rows_are_at_or_ahead_of_the_position_whatever_ships_are_repeated_late_or_broken_off(int seed)
    {
        var random = new Random(seed);
        var log = new SnapshotLog(random, 1500, 120);
        List<(IShipment Ship, long Target)> late = [];
        long position = 0, ahead = 0;
        while (position < log.Length)
        {
            await using var store = Open();
            var target = Math.Min(log.Length, position + random.Next(1, 40));
            var since = random.Next(8) == 0 ? random.NextInt64(position + 1) : position;
            var ship = await store.BeginShipAsync(_partition, since, Mark(target), Token);
            await ship.WriteAllAsync(log.Between(since, target));
            ahead = Math.Max(ahead, target);
            switch (random.Next(6))
            {
                case 0:
                    await ship.DisposeAsync();
                    break;
                case 1:
                    late.Add((ship, target));
                    break;
                default:
                    await ship.CompleteAsync(Token);
                    position = target;
                    break;
            }
            if (late.Count > 0 && random.Next(4) == 0) position = Math.Max(position, await EndAsync(late));
            var progress = await store.ReadProgressAsync(_partition, Token);
            Assert.Equal(position, progress.Shipped?.Position ?? 0);
            if (random.Next(5) == 0) Assert.Null(log.Fault(await store.ReadAllAsync(_partition), position, ahead));
        }
        Assert.Equal(Describe(log.At(position)), await _store.DescribeAsync(_partition));
    }

    // A late ship may be dismissed; whoever would still need it begins again.
    private static async Task<long> EndAsync(List<(IShipment Ship, long Target)> late)
    {
        var (ship, target) = late[^1];
        late.RemoveAt(late.Count - 1);
        try
        {
            await ship.CompleteAsync(Token);
            return target;
        }
        catch (SnapshotUnavailableException)
        {
            return 0;
        }
    }

    [Fact]
    public async Task Two_hundred_thousand_rows_are_shipped_changed_and_restored()
    {
        const int count = 200_000;
        var ship = await _store.BeginShipAsync(_partition, 0, Mark(count), Token);
        for (var i = 0; i < count; i++) await ship.WriteAsync([State((ulong)(i * 7919L % count) + 1, 7, i, 40)], Token);
        await ship.CompleteAsync(Token);
        await ship.DisposeAsync();
        var second = await _store.BeginShipAsync(_partition, count, Mark(2 * count), Token);
        for (var i = 1; i <= count; i += 10) await second.WriteAsync([State((ulong)i, 7, count + i, 40)], Token);
        await second.CompleteAsync(Token);
        await second.DisposeAsync();

        await using var other = Open();
        var (rows, changed) = (0, 0);
        await foreach (var row in other.ReadPartitionAsync(_partition, 0, Token))
        {
            rows++;
            if (row.Offset >= count) changed++;
        }
        Assert.Equal((count, count / 10), (rows, changed));
        var user = await other.ReadUserAsync(_partition, 101, Token);
        Assert.Equal((1, count + 101), (user.Count, user.GreatestOffset));
        Assert.Equal(1, (await other.ReadUserAsync(_partition, 100, Token)).Count);
    }

    [Fact]
    public async Task A_reader_beside_a_writer_sees_whole_aggregates_that_never_go_back()
    {
        const int ships = 40;
        await _store.ShipAsync(_partition, 0, 10, Generation(0));
        var writing = Task.Run(async () =>
        {
            await using var store = Open();
            for (var i = 1; i <= ships; i++) await store.ShipAsync(_partition, 10 * i, 10 * (i + 1), Generation(i));
        });
        var last = 0L;
        await using var reader = Open();
        for (var read = 0; !writing.IsCompleted || read < 10; read++)
        {
            var before = (await reader.ReadProgressAsync(_partition, Token)).Shipped!.Value.Position;
            var rows = (await reader.ReadAllAsync(_partition)).Values;
            Assert.Equal(12, rows.Count);
            Assert.All(rows.GroupBy(static row => row.Root), static group => Assert.Single(group.Select(static row => row.Offset).Distinct()));
            Assert.All(rows, row => Assert.True(row.Offset >= before - 10));
            var channel = await reader.ReadChannelAsync(_partition, 2, Token);
            Assert.Equal(4, channel.Count);
            Assert.True(channel.GreatestOffset >= last);
            last = channel.GreatestOffset;
        }
        await writing;
        Assert.Equal(10 * ships, (await reader.ReadChannelAsync(_partition, 2, Token)).GreatestOffset);
    }

    private static SnapshotRow[] Generation(int number) =>
        [.. Enumerable.Range(1, 3).SelectMany(channel => Enumerable.Range(0, 4).Select(part => Part((ulong)channel, SubKind.Block, (uint)part, 10 * number)))];
}
