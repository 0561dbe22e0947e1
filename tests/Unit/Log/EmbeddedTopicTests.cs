using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Log;

/// <summary>The folder of a topic: created once, opened by one, never mistaken for another.</summary>
public sealed class EmbeddedTopicTests : IDisposable
{
    private readonly TopicFolder _folder = new();

    private string TopicFile => Path.Combine(_folder.Path, "topic.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Another_partition_count_is_refused_with_the_setting_to_change()
    {
        await using (_folder.Open(partitions: 3)) { }
        var error = Assert.Throws<InvalidOperationException>(() => _folder.Open(partitions: 4));
        Assert.Contains("has 3 partitions", error.Message, StringComparison.Ordinal);
        Assert.Contains("EmbeddedLog__PartitionCount=3", error.Message, StringComparison.Ordinal);
        await using var topic = _folder.Open(partitions: 3); // the refusal left it usable
    }

    [Fact]
    public async Task A_folder_is_opened_once_at_a_time()
    {
        await using (_folder.Open())
        {
            var error = Assert.Throws<IOException>(() => _folder.Open());
            Assert.Contains("another process", error.Message, StringComparison.Ordinal);
        }
        await using var topic = _folder.Open();
    }

    [Fact]
    public async Task Eight_partitions_by_default_and_an_identity_of_its_own()
    {
        using var other = new TopicFolder();
        await using var first = EmbeddedTopic.Open(new EmbeddedTopicOptions { Folder = _folder.Path, Log = TopicFolder.Tiny }, TimeProvider.System);
        await using var second = EmbeddedTopic.Open(new EmbeddedTopicOptions { Folder = other.Path, Log = TopicFolder.Tiny }, TimeProvider.System);
        Assert.Equal(8, first.PartitionCount);
        Assert.Equal(8, first.Partitions.Count);
        Assert.NotEqual(first.TopicIdentity, second.TopicIdentity);
    }

    [Fact]
    public async Task A_topic_keeps_the_sizes_it_was_created_with()
    {
        await using (var topic = _folder.Open()) await TopicFolder.PublishOneByOne(topic, 0, 100);
        var others = TopicFolder.Tiny with { PageSizeBytes = 8192, SegmentSizeBytes = 65536 };
        await using (var topic = _folder.Open(others)) await TopicFolder.PublishOneByOne(topic, 100, 100);
        await using (var topic = _folder.Open()) Assert.Equal(TopicFolder.Texts(0, 200), TopicFolder.Read(topic.Partitions[0]));
    }

    [Fact]
    public async Task A_lost_topic_file_does_not_start_a_new_topic_beside_the_old_records()
    {
        await using (var topic = _folder.Open()) await TopicFolder.PublishOneByOne(topic, 0, 1);
        File.Delete(TopicFile);
        Assert.Contains("topic.json", Assert.Throws<InvalidDataException>(() => _folder.Open()).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{}")]
    [InlineData("""{"identity":"4a0b1c52-8c2c-4a4f-9f3b-0f1a2b3c4d5e","partitions":1,"created":"2026-01-01T00:00:00Z","formatVersion":2,"pageSizeBytes":4096,"segmentSizeBytes":16384}""")]
    public void A_topic_file_that_cannot_be_read_is_refused(string content)
    {
        File.WriteAllText(TopicFile, content);
        Assert.Throws<InvalidDataException>(() => _folder.Open());
        Assert.Equal(content, File.ReadAllText(TopicFile));
    }

    [Fact]
    public async Task An_unfinished_creation_is_done_again()
    {
        File.WriteAllText(TopicFile + ".new", "{\"identity\":");
        await using (var topic = _folder.Open()) await TopicFolder.PublishOneByOne(topic, 0, 1);
        await using (var topic = _folder.Open()) Assert.Equal(1, topic.Partitions[0].EndOffset);
    }

    public static TheoryData<EmbeddedLogOptions> Wrong => new(
        TopicFolder.Tiny with { PageSizeBytes = 5000 },
        TopicFolder.Tiny with { PageSizeBytes = 2048 },
        TopicFolder.Tiny with { MemoryPages = 2 },
        TopicFolder.Tiny with { MemoryPages = 6 },
        TopicFolder.Tiny with { SegmentSizeBytes = 2048 },
        TopicFolder.Tiny with { MaxRecordBytes = 4096 },
        TopicFolder.Tiny with { MaxRecordBytes = 0 },
        TopicFolder.Tiny with { MaxPendingBytes = 1 },
        TopicFolder.Tiny with { ReadBufferBytes = 0 },
        TopicFolder.Tiny with { IndexIntervalBytes = 0 },
        TopicFolder.Tiny with { TargetFrameBytes = 0 });

    [Theory]
    [MemberData(nameof(Wrong), DisableDiscoveryEnumeration = true)]
    public void Options_out_of_range_are_refused(EmbeddedLogOptions options) =>
        Assert.Throws<ArgumentException>(() => _folder.Open(options));

    [Fact]
    public async Task A_cancelled_call_publishes_nothing()
    {
        await using var topic = _folder.Open();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => topic.PublishAsync(TopicFolder.Records(0, 1), new CancellationToken(true)));
        Assert.Equal(0, topic.Partitions[0].EndOffset);
    }

    [Fact]
    public async Task The_largest_record_of_the_smallest_page_fits()
    {
        var options = TopicFolder.Tiny with { MaxRecordBytes = 4096 - 64 - 12 - 56 - 3 - 6 };
        var record = new OutgoingRecord(0, "k"u8.ToArray(), new byte[options.MaxRecordBytes - 1], 0);
        await using var topic = _folder.Open(options);
        var results = await topic.PublishAsync([record, record, record], TestContext.Current.CancellationToken);
        Assert.Equal([0L, 1L, 2L], results.Select(result => result.Offset));
    }
}
