using System.Buffers.Binary;
using Google.Protobuf;

namespace ReadStateStream.Schemas.Connect;

/// <summary>
/// One message of a stream: a byte of flags, the payload's length as four bytes big-endian, the payload.
/// A length beyond the bound is refused before anything is allocated for it.
/// </summary>
/// <param name="Flags">Bit 0: compressed (not spoken here); bit 1: the stream's last, its payload JSON.</param>
/// <param name="Payload">A protobuf message, or the JSON of the stream's end.</param>
public readonly record struct ConnectEnvelope(byte Flags, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Flag of a compressed payload.</summary>
    public const byte CompressedFlag = 1;

    /// <summary>Flag of a stream's last envelope.</summary>
    public const byte EndOfStreamFlag = 2;

    /// <summary>Bytes before the payload.</summary>
    public const int HeaderBytes = 5;

    /// <summary>True for the stream's last envelope.</summary>
    public bool IsEndOfStream => (Flags & EndOfStreamFlag) != 0;

    /// <summary>An envelope with a message, ready to be written.</summary>
    public static byte[] Encode(IMessage message)
    {
        var size = message.CalculateSize();
        var bytes = new byte[HeaderBytes + size];
        WriteHeader(bytes, flags: 0, size);
        message.WriteTo(bytes.AsSpan(HeaderBytes));
        return bytes;
    }

    /// <summary>A stream's last envelope, ready to be written.</summary>
    public static byte[] EncodeEndOfStream(ConnectException? error)
    {
        var payload = ConnectError.ToEndOfStream(error);
        var bytes = new byte[HeaderBytes + payload.Length];
        WriteHeader(bytes, EndOfStreamFlag, payload.Length);
        payload.CopyTo(bytes, HeaderBytes);
        return bytes;
    }

    /// <summary>
    /// Reads the next envelope; null where the bytes end before one begins. ConnectException: Internal where
    /// they end within one or it is compressed, ResourceExhausted where it is larger than the bound.
    /// </summary>
    public static async Task<ConnectEnvelope?> ReadAsync(Stream stream, int maxBytes, CancellationToken cancellation)
    {
        var header = new byte[HeaderBytes];
        var read = await ReadAsync(stream, header, cancellation).ConfigureAwait(false);
        if (read == 0) return null;
        if (read < HeaderBytes) throw new ConnectException(ConnectCode.Internal, "the stream ends within an envelope's header");
        var length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(1));
        if ((header[0] & CompressedFlag) != 0)
            throw new ConnectException(ConnectCode.Internal, "a compressed envelope where no compression was agreed");
        if (length > (uint)maxBytes)
            throw new ConnectException(ConnectCode.ResourceExhausted,
                $"a message of {length} bytes; at most {maxBytes} are read");
        var payload = new byte[length];
        read = await ReadAsync(stream, payload, cancellation).ConfigureAwait(false);
        if (read < payload.Length) throw new ConnectException(ConnectCode.Internal, "the stream ends within an envelope");
        return new ConnectEnvelope(header[0], payload);
    }

    // As many bytes as there is room for; fewer where the stream ends.
    private static ValueTask<int> ReadAsync(Stream stream, byte[] target, CancellationToken cancellation) =>
        stream.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancellation);

    private static void WriteHeader(Span<byte> target, byte flags, int length)
    {
        target[0] = flags;
        BinaryPrimitives.WriteUInt32BigEndian(target[1..], (uint)length);
    }
}
