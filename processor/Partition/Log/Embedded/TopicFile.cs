using System.Text.Json;

namespace ReadStateStream.Partition.Log;

/// <summary>What is fixed when an embedded topic is created; <c>topic.json</c> in its folder.</summary>
/// <param name="Identity">Names the topic for ever.</param>
/// <param name="Partitions">Partition count.</param>
/// <param name="Created">When it was created.</param>
/// <param name="FormatVersion">Version of the files' format.</param>
/// <param name="PageSizeBytes">FasterLog page.</param>
/// <param name="SegmentSizeBytes">Segment file.</param>
internal sealed record TopicFile(
    Guid Identity, int Partitions, DateTimeOffset Created, int FormatVersion, int PageSizeBytes, long SegmentSizeBytes)
{
    public const string Name = "topic.json";
    public const int CurrentFormat = 1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>Reads a topic's file; null where the folder holds none.</summary>
    /// <exception cref="InvalidDataException">It cannot be read as one, or is of a newer format.</exception>
    public static TopicFile? Read(string folder)
    {
        var path = Path.Combine(folder, Name);
        if (!File.Exists(path)) return null;
        try
        {
            var file = JsonSerializer.Deserialize<TopicFile>(File.ReadAllBytes(path), Json);
            if (file is not { Partitions: > 0, PageSizeBytes: > 0, SegmentSizeBytes: > 0 } || file.Identity == Guid.Empty)
                throw new InvalidDataException($"'{path}' lacks identity, partitions or sizes.");
            if (file.FormatVersion != CurrentFormat)
                throw new InvalidDataException($"'{path}' has format {file.FormatVersion}; this version reads {CurrentFormat}.");
            return file;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{path}' is not a topic file: {e.Message}", e);
        }
    }

    /// <summary>Creates the file at once or not at all: written beside, synced, renamed, the folder synced.</summary>
    public void Create(string folder, DiskOperations disk)
    {
        var temporary = Path.Combine(folder, Name + ".new");
        using (var file = File.OpenHandle(temporary, FileMode.Create, FileAccess.ReadWrite))
        {
            disk.Write(temporary, file, JsonSerializer.SerializeToUtf8Bytes(this, Json), 0);
            disk.Sync(temporary, file);
        }
        File.Move(temporary, Path.Combine(folder, Name));
        disk.SyncFolder(folder);
    }
}
