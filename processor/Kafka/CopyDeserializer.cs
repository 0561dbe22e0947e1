using Confluent.Kafka;

namespace ReadStateStream.Kafka;

/// <summary>Stands for bytes that were copied out: they lie in the <see cref="CopyDeserializer"/>.</summary>
internal readonly record struct CopiedBytes;

/// <summary>Copies a record's bytes out of the library's memory into a buffer that is used again: no array a record.</summary>
internal sealed class CopyDeserializer : IDeserializer<CopiedBytes>
{
    private byte[] buffer = new byte[4 << 10];
    private int length;

    /// <summary>Those of the record consumed last.</summary>
    public ReadOnlySpan<byte> Bytes => buffer.AsSpan(0, length);

    public CopiedBytes Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context)
    {
        if (data.Length > buffer.Length) buffer = new byte[System.Numerics.BitOperations.RoundUpToPowerOf2((uint)data.Length)];
        data.CopyTo(buffer);
        length = data.Length;
        return default;
    }
}
