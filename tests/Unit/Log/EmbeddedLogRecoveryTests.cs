using System.Collections.Concurrent;
using System.Security.Cryptography;
using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Log;

/// <summary>What a crash may leave is cut; what was acknowledged and is gone is refused; nothing in between.</summary>
public sealed class EmbeddedLogRecoveryTests : IDisposable
{
    private readonly TopicFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>A crash image: records in frames and commits of their own, and no clean close.</summary>
    private async Task<TopicFolder> CrashedAfter(int records)
    {
        await using var topic = _folder.Open();
        await TopicFolder.PublishOneByOne(topic, 0, records);
        return _folder.Copy();
    }

    private static (string Path, long Length) LastSegment(TopicFolder folder)
    {
        var number = Directory.EnumerateFiles(folder.Segments, "log.*").Max(path => int.Parse(Path.GetExtension(path)[1..]));
        return (folder.Segment(number), new FileInfo(folder.Segment(number)).Length);
    }

    private static void Overwrite(string path, long offset, ReadOnlySpan<byte> bytes)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write);
        RandomAccess.Write(file, bytes, offset);
    }

    // Opens, checks that a prefix is left, appends, opens again. Returns the records that were left.
    private static async Task<int> AssertPrefixAndGoesOn(TopicFolder folder)
    {
        int left;
        await using (var topic = folder.Open())
        {
            Assert.Null(topic.Partitions[0].Refusal);
            left = (int)topic.Partitions[0].EndOffset;
            Assert.Equal(TopicFolder.Texts(0, left), TopicFolder.Read(topic.Partitions[0]));
            await TopicFolder.PublishOneByOne(topic, left, 3);
        }
        await using (var topic = folder.Open())
        {
            Assert.Equal(0, topic.Partitions[0].CutBytesAtOpen);
            Assert.Equal(TopicFolder.Texts(0, left + 3), TopicFolder.Read(topic.Partitions[0]));
        }
        return left;
    }

    [Fact]
    public async Task A_file_cut_anywhere_loses_only_whole_frames_from_its_end()
    {
        using var crashed = await CrashedAfter(40);
        var last = 40;
        var seen = new HashSet<int>();
        for (var cut = 0; cut < 1500; cut += 23)
        {
            using var image = crashed.Copy();
            var (path, length) = LastSegment(image);
            using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write)) RandomAccess.SetLength(file, length - cut);
            var left = await AssertPrefixAndGoesOn(image);
            Assert.InRange(left, last - 1, last);
            seen.Add(last = left);
        }
        Assert.True(seen.Count >= 4, $"cuts reached {seen.Count} different ends");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_tail_overwritten_to_its_end_is_cut(bool withGarbage)
    {
        using var crashed = await CrashedAfter(40);
        var random = new Random(1);
        var last = 40;
        for (var tail = 1; tail < 1500; tail += 29)
        {
            using var image = crashed.Copy();
            var (path, length) = LastSegment(image);
            var bytes = new byte[tail];
            if (withGarbage) random.NextBytes(bytes);
            Overwrite(path, length - tail, bytes);
            var left = await AssertPrefixAndGoesOn(image);
            Assert.InRange(left, last - 1, last);
            last = left;
        }
        Assert.True(last < 38);
    }

    [Fact]
    public async Task A_flipped_byte_below_the_last_commit_is_refused_and_changes_no_file()
    {
        using var crashed = await CrashedAfter(60);
        var refused = 0;
        for (long at = 64; at < 8000; at += 97)
        {
            using var image = crashed.Copy();
            var original = File.ReadAllBytes(image.Segment(0))[at];
            Overwrite(image.Segment(0), at, [(byte)(original ^ 0x10)]);
            var before = Hashes(image);
            await using (var topic = image.Open())
            {
                if (topic.Partitions[0].Refusal is null)
                {
                    // Padding, or FasterLog's XOR of a frame, which ours covers: nothing may be missing then.
                    Assert.Equal(TopicFolder.Texts(0, 60), TopicFolder.Read(topic.Partitions[0]));
                    continue;
                }
                await AssertRefused(topic);
                refused++;
            }
            Assert.Equal(before, Hashes(image));
        }
        Assert.True(refused > 50, $"{refused} refused");
    }

    private static async Task AssertRefused(EmbeddedTopic topic)
    {
        var log = topic.Partitions[0];
        var damage = Assert.IsType<LogDamagedException>(log.Refusal);
        Assert.Contains($"record {damage.Offset} ", damage.Message, StringComparison.Ordinal);
        Assert.Throws<LogDamagedException>(() => log.OpenReader(0));
        var result = Assert.Single(await topic.PublishAsync([TopicFolder.Record("x")], TestContext.Current.CancellationToken));
        Assert.IsType<LogDamagedException>(result.Error);
    }

    private static List<string> Hashes(TopicFolder folder) =>
        [.. Directory.EnumerateFiles(folder.Segments).Order().Select(path => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path))))];

    [Theory]
    [InlineData(100, 300)]
    [InlineData(4096, 4096)]
    [InlineData(3000, 6000)]
    [InlineData(0, 16384)]
    public async Task A_zeroed_stretch_in_the_middle_is_refused(int from, int length)
    {
        using var crashed = await CrashedAfter(200);
        // Without the note all of it is verified when it is opened.
        File.Delete(Path.Combine(crashed.Segments, "verified"));
        Overwrite(crashed.Segment(0), from, new byte[length]);
        await using var topic = crashed.Open();
        await AssertRefused(topic);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_segment_that_is_gone_is_refused(int segment)
    {
        using var crashed = await CrashedAfter(300);
        Assert.True(File.Exists(crashed.Segment(segment + 1)));
        File.Delete(crashed.Segment(segment));
        await using var topic = crashed.Open();
        await AssertRefused(topic);
    }

    [Fact]
    public async Task A_refused_partition_leaves_the_others_at_work()
    {
        await using (var topic = _folder.Open(partitions: 2))
        {
            for (var i = 0; i < 20; i++)
                await topic.PublishAsync([TopicFolder.Record($"v{i}", 0, 5), TopicFolder.Record($"v{i}", 1, 4)], TestContext.Current.CancellationToken);
        }
        Overwrite(_folder.Segment(0), File.ReadAllBytes(_folder.Segment(0)).AsSpan().IndexOf("kv3"u8), [1, 2, 3]);
        await using (var topic = _folder.Open(partitions: 2))
        {
            await AssertRefused(topic);
            Assert.Equal(5UL, topic.GreatestStampedEventId); // seen in what still verifies
            Assert.Equal(TopicFolder.Texts(0, 20), TopicFolder.Read(topic.Partitions[1]));
            Assert.Equal(20, Assert.Single(await topic.PublishAsync([TopicFolder.Record("v20", 1)], TestContext.Current.CancellationToken)).Offset);
        }
    }

    [Fact]
    public async Task After_a_clean_close_damage_of_the_very_last_record_is_refused_too()
    {
        await using (var topic = _folder.Open()) await TopicFolder.PublishOneByOne(topic, 0, 5);
        var bytes = File.ReadAllBytes(_folder.Segment(0));
        Overwrite(_folder.Segment(0), bytes.AsSpan().LastIndexOf("kv4"u8), "k"u8.ToArray().Select(b => (byte)(b ^ 1)).ToArray());
        await using (var topic = _folder.Open()) await AssertRefused(topic);
    }

    [Fact]
    public async Task Another_topics_files_are_not_taken_for_ones_own()
    {
        using var other = new TopicFolder();
        await using (var topic = _folder.Open()) await TopicFolder.PublishOneByOne(topic, 0, 5);
        await using (var topic = other.Open()) await TopicFolder.PublishOneByOne(topic, 0, 5);
        File.Copy(other.Segment(0), _folder.Segment(0), overwrite: true);
        await using (var topic = _folder.Open()) Assert.Equal(0, topic.Partitions[0].EndOffset);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_crash_image_taken_while_appending_holds_what_was_acknowledged(bool powerCut)
    {
        var disk = new DiskDouble { KeepsBefore = powerCut };
        var acknowledged = new ConcurrentDictionary<long, string>();
        var random = new Random(7);
        var lost = 0;
        await using var topic = _folder.Open(TopicFolder.Tiny with { Disk = disk });
        using var stop = new CancellationTokenSource();
        var publishers = Enumerable.Range(0, 4).Select(publisher => Task.Run(async () =>
        {
            for (var call = 0; !stop.IsCancellationRequested; call++)
            {
                OutgoingRecord[] records = [.. Enumerable.Range(0, 1 + call % 30).Select(i => TopicFolder.Record($"{publisher}/{call}/{i}", padding: call % 200))];
                var results = await topic.PublishAsync(records, CancellationToken.None);
                for (var i = 0; i < records.Length; i++) acknowledged[results[i].Offset] = $"{publisher}/{call}/{i}";
            }
        })).ToArray();
        var images = new List<(TopicFolder Folder, Dictionary<long, string> Acknowledged)>();
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var syncs = 0;
        disk.BeforeSync = () =>
        {
            if (++syncs % 7 != 0 || images.Count == 20) return;
            var known = new Dictionary<long, string>(acknowledged);
            var image = _folder.Copy();
            if (powerCut) lost += disk.DropUnsynced(_folder.Path, image.Path, () => random.Next(2) == 0);
            images.Add((image, known));
            if (images.Count == 20) enough.SetResult();
        };
        await enough.Task.WaitAsync(TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        await Task.WhenAll(publishers);
        foreach (var (image, known) in images)
        {
            await using (var opened = image.Open())
            {
                var read = TopicFolder.Read(opened.Partitions[0]);
                foreach (var (offset, text) in known) Assert.Equal(text, read[(int)offset]);
            }
            image.Dispose();
        }
        Assert.True(images[^1].Acknowledged.Count > 0);
        if (powerCut) Assert.True(lost > 0, "no sector was lost");
    }

    [Fact]
    public async Task A_log_cut_back_and_grown_again_has_another_fingerprint()
    {
        using var crashed = await CrashedAfter(10);
        RecordFingerprint third, ninth;
        await using (var topic = crashed.Open())
        {
            Assert.True(topic.Partitions[0].TryFingerprint(3, out third));
            Assert.True(topic.Partitions[0].TryFingerprint(9, out ninth));
        }
        var (path, _) = LastSegment(crashed);
        var bytes = File.ReadAllBytes(path);
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write))
            RandomAccess.SetLength(file, bytes.AsSpan().IndexOf("kv6"u8) - 20);
        await using (var topic = crashed.Open())
        {
            Assert.Equal(6, topic.Partitions[0].EndOffset);
            await TopicFolder.PublishOneByOne(topic, 100, 4);
            Assert.Equal(10, topic.Partitions[0].EndOffset);
            Assert.True(topic.Partitions[0].TryFingerprint(3, out var sameAsBefore));
            Assert.True(topic.Partitions[0].TryFingerprint(9, out var fork));
            Assert.Equal(third, sameAsBefore);
            Assert.NotEqual(ninth.Hash, fork.Hash);
        }
    }

    [Fact]
    public async Task A_log_opened_many_times_without_being_closed_keeps_everything()
    {
        var folder = _folder;
        for (var run = 0; run < 12; run++)
        {
            await using var topic = folder.Open();
            Assert.Equal(TopicFolder.Texts(0, run * 7), TopicFolder.Read(topic.Partitions[0]));
            await TopicFolder.PublishOneByOne(topic, run * 7, 7);
            var image = folder.Copy();
            if (folder != _folder) await DisposeWith(topic, folder);
            folder = image;
        }
        folder.Dispose();
    }

    private static async Task DisposeWith(EmbeddedTopic topic, TopicFolder folder)
    {
        await topic.DisposeAsync();
        folder.Dispose();
    }
}
