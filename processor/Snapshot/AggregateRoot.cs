using ReadStateStream.Snapshot.Records;

namespace ReadStateStream.Snapshot;

/// <summary>Which aggregate a record belongs to: the key of its first record.</summary>
public static class AggregateRoot
{
    /// <summary>
    /// The channel's record for every part of a channel, the first chunk for a list, the read state for its thread
    /// pointers (whose keys are hashes: the ids lie in the value, so a thread pointer needs it; it is never deleted).
    /// </summary>
    public static Key16 Of(Key16 key, ReadOnlySpan<byte> value) => key.Kind switch
    {
        RecordKind.Channel => Key16.OfChannel(key.Channel, SubKind.ChannelRecord),
        RecordKind.User => Key16.OfUser(key.User, key.SubKind),
        RecordKind.Thread => ThreadRecord.StateOf(value),
        _ => key,
    };
}
