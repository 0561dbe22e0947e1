using System.Globalization;
using System.Text;
using Microsoft.Win32.SafeHandles;
using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Log;

/// <summary>A log that is cut: what goes is said before it goes, and only that may be missing.</summary>
public sealed class EmbeddedLogRetentionTests : IDisposable
{
    private const int Records = 400;

    private readonly TopicFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A closed log of some seven segments; record i says "v{i}".</summary>
    private async Task FillAsync(TimeProvider? time = null)
    {
        await using var topic = _folder.Open(time: time);
        await TopicFolder.PublishOneByOne(topic, 0, Records);
    }

    private static List<int> SegmentsOf(TopicFolder folder) =>
        [.. Directory.EnumerateFiles(folder.Segments, "log.*").Select(path => int.Parse(Path.GetExtension(path)[1..], CultureInfo.InvariantCulture)).Order()];

    private static void AssertReads(EmbeddedLog log, int end = Records)
    {
        Assert.Null(log.Refusal);
        Assert.Equal(end, log.EndOffset);
        Assert.Equal(TopicFolder.Texts((int)log.BeginOffset, end - (int)log.BeginOffset), TopicFolder.Read(log, log.BeginOffset));
        Assert.Equal(log.BeginOffset > 0, !log.TryFingerprint(0, out _));
        Assert.True(log.TryFingerprint(log.BeginOffset, out _));
    }

    // Cuts the folder's log up to a position, in one go; returns where it begins then.
    private static async Task<long> CutAsync(TopicFolder folder, long offset, DiskOperations? disk = null)
    {
        await using var topic = folder.Open(disk is null ? null : TopicFolder.Tiny with { Disk = disk });
        var log = topic.Partitions[0];
        while (log.CutBelow(offset, long.MaxValue, 1))
        {
        }
        return log.BeginOffset;
    }

    [Fact]
    public async Task Whole_segments_go_and_the_record_below_the_offset_stays()
    {
        await FillAsync();
        var all = SegmentsOf(_folder).Count;
        Assert.InRange(all, 5, 20);
        var begins = new SortedSet<long>();
        await using (var topic = _folder.Open())
        {
            var log = topic.Partitions[0];
            for (var offset = 0; offset <= Records; offset++)
            {
                Assert.False(log.CutBelow(offset, long.MaxValue, all));
                Assert.InRange(log.BeginOffset, 0, Math.Max(0, offset - 1));
                if (begins.Add(log.BeginOffset)) AssertReads(log);
                // Each segment went as soon as it could.
                Assert.Equal(all - begins.Count + 1, SegmentsOf(_folder).Count);
            }
            Assert.Throws<ArgumentOutOfRangeException>(() => log.OpenReader(log.BeginOffset - 1));
            Assert.Throws<ArgumentOutOfRangeException>(() => log.CutBelow(Records + 1, long.MaxValue, 1));
        }
        Assert.True(begins.Count >= all - 1, $"{begins.Count} begins of {all} segments");
        await using (var again = _folder.Open())
        {
            Assert.Equal(begins.Max, again.Partitions[0].BeginOffset);
            AssertReads(again.Partitions[0]);
            await TopicFolder.PublishOneByOne(again, Records, 200);
            AssertReads(again.Partitions[0], Records + 200);
        }
        Assert.True(await CutAsync(_folder, Records + 200) > begins.Max);
        await using (var last = _folder.Open()) AssertReads(last.Partitions[0], Records + 200);
    }

    [Fact]
    public async Task One_call_deletes_no_more_files_than_it_may()
    {
        await FillAsync();
        var before = SegmentsOf(_folder);
        await using var topic = _folder.Open();
        Assert.True(topic.Partitions[0].CutBelow(Records, long.MaxValue, 2));
        Assert.Equal(before.Skip(2), SegmentsOf(_folder));
        AssertReads(topic.Partitions[0]);
    }

    [Fact]
    public async Task Only_records_older_than_the_time_go()
    {
        var clock = new SettableTime();
        await using var topic = _folder.Open(time: clock);
        var log = topic.Partitions[0];
        for (var hour = 0; hour < 20; hour++)
        {
            clock.Now = DateTimeOffset.UnixEpoch.AddHours(hour);
            await TopicFolder.PublishOneByOne(topic, hour * 40, 40);
        }
        var moved = 0;
        for (var hour = 0; hour < 20; hour++)
        {
            var before = log.BeginOffset;
            while (log.CutBelow(log.EndOffset, DateTimeOffset.UnixEpoch.AddHours(hour).ToUnixTimeMilliseconds(), 1))
            {
            }
            // Records of this hour are the first that are not older.
            Assert.InRange(log.BeginOffset, before, hour * 40);
            if (log.BeginOffset > before) moved++;
        }
        Assert.True(moved >= 5, $"moved {moved} times");
        AssertReads(log, 800);
    }

