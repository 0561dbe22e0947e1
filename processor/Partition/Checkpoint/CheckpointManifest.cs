// What makes a stretch of the record log a checkpoint. A file manifest.<sequence>: one line of JSON, then a line
// with the SHA-256 of the first. It is renamed into place last: what it names was verified on the disk before.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Partition.Checkpoint;

/// <summary>A checkpoint of one partition.</summary>
/// <param name="Sequence">Its number, ascending within a folder.</param>
/// <param name="Lineage">Lineage of the state.</param>
/// <param name="Partition">Number of the partition.</param>
/// <param name="Mark">The position it holds, the record below it, and when it was taken.</param>
/// <param name="Fold">The stretch of the record log.</param>
/// <param name="Geometry">How that log is laid out.</param>
/// <param name="Sums">Checksums of the log up to the tail.</param>
/// <param name="Shipped">What of it the snapshot store has acknowledged.</param>
/// <param name="Image">A copy of the hash index that a recovery may begin with; null: none, as in manifests of before there were any.</param>
public sealed record CheckpointManifest(
    long Sequence, long Lineage, int Partition, SnapshotMark Mark, FoldMark Fold, StoreGeometry Geometry, SumsMark Sums, ShippedMark Shipped,
    IndexImageMark? Image)
{
    private const int HashLength = 64;

    /// <summary>Name of its file.</summary>
    public string FileName => NameOf(Sequence);

    /// <summary>Name of the file of a number.</summary>
    public static string NameOf(long sequence) => string.Create(CultureInfo.InvariantCulture, $"manifest.{sequence}");

    /// <summary>The number in a file's name; false where it is no manifest.</summary>
    public static bool TrySequence(string name, out long sequence)
    {
        sequence = 0;
        return name.StartsWith("manifest.", StringComparison.Ordinal)
               && long.TryParse(name.AsSpan("manifest.".Length), NumberStyles.None, CultureInfo.InvariantCulture, out sequence);
    }

    /// <summary>The file's bytes.</summary>
    public byte[] Encode()
    {
        var body = JsonSerializer.SerializeToUtf8Bytes(this);
        return [.. body, (byte)'\n', .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(body))), (byte)'\n'];
    }

    /// <summary>The manifest of a file's bytes.</summary>
    /// <exception cref="DamageException">They are not what was written.</exception>
    public static CheckpointManifest Decode(string path, byte[] file)
    {
        var bodyLength = file.Length - HashLength - 2;
        if (bodyLength <= 0 || file[bodyLength] != '\n' || file[^1] != '\n') throw new DamageException($"{path} was cut or is no manifest");
        var body = file.AsSpan(0, bodyLength);
        var hash = Encoding.ASCII.GetString(file, bodyLength + 1, HashLength);
        if (hash != Convert.ToHexStringLower(SHA256.HashData(body))) throw new DamageException($"{path} fails its checksum");
        try
        {
            return JsonSerializer.Deserialize<CheckpointManifest>(body) ?? throw new DamageException($"{path} holds nothing");
        }
        catch (JsonException error)
        {
            throw new DamageException($"{path} is of another version: {error.Message}", error);
        }
    }
}

/// <summary>Up to where the snapshot store has acknowledged a partition's records.</summary>
/// <param name="Position">Every record below is in its rows; 0: nothing was shipped.</param>
/// <param name="Tail">The same as an address of the record log.</param>
public readonly record struct ShippedMark(long Position, long Tail);
