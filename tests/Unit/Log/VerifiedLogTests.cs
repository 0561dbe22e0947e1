using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Log;

/// <summary>What an opening verified, or a run wrote, is not verified by the next one; where the note of it does not fit, all is.</summary>
public sealed class VerifiedLogTests : IDisposable
{
    private const int Records = 2_000;
    private readonly TopicFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>A log of many segments, as a killed process leaves it.</summary>
    private async Task<TopicFolder> KilledAsync(int records = Records)
    {
        await using var topic = folder.Open();
        for (var from = (int)topic.Partitions[0].EndOffset; from < records; from += 20) await topic.PublishAsync(TopicFolder.Records(from, 20), Token);
        var image = folder.Copy();
        Assert.True(File.Exists(image.Segment(4)), "the log is to be of many segments");
        return image;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Note(TopicFolder of) => Path.Combine(of.Segments, "verified");

    private static long Bytes(TopicFolder of) => Directory.EnumerateFiles(of.Segments, "log.*").Sum(path => new FileInfo(path).Length);

    /// <summary>Opens it, reads everything, publishes; bytes that the opening alone has read.</summary>
    private static async Task<long> OpenAsync(TopicFolder of, int records = Records)
    {
        await using var topic = of.Open();
        var log = topic.Partitions[0];
        Assert.Null(log.Refusal);
        var read = log.Device.BytesRead;
        Assert.Equal(records, log.EndOffset);
        Assert.Equal(TopicFolder.Texts(0, records), TopicFolder.Read(log));
        Assert.Equal(TopicFolder.Texts(records / 2, records - (records / 2)), TopicFolder.Read(log, records / 2));
        Assert.Equal(records, Assert.Single(await topic.PublishAsync([TopicFolder.Record($"v{records}")], Token)).Offset);
        return read;
    }

    [Fact]
    public async Task An_opening_reads_the_last_segment_and_the_heads_of_the_others()
    {
        using var killed = await KilledAsync();
        using var without = killed.Copy();
        File.Delete(Note(without));
        var whole = await OpenAsync(without);
        Assert.True(whole >= Bytes(without) * 9 / 10, $"{whole} bytes read of {Bytes(without)} without the note");
        var some = await OpenAsync(killed);
        Assert.True(some < whole / 2, $"{some} bytes read with the note, {whole} without");
        // The opening that verified everything has noted it.
        Assert.True(await OpenAsync(without, Records + 1) < whole / 2);
    }

    [Theory]
    [InlineData("cut")]
    [InlineData("flipped")]
    [InlineData("of another topic")]
    [InlineData("gone")]
    public async Task A_note_that_cannot_be_trusted_costs_time_only(string how)
    {
        using var killed = await KilledAsync();
        var bytes = await File.ReadAllBytesAsync(Note(killed), Token);
        switch (how)
        {
            case "cut":
                await File.WriteAllBytesAsync(Note(killed), bytes[..(bytes.Length / 2)], Token);
                break;
            case "flipped":
                bytes[bytes.Length / 3] ^= 1;
                await File.WriteAllBytesAsync(Note(killed), bytes, Token);
                break;
            case "of another topic":
                using (var other = new TopicFolder())
                {
                    await using (var topic = other.Open())
                        for (var from = 0; from < Records; from += 20) await topic.PublishAsync(TopicFolder.Records(from, 20), Token);
                    File.Copy(Note(other), Note(killed), overwrite: true);
                }
                break;
            default:
                File.Delete(Note(killed));
                break;
        }
        Assert.True(await OpenAsync(killed) >= Bytes(killed) * 9 / 10);
    }

    [Fact]
    public async Task A_note_that_is_ahead_of_the_files_is_passed_over()
    {
        using var early = await KilledAsync(Records / 2);
        using var late = await KilledAsync();
        File.Copy(Note(late), Note(early), overwrite: true);
        Assert.True(await OpenAsync(early, Records / 2) >= Bytes(early) * 9 / 10);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task A_segment_that_is_gone_or_begins_otherwise_is_refused_all_the_same(int segment)
    {
        using var killed = await KilledAsync();
        using var other = killed.Copy();
        File.Delete(killed.Segment(segment));
        await using (var topic = killed.Open()) Assert.IsType<LogDamagedException>(topic.Partitions[0].Refusal);
        File.Copy(other.Segment(segment + 1), other.Segment(segment), overwrite: true);
        await using (var topic = other.Open()) Assert.IsType<LogDamagedException>(topic.Partitions[0].Refusal);
    }

    [Fact]
    public async Task What_goes_bad_after_it_was_verified_is_met_by_whoever_reads_it()
    {
        using var killed = await KilledAsync();
        var bytes = await File.ReadAllBytesAsync(killed.Segment(2), Token);
        bytes[bytes.AsSpan().LastIndexOf("kv"u8)] ^= 1;
        await File.WriteAllBytesAsync(killed.Segment(2), bytes, Token);
        await using var topic = killed.Open();
        var log = topic.Partitions[0];
        Assert.Null(log.Refusal);
        Assert.Throws<LogDamagedException>(() => TopicFolder.Read(log));
        Assert.Equal(TopicFolder.Texts(Records / 2, Records / 2), TopicFolder.Read(log, Records / 2));
        Assert.Equal(Records, Assert.Single(await topic.PublishAsync([TopicFolder.Record("x")], Token)).Offset);
    }

    [Fact]
    public async Task A_note_that_cannot_be_written_stops_nothing()
    {
        await using (var topic = folder.Open()) await TopicFolder.PublishOneByOne(topic, 0, 20);
        Directory.CreateDirectory(Note(folder) + ".new");
        using var killed = await KilledAsync();
        Assert.False(File.Exists(Note(killed)));
        Assert.True(await OpenAsync(killed) >= Bytes(killed) * 9 / 10);
    }
}
