using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ReadStateStream.Partition.Log;

/// <summary>Fingerprint of a record, the same for every log adapter.</summary>
public static class RecordHash
{
    private const int PrefixBytes = 12;
    private const int StackBytes = 1024;

    /// <summary>
    /// The first 64 bits of SHA-256 over append time, key length, key and value. Two CRCs with different
    /// seeds would not do: over equal lengths they differ by a constant, which makes them one of 32 bits.
    /// </summary>
    public static RecordFingerprint Of(in LogRecord record)
    {
        var length = PrefixBytes + record.Key.Length + record.Value.Length;
        byte[]? rented = null;
        var buffer = length <= StackBytes ? stackalloc byte[StackBytes] : rented = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            BinaryPrimitives.WriteInt64LittleEndian(buffer, record.AppendedUnixMs);
            BinaryPrimitives.WriteInt32LittleEndian(buffer[8..], record.Key.Length);
            record.Key.CopyTo(buffer[PrefixBytes..]);
            record.Value.CopyTo(buffer[(PrefixBytes + record.Key.Length)..]);
            Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
            SHA256.HashData(buffer[..length], hash);
            return new RecordFingerprint(BinaryPrimitives.ReadUInt64LittleEndian(hash), record.AppendedUnixMs);
        }
        finally
        {
            if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        }
    }
}
