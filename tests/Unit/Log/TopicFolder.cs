using System.Text;
using ReadStateStream.Partition.Log;
using Xunit;

namespace ReadStateStream.Unit.Log;

/// <summary>A scratch folder, and short ways to publish to a topic and read it back.</summary>
internal sealed class TopicFolder : IDisposable
{
    public static readonly EmbeddedLogOptions Tiny = new()
    {
        PageSizeBytes = 4096,
        MemoryPages = 4,
        SegmentSizeBytes = 16384,
        MaxRecordBytes = 2000,
        TargetFrameBytes = 1000,
        MaxPendingBytes = 1 << 20,
        IndexIntervalBytes = 2048,
        ReadBufferBytes = 1024,
        Disk = new DiskDouble(),
    };

    public string Path { get; } = Directory.CreateTempSubdirectory("rss-log-").FullName;

    public string Segments => System.IO.Path.Combine(Path, "partition-0000");

    public string Segment(int number) => System.IO.Path.Combine(Segments, $"log.{number}");

    public EmbeddedTopic Open(EmbeddedLogOptions? log = null, int partitions = 1, TimeProvider? time = null) =>
        EmbeddedTopic.Open(new EmbeddedTopicOptions { Folder = Path, PartitionCount = partitions, Log = log ?? Tiny },
            time ?? TimeProvider.System);

    public TopicFolder Copy()
    {
        var copy = new TopicFolder();
        foreach (var folder in Directory.EnumerateDirectories(Path, "*", SearchOption.AllDirectories))
            Directory.CreateDirectory(folder.Replace(Path, copy.Path, StringComparison.Ordinal));
        foreach (var file in Directory.EnumerateFiles(Path, "*", SearchOption.AllDirectories))
        {
            // The lock file is locked, and empty.
            if (System.IO.Path.GetFileName(file) == "topic.lock") continue;
            using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var target = new FileStream(file.Replace(Path, copy.Path, StringComparison.Ordinal), FileMode.Create);
            source.CopyTo(target);
        }
        return copy;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    public static OutgoingRecord Record(string text, int partition = 0, ulong stamped = 0, int padding = 0) =>
        new(partition, Encoding.UTF8.GetBytes("k" + text), Encoding.UTF8.GetBytes(text + new string('.', padding)), stamped);

    public static OutgoingRecord[] Records(int from, int count, int padding = 40) =>
        [.. Enumerable.Range(from, count).Select(i => Record($"v{i}", padding: padding))];

    /// <summary>Publishes in calls of one record each, so that each is in a frame and a commit of its own.</summary>
    public static async Task PublishOneByOne(IEventPublisher topic, int from, int count, int padding = 40)
    {
        foreach (var record in Records(from, count, padding))
            Assert.Null(Assert.Single(await topic.PublishAsync([record], TestContext.Current.CancellationToken)).Error);
    }

    /// <summary>Texts of all records from an offset on, without their padding; offsets are checked to be dense.</summary>
    public static List<string> Read(IEventLog log, long from = 0)
    {
        using var reader = log.OpenReader(from);
        List<string> texts = [];
        var expected = from;
        while (reader.TryRead(out var record))
        {
            Assert.Equal(expected++, record.Offset);
            var text = Encoding.UTF8.GetString(record.Value).TrimEnd('.');
            Assert.Equal("k" + text, Encoding.UTF8.GetString(record.Key));
            texts.Add(text);
        }
        Assert.Equal(expected, reader.NextOffset);
        return texts;
    }

    public static IEnumerable<string> Texts(int from, int count) => Enumerable.Range(from, count).Select(i => $"v{i}");
}
