using System.Buffers.Binary;
using System.Buffers.Text;
using ReadStateStream.QueryApi.Http;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>Where the next page begins, opaque to the caller: version, filter, user, last channel. Bound to the question it continues.</summary>
internal static class PageCursor
{
    private const byte Version = 1;
    private const int Bytes = 18;

    public static string Encode(ulong user, bool unreadOnly, ulong afterChannel)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        bytes[0] = Version;
        bytes[1] = unreadOnly ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt64BigEndian(bytes[2..], user);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[10..], afterChannel);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>The last channel of the page before; 0 without a cursor; a 400 where it continues another question.</summary>
    public static ulong Decode(string? cursor, ulong user, bool unreadOnly)
    {
        if (string.IsNullOrEmpty(cursor)) return 0;
        Span<byte> bytes = stackalloc byte[Bytes];
        if (cursor.Length <= 2 * Bytes && Base64Url.IsValid(cursor, out var length) && length == Bytes
            && Base64Url.TryDecodeFromChars(cursor, bytes, out _)
            && bytes[0] == Version && bytes[1] == (unreadOnly ? 1 : 0)
            && BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]) == user)
            return BinaryPrimitives.ReadUInt64BigEndian(bytes[10..]);
        throw Problems.InvalidParameter("cursor", "cursor must be what the page before answered, with the same user and the same unread");
    }
}
