using System.Buffers.Binary;
using System.Text;

namespace ReadStateStream.Partition.Log;

/// <summary>Headers of a record as one run of bytes: of each the lengths of name and value (-1: null), then both.</summary>
public static class RecordHeaders
{
    private const int HeadBytes = 2 * sizeof(int);

    /// <summary>Appends a header.</summary>
    public static void Add(List<byte> headers, string name, ReadOnlySpan<byte> value, bool isNull = false)
    {
        Span<byte> head = stackalloc byte[HeadBytes];
        var nameBytes = Encoding.UTF8.GetBytes(name);
        BinaryPrimitives.WriteInt32LittleEndian(head, nameBytes.Length);
        BinaryPrimitives.WriteInt32LittleEndian(head[sizeof(int)..], isNull ? -1 : value.Length);
        headers.AddRange(head);
        headers.AddRange(nameBytes);
        if (!isNull) headers.AddRange(value);
    }

    /// <summary>All of them, in their order; a value may be null.</summary>
    public static IEnumerable<(string Name, byte[]? Value)> Read(byte[] headers)
    {
        for (var at = 0; at < headers.Length;)
        {
            var nameLength = BinaryPrimitives.ReadInt32LittleEndian(headers.AsSpan(at));
            var valueLength = BinaryPrimitives.ReadInt32LittleEndian(headers.AsSpan(at + sizeof(int)));
            at += HeadBytes;
            var name = Encoding.UTF8.GetString(headers, at, nameLength);
            at += nameLength;
            yield return (name, valueLength < 0 ? null : headers.AsSpan(at, valueLength).ToArray());
            at += Math.Max(0, valueLength);
        }
    }
}
