using Google.Protobuf;

namespace ReadStateStream.Schemas;

/// <summary>Bytes from elsewhere are not the message that they were taken for.</summary>
public sealed class MalformedMessageException : FormatException
{
    /// <summary>With what the parser said.</summary>
    public MalformedMessageException(Exception inner) : base((inner ?? throw new ArgumentNullException(nameof(inner))).Message, inner)
    {
    }
}

/// <summary>Parses what anybody may have written.</summary>
public static class UntrustedMessages
{
    /// <summary>
    /// What the library throws of malformed bytes: beside its own exception an InvalidOperationException (a wire type that
    /// does not exist) and an IndexOutOfRangeException (a varint that the end of the bytes cuts, in one of its paths). Seen by
    /// the fuzz of the decoder, Google.Protobuf 3.25.1.
    /// </summary>
    public static bool IsMalformed(Exception error) => error is InvalidProtocolBufferException or InvalidOperationException or IndexOutOfRangeException;

    /// <summary>The message.</summary>
    /// <exception cref="MalformedMessageException">The bytes are none.</exception>
    public static T ParseUntrusted<T>(this MessageParser<T> parser, ReadOnlySpan<byte> bytes)
        where T : IMessage<T>
    {
        ArgumentNullException.ThrowIfNull(parser);
        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (Exception error) when (IsMalformed(error))
        {
            throw new MalformedMessageException(error);
        }
    }
}