    [Fact]
    public async Task The_greatest_stamped_id_and_the_append_time_outlive_a_cut()
    {
        var clock = new SettableTime { Now = DateTimeOffset.FromUnixTimeMilliseconds(5_000) };
        await using (var topic = _folder.Open(time: clock))
        {
            await topic.PublishAsync([TopicFolder.Record("v0", stamped: 77)], TestContext.Current.CancellationToken);
            await TopicFolder.PublishOneByOne(topic, 1, Records - 1);
        }
        Assert.True(await CutAsync(_folder, Records) > 0);
        clock.Now = DateTimeOffset.FromUnixTimeMilliseconds(4_000);
        await using (var topic = _folder.Open(time: clock))
        {
            Assert.Equal(77UL, topic.GreatestStampedEventId);
            Assert.Equal(5_000, topic.Partitions[0].LastAppendedUnixMs);
        }
    }

    [Fact]
    public async Task A_reader_under_way_says_that_its_records_are_gone_unless_they_are_not()
    {
        await FillAsync();
        using var copy = _folder.Copy();
        var begin = await CutAsync(copy, Records);
        await using var topic = _folder.Open();
        var log = topic.Partitions[0];
        using var below = log.OpenReader(0);
        Assert.True(below.TryRead(out _));
        // Frames that are indexed lie up to 2 KiB apart: some of these readers stand below the cut, with nothing to return from there.
        List<IEventLogReader> above = [.. Enumerable.Range((int)begin, 15).Select(offset => log.OpenReader(offset))];
        while (log.CutBelow(Records, long.MaxValue, 2))
        {
        }
        Assert.Equal(begin, log.BeginOffset);
        LogRecordsGoneException? gone = null;
        while (gone is null)
        {
            try
            {
                Assert.True(below.TryRead(out var record));
                Assert.True(record.Offset < 100, "what it holds in its buffer, no more");
            }
            catch (LogRecordsGoneException error)
            {
                gone = error;
            }
        }
        Assert.Equal((below.NextOffset, begin), (gone.Offset, gone.BeginOffset));
        Assert.Throws<LogRecordsGoneException>(() => below.TryRead(out _));
        for (var i = 0; i < above.Count; i++)
        {
            using var reader = above[i];
            for (var offset = begin + i; offset < Records; offset++)
            {
                Assert.True(reader.TryRead(out var record));
                Assert.Equal(offset, record.Offset);
            }
            Assert.False(reader.TryRead(out _));
        }
    }

