using ReadStateStream.Host.Ingest;
using Xunit;

namespace ReadStateStream.Unit.Host;

public class EventIdStamperTests
{
    private const long Epoch = 1_420_070_400_000;
    private const long Hour = 3_600_000;

    [Fact]
    public void Ids_tell_the_clock_and_grow_where_it_stands()
    {
        var clock = new SetClock { UnixMs = Epoch + 1_000 };
        var stamper = new EventIdStamper(clock, Epoch, Hour, 0);
        Assert.Equal([1_000UL << 22, (1_000UL << 22) + 1], [Stamp(stamper), Stamp(stamper)]);
        clock.UnixMs++;
        Assert.Equal(1_001UL << 22, Stamp(stamper));
    }

    [Fact]
    public void Ids_grow_where_the_clock_goes_back_and_after_a_restart()
    {
        var clock = new SetClock { UnixMs = Epoch + Hour };
        var last = Stamp(new EventIdStamper(clock, Epoch, Hour, 0));
        clock.UnixMs -= Hour;
        var restarted = new EventIdStamper(clock, Epoch, Hour, last);
        Assert.Equal([last + 1, last + 2], [Stamp(restarted), Stamp(restarted)]);
    }

    [Fact]
    public void An_id_that_would_be_dead_lettered_is_not_stamped_until_the_clock_has_come_near()
    {
        var clock = new SetClock { UnixMs = Epoch + 10 * Hour };
        var stamper = new EventIdStamper(clock, Epoch, Hour, 0);
        var last = Stamp(stamper);
        clock.UnixMs -= Hour + 1;
        Assert.False(stamper.TryStamp(out var none));
        Assert.Equal(0UL, none);
        clock.UnixMs++;
        Assert.Equal(last + 1, Stamp(stamper));
    }

    [Fact]
    public void No_id_is_above_the_greatest_there_is()
    {
        // The greatest id's time, so that the end of the ids is what stops it and not the clock.
        var clock = new SetClock { UnixMs = (long)(EventValidator.MaxId >> 22) };
        var stamper = new EventIdStamper(clock, 0, Hour, EventValidator.MaxId - 1);
        Assert.Equal(EventValidator.MaxId, Stamp(stamper));
        Assert.False(stamper.TryStamp(out _));
        clock.UnixMs += 10;
        Assert.False(new EventIdStamper(clock, 0, Hour, 0).TryStamp(out _));
    }

    [Fact]
    public void Before_the_epoch_ids_begin_at_one()
    {
        var stamper = new EventIdStamper(new SetClock { UnixMs = Epoch - 5 }, Epoch, Hour, 0);
        Assert.Equal([1UL, 2UL], [Stamp(stamper), Stamp(stamper)]);
    }

    [Fact]
    public void Ids_of_several_threads_are_all_different()
    {
        var stamper = new EventIdStamper(new SetClock { UnixMs = Epoch + 1 }, Epoch, Hour, 0);
        var ids = new ulong[4][];
        Parallel.For(0, 4, thread => ids[thread] = [.. Enumerable.Range(0, 10_000).Select(_ => Stamp(stamper))]);
        Assert.Equal(40_000, ids.SelectMany(all => all).Distinct().Count());
        Assert.All(ids, own => Assert.True(own.SequenceEqual(own.Order())));
    }

    [Fact]
    public void Ids_of_two_nodes_differ_whatever_the_clock_does()
    {
        var clock = new SetClock { UnixMs = Epoch + 5 };
        EventIdStamper[] stampers = [new(clock, Epoch, Hour, 0, 0), new(clock, Epoch, Hour, 0, 1), new(clock, Epoch, Hour, 0, 1_023)];
        var ids = new List<ulong>();
        for (var i = 0; i < 10_000; i++)
        {
            // More than a sequence in one millisecond.
            if (i % 9_000 == 0) clock.UnixMs++;
            ids.AddRange(stampers.Select(Stamp));
        }
        Assert.Equal(ids.Count, ids.Distinct().Count());
        for (var node = 0; node < stampers.Length; node++)
        {
            var own = ids.Where((_, at) => at % stampers.Length == node).ToList();
            Assert.Equal(own.Order(), own);
            Assert.All(own, id => Assert.Equal(node == 2 ? 1_023UL : (ulong)node, id >> 12 & 1_023));
        }
        // Another number at the next start: above all the same.
        var restarted = Stamp(new EventIdStamper(clock, Epoch, Hour, ids.Max(), 7));
        Assert.True(restarted > ids.Max());
        Assert.Equal(7UL, restarted >> 12 & 1_023);
    }

    [Fact]
    public void A_processor_whose_log_does_not_know_its_ids_keeps_one_above_them()
    {
        var folder = Directory.CreateTempSubdirectory("readstate-ids-").FullName;
        try
        {
            var clock = new SetClock { UnixMs = Epoch + Hour };
            var first = new EventIdStamper(clock, Epoch, Hour, 0, 3, new StampReservation(folder));
            var last = Enumerable.Range(0, 100).Select(_ => Stamp(first)).Last();
            // A kill, and a clock that was set back.
            clock.UnixMs -= Hour / 2;
            var kept = new StampReservation(folder);
            Assert.InRange(kept.Greatest, last, last + (1_001UL << 22));
            Assert.True(Stamp(new EventIdStamper(clock, Epoch, Hour, kept.Greatest, 9, kept)) > last);
            File.WriteAllText(Path.Combine(folder, "event-ids"), "x");
            Assert.Throws<ReadStateStream.Host.Settings.SettingException>(() => new StampReservation(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static ulong Stamp(EventIdStamper stamper)
    {
        Assert.True(stamper.TryStamp(out var id));
        return id;
    }

    private sealed class SetClock : TimeProvider
    {
        public long UnixMs { get; set; }

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(UnixMs);
    }
}
