namespace ReadStateStream.Fold;

#pragma warning disable CA1051 // plain values, passed by reference through the hot path

/// <summary>Which fact an event states; the values are the contract's field numbers.</summary>
public enum FactKind : byte
{
    /// <summary>No case, or one that this version does not know.</summary>
    None = 0,
    ChannelCreated = 10,
    ChannelDeleted = 11,
    MemberJoined = 12,
    MemberLeft = 13,
    MessageSent = 14,
    MessageEdited = 15,
    MessageDeleted = 16,
    MessagesPurged = 17,
    MessagesRead = 18,
    PointerSet = 19,
    ChannelMuted = 20,
    EveryoneSuppressed = 21,
    UserBlocked = 22,
    DeadLetterResolved = 23,
    DeadLetterWaived = 24,
}

/// <summary>What a read covers: the channel with its threads, its main timeline, or one thread.</summary>
public enum ReadScope : byte { Channel, Main, Thread }

/// <summary>
/// One event as plain values, the input of the fold. Members that the fact does not have are 0 or false.
/// Its list (members of <see cref="FactKind.ChannelCreated"/>; users named by a message or an edit) lies in a
/// <see cref="FactLists"/> beside it.
/// </summary>
public struct Fact
{
    /// <summary>The case.</summary>
    public FactKind Kind;
    /// <summary>A <see cref="ChannelKind"/> (channel created) or <see cref="MessageKind"/> (message sent); 255: not a byte.</summary>
    public byte SubKind;
    /// <summary>Scope of a read.</summary>
    public ReadScope Scope;
    /// <summary>Muted, suppressed, blocked: on. In a read of the main timeline: the value of <c>main_timeline</c>.</summary>
    public bool On;
    /// <summary>The message mentions everyone.</summary>
    public bool Everyone;
    /// <summary>Posted by an integration under the author's name.</summary>
    public bool ViaIntegration;
    /// <summary>Partition a dead letter lies in; negative where the contract's number is beyond int.</summary>
    public int Partition;
    /// <summary>Offset of the record in its partition's log; set by whoever read the log, not by the decoder.</summary>
    public long Offset;
    /// <summary>The event's id.</summary>
    public ulong EventId;
    /// <summary>The channel; 0 in facts about a user or a partition.</summary>
    public ulong Channel;
    /// <summary>Author, member, reader, or who blocks.</summary>
    public ulong User;
    /// <summary>Message id, up_to, before, the blocked user's id, or a dead letter's offset.</summary>
    public ulong Id;
    /// <summary>Thread root; 0: main timeline (sent), or none (read).</summary>
    public ulong Thread;
    /// <summary>Where the list begins in its <see cref="FactLists"/>.</summary>
    public int ListStart;
    /// <summary>Number of distinct ids in the list.</summary>
    public int ListCount;
}
