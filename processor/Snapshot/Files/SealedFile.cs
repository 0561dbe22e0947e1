// A small file that proves itself: one line "readstate-<kind> 1 <crc32c of the rest, hex>", then JSON.
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using ReadStateStream.Snapshot.Disk;

namespace ReadStateStream.Snapshot.Files;

/// <summary>Small files, written at once or not at all, and proved when read.</summary>
internal static class SealedFile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>The file's bytes.</summary>
    public static byte[] Seal<T>(string kind, T content)
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(content, Json);
        return [.. Head(kind, body), .. body];
    }

    private static byte[] Head(string kind, ReadOnlySpan<byte> body) =>
        Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"readstate-{kind} 1 {Crc32C.Of(body):x8}\n"));

    /// <summary>What a file holds.</summary>
    /// <exception cref="SnapshotDamagedException">The bytes are not those that were sealed.</exception>
    public static T Open<T>(string kind, string path, byte[] bytes) where T : class
    {
        var line = Array.IndexOf(bytes, (byte)'\n') + 1;
        var body = bytes.AsSpan(line);
        if (!bytes.AsSpan(0, line).SequenceEqual(Head(kind, body)))
            throw new SnapshotDamagedException($"'{path}' fails its checksum, or is no {kind} file of this format.");
        try
        {
            return JsonSerializer.Deserialize<T>(body, Json) ?? throw new SnapshotDamagedException($"'{path}' holds nothing.");
        }
        catch (JsonException e)
        {
            throw new SnapshotDamagedException($"'{path}' is not a {kind} file of this version: {e.Message}", e);
        }
    }

    /// <summary>Reads a file; null where it does not exist.</summary>
    /// <exception cref="SnapshotDamagedException">The bytes are not those that were sealed.</exception>
    public static T? Read<T>(DiskOperations disk, string kind, string path) where T : class =>
        disk.ReadAll(path) is { } bytes ? Open<T>(kind, path, bytes) : null;

    /// <summary>
    /// Creates a file at once unless it exists; durable when this returns. False: the name is taken.
    /// </summary>
    public static bool TryCreate(DiskOperations disk, string temporary, string path, ReadOnlySpan<byte> bytes)
    {
        var created = false;
        try
        {
            disk.WriteSynced(temporary, bytes);
            created = disk.TryRename(temporary, path);
        }
        finally
        {
            if (!created) disk.DeleteQuietly(temporary);
        }
        if (created) disk.SyncFolder(Path.GetDirectoryName(path)!);
        return created;
    }
}
