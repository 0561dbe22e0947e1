using System.Runtime.InteropServices;
using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>Headers of a record as the log hands them out (<see cref="RecordHeaders"/>).</summary>
internal static class PackedHeaders
{
    /// <summary>Packs them.</summary>
    /// <param name="read">As the client has them.</param>
    /// <param name="into">Overwritten; what is returned lies in it.</param>
    public static ReadOnlySpan<byte> Of(Headers? read, List<byte> into)
    {
        if (read is null || read.Count == 0) return default;
        into.Clear();
        foreach (var header in read)
        {
            var value = header.GetValueBytes();
            RecordHeaders.Add(into, header.Key, value ?? [], isNull: value is null);
        }
        return CollectionsMarshal.AsSpan(into);
    }
}
