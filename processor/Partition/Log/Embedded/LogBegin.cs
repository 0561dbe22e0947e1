using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace ReadStateStream.Partition.Log;

/// <summary>The first segment of a partition's log that is kept, and the head of its first frame.</summary>
/// <param name="Segment">Number of the segment; 0: the log has its beginning.</param>
/// <param name="Offset">Offset of its first record.</param>
/// <param name="AppendedUnixMs">Append time of its first frame.</param>
/// <param name="GreatestStampedEventId">Greatest event id stamped up to its first frame.</param>
/// <param name="Term">Term of its first frame.</param>
internal sealed record LogBegin(int Segment, long Offset, long AppendedUnixMs, ulong GreatestStampedEventId, int Term)
{
    /// <summary>Nothing was cut.</summary>
    public static LogBegin Whole { get; } = new(0, 0, 0, 0, 0);

    /// <summary>A begin at a segment whose first frame is known.</summary>
    public static LogBegin At(int segment, in FrameHead first) =>
        new(segment, first.FirstOffset, first.AppendedUnixMs, first.GreatestStampedEventId, first.Term);

    /// <summary>Address of its first entry: frames do not cross pages, so it is that of the segment.</summary>
    public long AddressIn(long segmentSize) => Segment == 0 ? LogFrame.FirstAddress : Segment * segmentSize;

    /// <summary>Whether a frame may be the first one: after a cut it is the very frame that was noted.</summary>
    public bool IsAt(in FrameHead first) => Segment == 0 || this == At(Segment, first);

    /// <summary>The log's tail before its first frame.</summary>
    public LogTail TailIn(long segmentSize) => new(AddressIn(segmentSize), Offset, AppendedUnixMs, GreatestStampedEventId, Term);
}

/// <summary>
/// A note in a partition's folder of where something in its log begins: <c>begin</c>, what was cut off on purpose, and
/// <c>verified</c>, what need not be verified again. A line of JSON, then a line with the SHA-256 of the first. It
/// appears whole or not at all.
/// </summary>
internal sealed class NoteFile(DiskOperations disk, string folder, string name, Guid topic, int partition)
{
    public const string Begin = "begin";
    public const string Verified = "verified";
    private const int HashLength = 64;

    private sealed record Content(Guid Topic, int Partition, LogBegin Begin);

    /// <summary>What was noted; null where nothing was.</summary>
    /// <exception cref="InvalidDataException">The file is not what was written for this partition.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public LogBegin? Read()
    {
        var path = Path.Combine(folder, name);
        if (disk.ReadAll(path) is not { } file) return null;
        var body = file.Length - HashLength - 2;
        if (body <= 0 || file[body] != '\n' || file[^1] != '\n'
            || Encoding.ASCII.GetString(file, body + 1, HashLength) != HashOf(file.AsSpan(0, body)))
            throw new InvalidDataException($"'{path}' fails its checksum");
        var content = Parse(path, file.AsSpan(0, body));
        if (content.Topic != topic || content.Partition != partition)
            throw new InvalidDataException($"'{path}' is of partition {content.Partition} of topic {content.Topic:D}");
        return content.Begin;
    }

    /// <summary>Notes a begin, durably.</summary>
    /// <exception cref="IOException">It is not known which one the file holds, the one before or this one.</exception>
    public void Write(LogBegin begin)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(new Content(topic, partition, begin));
        disk.ReplaceDurably(Path.Combine(folder, name), [.. body, (byte)'\n', .. Encoding.ASCII.GetBytes(HashOf(body)), (byte)'\n']);
    }

    private static string HashOf(ReadOnlySpan<byte> body) => Convert.ToHexStringLower(SHA256.HashData(body));

    private static Content Parse(string path, ReadOnlySpan<byte> body)
    {
        try
        {
            if (JsonSerializer.Deserialize<Content>(body) is { Begin: { Segment: >= 0, Offset: >= 0 } } content) return content;
            throw new InvalidDataException($"'{path}' holds nothing");
        }
        catch (JsonException error)
        {
            throw new InvalidDataException($"'{path}' is of another version: {error.Message}", error);
        }
    }
}
