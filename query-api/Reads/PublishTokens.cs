using System.Buffers.Text;
using Google.Protobuf;
using ReadStateStream.Schemas;
using ReadStateStream.QueryApi.Http;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.QueryApi.Reads;

/// <summary>Tokens in text: a PublishToken as base64url without padding.</summary>
internal static class PublishTokens
{
    /// <summary>All tokens of one request together, characters.</summary>
    public const int CharactersMax = 1 << 16;

    private const ulong PositionMax = 1UL << 47;

    /// <summary>
    /// Merges texts (each one token or several, comma-separated; empty ones say nothing) by the greatest position
    /// of each partition; null where there is none. A 400 where one is no token or two are of different topics.
    /// </summary>
    public static PublishToken? Merge(IEnumerable<string?> texts)
    {
        PublishToken? merged = null;
        var left = CharactersMax;
        foreach (var text in texts)
        {
            if (string.IsNullOrWhiteSpace(text)) continue;
            if ((left -= text.Length) < 0) throw Problems.InvalidToken($"tokens of more than {CharactersMax} characters");
            foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                merged = Merge(merged, Decode(part));
        }
        return merged;
    }

    /// <summary>Both tokens in one; the first may be absent.</summary>
    public static PublishToken Merge(PublishToken? first, PublishToken second)
    {
        if (first is null) return second;
        if (first.TopicIdentity != second.TopicIdentity) throw Problems.InvalidToken("the tokens are of different topics");
        var positions = new SortedDictionary<uint, ulong>();
        foreach (var p in first.Positions.Concat(second.Positions))
            positions[p.Partition] = Math.Max(p.Position, positions.GetValueOrDefault(p.Partition));
        var merged = new PublishToken { TopicIdentity = first.TopicIdentity };
        merged.Positions.Add(positions.Select(p => new PartitionPosition { Partition = p.Key, Position = p.Value }));
        return merged;
    }

    public static string Encode(PublishToken token) => Base64Url.EncodeToString(token.ToByteArray());

    /// <summary>One token; a 400 where it is none.</summary>
    public static PublishToken Decode(string text)
    {
        try
        {
            var token = PublishToken.Parser.ParseUntrusted(Base64Url.DecodeFromChars(text));
            if (token.TopicIdentity.Length > 0 && token.Positions.All(p => p.Position <= PositionMax)) return token;
        }
        catch (FormatException) { } // one answer for everything that is no token, malformed messages with it
        throw Problems.InvalidToken("a token is what a publish or a command answered, unchanged");
    }
}
