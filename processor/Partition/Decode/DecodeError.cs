namespace ReadStateStream.Partition.Decode;

/// <summary>Why a record is no event of the contract. Names are stable: dead letters carry them.</summary>
public enum DecodeError : byte
{
    None = 0,

    // The bytes are no protobuf.
    Truncated,
    MalformedVarint,
    InvalidTag,
    InvalidWireType,
    NegativeLength,
    UnmatchedGroup,
    TooDeep,

    // The Confluent header before them.
    ConfluentHeader,
    ConfluentMessageIndex,

    // A protobuf that breaks the contract.
    UnknownFact,
    EventIdOutOfRange,
    ChannelIdOutOfRange,
    UserIdOutOfRange,
    IdOutOfRange,
    ThreadIdOutOfRange,
    ListedIdOutOfRange,
    TooManyListed,
    UnknownChannelKind,
    UnknownMessageKind,
    MainTimelineFalse,
    PartitionOutOfRange,
    DeadLetterOffsetOutOfRange,

    // A fact of the contract that lies where it cannot be folded.
    ControlElsewhere,
    KeyOfAnother,
    PartitionOfAnother,
    AheadOfAppend,
}

/// <summary>Texts for people.</summary>
public static class DecodeErrors
{
    /// <summary>One line that says what is wrong.</summary>
    public static string Describe(this DecodeError error) => error switch
    {
        DecodeError.None => "no error",
        DecodeError.Truncated => "the record ends inside a field",
        DecodeError.MalformedVarint => "a varint is longer than 10 bytes",
        DecodeError.InvalidTag => "a field has the number 0",
        DecodeError.InvalidWireType => "a field has a wire type that does not exist (6 or 7)",
        DecodeError.NegativeLength => "a field's length is 2^31 or more",
        DecodeError.UnmatchedGroup => "a group ends that did not begin, or never ends",
        DecodeError.TooDeep => "groups are nested more than 100 deep",
        DecodeError.ConfluentHeader => "the first byte is 0, but no Confluent header (schema id, message index) follows",
        DecodeError.ConfluentMessageIndex => "the Confluent header names another message than the schema's first",
        DecodeError.UnknownFact => "the event states no fact, or a case that this version does not know",
        DecodeError.EventIdOutOfRange => "event_id is not in 1 .. 2^63-1",
        DecodeError.ChannelIdOutOfRange => "channel_id is not in 1 .. 2^63-1",
        DecodeError.UserIdOutOfRange => "the id of the user or author is not in 1 .. 2^63-1",
        DecodeError.IdOutOfRange => "message_id, up_to_id, before_id or blocked_user_id is not in 1 .. 2^63-1",
        DecodeError.ThreadIdOutOfRange => "thread_root_id is beyond 2^63-1, or 0 in the read of a thread",
        DecodeError.ListedIdOutOfRange => "a listed user's id is not in 1 .. 2^63-1",
        DecodeError.TooManyListed => "more than 10,000 users are listed",
        DecodeError.UnknownChannelKind => "the channel's kind is not known to this version",
        DecodeError.UnknownMessageKind => "the message's kind is not known to this version",
        DecodeError.MainTimelineFalse => "main_timeline is false; it may be true or absent",
        DecodeError.PartitionOutOfRange => "the dead letter's partition is not in 0 .. 2^31-1",
        DecodeError.DeadLetterOffsetOutOfRange => "the dead letter's offset is not in 0 .. 2^47-1",
        DecodeError.ControlElsewhere => "a control record lies in another partition than it names",
        DecodeError.KeyOfAnother => "the record's key is not the id that its fact belongs to",
        DecodeError.PartitionOfAnother => "the record lies in another partition than its key's",
        DecodeError.AheadOfAppend => "the event id's time lies too far past the record's append time",
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, null),
    };
}
