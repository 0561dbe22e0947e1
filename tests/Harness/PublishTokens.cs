using System.Buffers.Text;
using Google.Protobuf;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Harness;

/// <summary>Merges what several publications answered into one token, by the greatest position of each partition.</summary>
public sealed class PublishTokens
{
    private readonly Lock gate = new();
    private readonly SortedDictionary<uint, ulong> positions = [];
    private string topicIdentity = "";

    /// <summary>Adds a token; null or empty adds nothing.</summary>
    /// <exception cref="FormatException">It is no token of this topic.</exception>
    public void Add(string? token)
    {
        if (string.IsNullOrEmpty(token)) return;
        PublishToken parsed;
        try
        {
            parsed = PublishToken.Parser.ParseFrom(Base64Url.DecodeFromChars(token));
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new FormatException($"not a publish token: {token}", e);
        }
        lock (gate)
        {
            if (topicIdentity.Length > 0 && topicIdentity != parsed.TopicIdentity)
                throw new FormatException($"a token of topic {parsed.TopicIdentity} among those of {topicIdentity}");
            topicIdentity = parsed.TopicIdentity;
            foreach (var position in parsed.Positions)
                positions[position.Partition] = Math.Max(positions.GetValueOrDefault(position.Partition), position.Position);
        }
    }

    /// <summary>The merged token; null where none was added.</summary>
    public string? Merged()
    {
        lock (gate)
        {
            if (positions.Count == 0) return null;
            var token = new PublishToken { TopicIdentity = topicIdentity };
            foreach (var (partition, position) in positions)
                token.Positions.Add(new PartitionPosition { Partition = partition, Position = position });
            return Base64Url.EncodeToString(token.ToByteArray());
        }
    }
}
