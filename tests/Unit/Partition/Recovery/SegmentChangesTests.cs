using ReadStateStream.Fold;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;
using ReadStateStream.Unit.Partition.Device;
using Xunit;

namespace ReadStateStream.Unit.Partition.Recovery;

/// <summary>What is found to have changed in a stretch of the record log is what changed: each record once, each aggregate together.</summary>
public sealed class SegmentChangesTests : IDisposable
{
    private const int PageBytes = 4 << 10;
    private const int Keys = 400;

    private readonly DeviceFolder _folder = new();
    private readonly StateDevice _device;
    private readonly StateStore _store;
    private readonly Dictionary<Key16, (long Applied, byte[] Value)> _live = [];
    private readonly Dictionary<Key16, bool> _deleted = []; // since the last stretch; whether it was there before it
    private readonly HashSet<Key16> _created = [];
    private long _position;

    public SegmentChangesTests()
    {
        var options = new StoreOptions { LogMemoryBytes = 128 << 10, PageBytes = PageBytes, IndexBytes = 64 * 64, SegmentBytes = 64 << 10 };
        _device = _folder.Open(segmentBytes: (int)options.SegmentBytes);
        _store = new StateStore(options, StoredPolicy.From(new PolicyOptions()), _device);
    }

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1, 1 << 20)]
    [InlineData(2, 1 << 20)]
    [InlineData(3, 40)] // some rounds
    [InlineData(4, 7)]
    public void Each_record_that_changed_comes_once_and_each_aggregate_together(int seed, int recordsARound)
    {
        var random = new Random(seed);
        using var changes = new SegmentChanges(_device, PageBytes, recordsARound);
        var rounds = 0;
        long from = _store.BeginAddress, shipped = 0;
        for (var stretch = 0; stretch < 6; stretch++)
        {
            Change(random, stretch == 4 ? 0 : 1_500);
            var fold = _store.Fold();
            _device.Flush();
            changes.Begin(from, fold.Tail, shipped);
            while (changes.Scan(100))
            {
            }
            rounds = Math.Max(rounds, changes.Rounds);
            Check(changes, shipped);
            (from, shipped) = (fold.Tail, _position);
            _deleted.Clear();
            _created.Clear();
        }
        Assert.True(rounds > 1 == recordsARound < Keys, $"{rounds} rounds");
    }

    private void Check(SegmentChanges changes, long shipped)
    {
        var rows = new List<SnapshotRow>();
        var seen = new Dictionary<Key16, SnapshotRow>();
        var roots = new HashSet<Key16>();
        while (changes.TryNext(_position, rows))
        {
            if (rows.Count == 0) continue;
            Assert.True(roots.Add(rows[0].Root), "an aggregate came twice");
            foreach (var row in rows)
            {
                Assert.Equal(rows[0].Root, row.Root);
                Assert.Equal(AggregateRoot.Of(row.Key, []), row.Root);
                Assert.True(seen.TryAdd(row.Key, row with { Value = row.Value.ToArray() }), "a record came twice");
            }
        }
        var changed = _live.Where(record => record.Value.Applied >= shipped).Select(record => record.Key).ToHashSet();
        foreach (var key in changed)
        {
            Assert.Equal((_live[key].Applied, Convert.ToHexString(_live[key].Value)), (seen[key].Offset, Convert.ToHexString(seen[key].Value.Span)));
            seen.Remove(key);
        }
        foreach (var (key, wasThere) in _deleted)
        {
            Assert.True(seen.Remove(key, out var row) || !wasThere, "a tombstone is missing");
            if (wasThere) Assert.Equal((_position - 1, 0), (row.Offset, row.Value.Length));
        }
        Assert.Empty(seen);
    }

    private void Change(Random random, int times)
    {
        _store.Enter();
        for (; times > 0; times--)
        {
            var key = Pick(random.Next(Keys));
            var dice = random.Next(10);
            if (dice == 0) Delete(key);
            else if (dice == 1) _store.Rescue([Pick(random.Next(Keys)), Pick(random.Next(Keys) + Keys)], _store.FlushedUntil);
            else Write(key, random);
        }
        _store.Exit();
    }

    /// <summary>Half of them aggregates of one record, the others parts of some channels and lists.</summary>
    private static Key16 Pick(int number) => (number % 4) switch
    {
        0 => Key16.OfChannel((ulong)(number / 40) + 1, number % 40 == 0 ? SubKind.ChannelRecord : SubKind.Block, (uint)(number % 40)),
        1 => Key16.OfUser((ulong)(number / 20) + 1, SubKind.ChannelList, (uint)(number % 20)),
        _ => Key16.ReadState((ulong)number + 1, 7),
    };

    private void Write(Key16 key, Random random)
    {
        var used = random.Next(RecordHeader.Length, 200);
        random.NextBytes(_store.Scratch[..used]);
        RecordHeader.Write(_store.Scratch, _position, used);
        var value = _store.Scratch[..used].ToArray();
        _store.Replace(key, used, RecordHeader.CapacityFor(used));
        if (!_live.ContainsKey(key) && !_deleted.ContainsKey(key)) _created.Add(key);
        _live[key] = (_position++, value);
        _deleted.Remove(key);
    }

    private void Delete(Key16 key)
    {
        _store.Delete(key);
        if (!_live.Remove(key)) return;
        _position++;
        _deleted[key] = !_created.Contains(key);
    }
}
