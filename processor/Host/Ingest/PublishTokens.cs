using System.Buffers.Text;
using Google.Protobuf;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Ingest;

/// <summary>Tokens that a publisher gets: base64url, without padding, of a PublishToken.</summary>
public static class PublishTokens
{
    /// <summary>A token for the greatest position of each partition.</summary>
    /// <param name="topicIdentity">The topic's identity.</param>
    /// <param name="records">Partition and offset of each record.</param>
    public static string Of(string topicIdentity, IEnumerable<(int Partition, long Offset)> records)
    {
        var token = new PublishToken { TopicIdentity = topicIdentity };
        token.Positions.AddRange(records.GroupBy(record => record.Partition).OrderBy(group => group.Key).Select(group =>
            new PartitionPosition { Partition = (uint)group.Key, Position = (ulong)group.Max(record => record.Offset) + 1 }));
        return Base64Url.EncodeToString(token.ToByteArray());
    }
}