    [Fact]
    public async Task Cutting_reading_and_appending_go_together()
    {
        const int total = 3_000;
        await using var topic = _folder.Open();
        var log = topic.Partitions[0];
        var done = false;
        var reads = 0;
        var cutter = Task.Run(() =>
        {
            while (!Volatile.Read(ref done)) CutAtEnd(log);
        }, TestContext.Current.CancellationToken);
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!Volatile.Read(ref done)) Interlocked.Add(ref reads, ReadThrough(log));
        }, TestContext.Current.CancellationToken)).ToArray();
        for (var i = 0; i < total; i += 20)
            Assert.All(await topic.PublishAsync(TopicFolder.Records(i, 20), TestContext.Current.CancellationToken), result => Assert.Null(result.Error));
        Volatile.Write(ref done, true);
        await Task.WhenAll([cutter, .. readers]);
        // However little time the others were given.
        while (CutAtEnd(log))
        {
        }
        reads += ReadThrough(log);
        Assert.True(log.BeginOffset > total / 2, $"begins at {log.BeginOffset}");
        Assert.True(reads > 0);
        AssertReads(log, total);
    }

    private static bool CutAtEnd(EmbeddedLog log)
    {
        var end = log.EndOffset;
        var hasMore = log.CutBelow(end, long.MaxValue, 3);
        if (end > 0) Assert.True(log.TryFingerprint(end - 1, out _));
        return hasMore;
    }

    private static int ReadThrough(EmbeddedLog log)
    {
        var count = 0;
        try
        {
            using var reader = log.OpenReader(log.BeginOffset);
            for (var expected = reader.NextOffset; reader.TryRead(out var record); expected++, count++)
            {
                Assert.Equal(expected, record.Offset);
                Assert.StartsWith($"v{expected}.", Encoding.UTF8.GetString(record.Value), StringComparison.Ordinal);
            }
        }
        catch (Exception cutMeanwhile) when (cutMeanwhile is LogRecordsGoneException or ArgumentOutOfRangeException)
        {
            Assert.True(log.BeginOffset > 0);
        }
        return count;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_crash_at_any_operation_of_a_cut_leaves_the_log_before_or_after_it(bool isSecond)
    {
        await FillAsync();
        var before = isSecond ? await CutAsync(_folder, 150) : 0;
        Assert.Equal(isSecond, before > 0);
        using var whole = _folder.Copy();
        var after = await CutAtOnceAsync(whole, new CrashingDisk());
        var found = new List<(long Begin, int Files)>();
        for (var at = 1; ; at++)
        {
            using var image = _folder.Copy();
            var disk = new CrashingDisk { At = at };
            using var crashed = await CrashAsync(image, disk);
            var files = SegmentsOf(crashed).Count;
            await using (var topic = crashed.Open())
            {
                var log = topic.Partitions[0];
                Assert.True(log.BeginOffset == before || log.BeginOffset == after, $"begins at {log.BeginOffset} after a crash at operation {at}");
                AssertReads(log);
                found.Add((log.BeginOffset, files));
                await TopicFolder.PublishOneByOne(topic, Records, 3);
            }
            // What was left of the cut is gone, and a cut that did not happen can happen now.
            Assert.Equal(after, await CutAsync(crashed, Records));
            Assert.Equal(SegmentsOf(whole), SegmentsOf(crashed));
            await using (var topic = crashed.Open()) AssertReads(topic.Partitions[0], Records + 3);
            if (!disk.HasCrashed) break;
        }
        Assert.Contains(found, f => f.Begin == before);
        Assert.True(found.Where(f => f.Begin == after).Select(f => f.Files).Distinct().Count() >= 3, "cuts were met half done");
    }

    private static async Task<long> CutAtOnceAsync(TopicFolder folder, CrashingDisk disk)
    {
        await using var topic = folder.Open(TopicFolder.Tiny with { Disk = disk });
        disk.IsArmed = true;
        Assert.False(topic.Partitions[0].CutBelow(Records, long.MaxValue, 100));
        disk.IsArmed = false;
        return topic.Partitions[0].BeginOffset;
    }

    private static async Task<TopicFolder> CrashAsync(TopicFolder image, CrashingDisk disk)
    {
        await using var topic = image.Open(TopicFolder.Tiny with { Disk = disk });
        disk.IsArmed = true;
        try
        {
            topic.Partitions[0].CutBelow(Records, long.MaxValue, 100);
        }
        catch (IOException) when (disk.HasCrashed)
        {
            // As if the process had ended: what counts is on the disk.
        }
        disk.IsArmed = false;
        return image.Copy();
    }

    /// <summary>A power cut may undo what was not forced onto the disk: so the order of the operations is the promise.</summary>
    [Fact]
    public async Task The_new_begin_is_on_the_disk_before_the_first_file_goes()
    {
        await FillAsync();
        var disk = new CrashingDisk();
        await CutAtOnceAsync(_folder, disk);
        Assert.Equal(["create begin.new", "write begin.new", "sync begin.new", "rename begin", "sync folder", "delete log.0"], disk.Done.Take(6));
        Assert.Equal(
            disk.Done.Where(done => done.StartsWith("delete", StringComparison.Ordinal)),
            Enumerable.Range(0, SegmentsOf(_folder)[0]).Select(segment => $"delete log.{segment}"));
    }

    [Fact]
    public async Task A_file_that_cannot_be_deleted_goes_with_the_next_cut()
    {
        await FillAsync();
        var disk = new CrashingDisk { At = 6 };
        await using var topic = _folder.Open(TopicFolder.Tiny with { Disk = disk });
        var log = topic.Partitions[0];
        disk.IsArmed = true;
        Assert.Throws<IOException>(() => log.CutBelow(Records, long.MaxValue, 2));
        Assert.Equal(0, SegmentsOf(_folder)[0]);
        Assert.True(log.BeginOffset > 0);
        AssertReads(log);
        disk.IsArmed = false;
        log.CutBelow(0, long.MaxValue, 2);
        Assert.Equal(2, SegmentsOf(_folder)[0]);
        AssertReads(log);
    }

    private async Task<TopicFolder> DamagedAsync(Action<TopicFolder> damage)
    {
        await FillAsync();
        Assert.True(await CutAsync(_folder, Records) > 0);
        var copy = _folder.Copy();
        damage(copy);
        return copy;
    }

    private static string BeginOf(TopicFolder folder) => Path.Combine(folder.Segments, "begin");

    private static async Task AssertRefusedAsync(TopicFolder folder)
    {
        List<string> Content() => [.. Directory.EnumerateFiles(folder.Segments).Order().Select(path => path + Convert.ToHexString(File.ReadAllBytes(path)))];
        var before = Content();
        await using (var topic = folder.Open())
        {
            Assert.IsType<LogDamagedException>(topic.Partitions[0].Refusal);
            Assert.Throws<LogDamagedException>(() => topic.Partitions[0].OpenReader(0));
            Assert.Throws<LogDamagedException>(() => topic.Partitions[0].CutBelow(1, long.MaxValue, 1));
        }
        Assert.Equal(before, Content());
        folder.Dispose();
    }

    [Fact]
    public async Task Segments_that_are_missing_without_a_note_are_damage() =>
        await AssertRefusedAsync(await DamagedAsync(static folder => File.Delete(BeginOf(folder))));

    [Fact]
    public async Task Segments_that_are_missing_above_the_begin_are_damage() =>
        await AssertRefusedAsync(await DamagedAsync(static folder => File.Delete(folder.Segment(SegmentsOf(folder)[0]))));

    [Fact]
    public async Task A_log_whose_every_segment_is_missing_is_damaged() =>
        await AssertRefusedAsync(await DamagedAsync(static folder => SegmentsOf(folder).ForEach(segment => File.Delete(folder.Segment(segment)))));

    [Fact]
    public async Task Another_first_record_than_the_noted_one_is_damage() =>
        await AssertRefusedAsync(await DamagedAsync(static folder =>
        {
            var path = folder.Segment(SegmentsOf(folder)[0]);
            var bytes = File.ReadAllBytes(path);
            bytes[bytes.AsSpan().IndexOf("kv"u8)] ^= 1;
            File.WriteAllBytes(path, bytes);
        }));

    [Fact]
    public async Task A_note_that_does_not_verify_is_damage_once_segments_are_missing()
    {
        await FillAsync();
        await CutAsync(_folder, Records);
        var note = File.ReadAllBytes(BeginOf(_folder));
        for (var at = 0; at < note.Length; at += 5)
        {
            var flipped = _folder.Copy();
            File.WriteAllBytes(BeginOf(flipped), [.. note[..at], (byte)(note[at] ^ 4), .. note[(at + 1)..]]);
            await AssertRefusedAsync(flipped);
            var torn = _folder.Copy();
            File.WriteAllBytes(BeginOf(torn), note[..at]);
            await AssertRefusedAsync(torn);
        }
    }

    [Fact]
    public async Task The_note_of_another_topic_proves_nothing()
    {
        using var other = new TopicFolder();
        await using (var topic = other.Open()) await TopicFolder.PublishOneByOne(topic, 0, Records);
        await CutAsync(other, Records);
        await AssertRefusedAsync(await DamagedAsync(folder => File.Copy(BeginOf(other), BeginOf(folder), overwrite: true)));
    }

    [Fact]
    public async Task A_note_that_does_not_verify_is_passed_over_while_nothing_is_missing()
    {
        await FillAsync();
        File.WriteAllText(BeginOf(_folder), "torn");
        await using (var topic = _folder.Open())
        {
            Assert.Equal(0, topic.Partitions[0].BeginOffset);
            AssertReads(topic.Partitions[0]);
        }
        Assert.True(await CutAsync(_folder, Records) > 0);
        await using (var topic = _folder.Open()) AssertReads(topic.Partitions[0]);
    }
}

/// <summary>The real disk, which ends at one of the operations that change something: it and all later ones fail.</summary>
internal sealed class CrashingDisk : DiskOperations
{
    public bool IsArmed { get; set; }

    /// <summary>Number of the operation that is the first to fail, from 1.</summary>
    public int At { get; init; } = int.MaxValue;

    public bool HasCrashed { get; private set; }

    public List<string> Done { get; } = [];

    private void Meet(string operation, string path)
    {
        if (!IsArmed) return;
        if (HasCrashed || Done.Count + 1 >= At)
        {
            HasCrashed = true;
            throw new IOException("crashed", DiskDouble.InputOutput);
        }
        Done.Add($"{operation} {Path.GetFileName(path)}".Replace("partition-0000", "folder", StringComparison.Ordinal));
    }

    public override SafeFileHandle Create(string path)
    {
        Meet("create", path);
        return base.Create(path);
    }

    public override void Write(string path, SafeFileHandle file, ReadOnlySpan<byte> source, long offset)
    {
        if (IsArmed && Done.Count + 1 == At) base.Write(path, file, source[..(source.Length / 2)], offset);
        Meet("write", path);
        base.Write(path, file, source, offset);
    }

    public override void Sync(string path, SafeFileHandle file) => Meet("sync", path);

    public override void Rename(string from, string to)
    {
        Meet("rename", to);
        base.Rename(from, to);
    }

    public override void SyncFolder(string folder) => Meet("sync", folder);

    public override void Delete(string path)
    {
        Meet("delete", path);
        base.Delete(path);
    }
}
