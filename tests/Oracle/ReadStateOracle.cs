using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;
using Fact = ReadStateStream.Schemas.V1.ChannelEvent.FactOneofCase;

namespace ReadStateStream.Oracle;

/// <summary>One record of the log as the oracle keeps it.</summary>
public sealed record OracleRecord(int Partition, long Offset, ChannelEvent Event);

/// <summary>
/// The naive model the product is judged by: it keeps the whole log and tells it again, event by event,
/// to plain objects with full histories; every answer is then counted message by message. No record
/// formats, no per-aggregate offsets, no laziness. Not thread-safe.
/// </summary>
/// <param name="policy">What counts.</param>
/// <param name="partitionCount">Partitions of the topic, 1 or more; answers differ in the partition alone.</param>
public sealed partial class ReadStateOracle(OraclePolicy policy, int partitionCount = 1)
{
    private readonly List<OracleRecord> log = [];
    private readonly long[] nextOffsets = new long[partitionCount];
    private readonly Dictionary<ulong, ChannelHistory> channels = [];
    private readonly Dictionary<(ulong User, ulong Channel), MemberHistory> members = [];
    private readonly Dictionary<(ulong User, ulong Who), (ulong EventId, bool On)> blocks = [];
    private readonly SortedSet<(int Partition, long Offset)> deadLetters = [];

    /// <summary>What counts.</summary>
    public OraclePolicy Policy => policy;

    /// <summary>Partitions of the topic.</summary>
    public int PartitionCount => partitionCount;

    /// <summary>Everything appended so far, in order of arrival.</summary>
    public IReadOnlyList<OracleRecord> Log => log;

    /// <summary>Next offset of a partition.</summary>
    public long Position(int partition) => nextOffsets[partition];

    /// <summary>Partition of the event's key; null for an event without a fact.</summary>
    public int? PartitionOf(ChannelEvent record) => record.FactCase switch
    {
        Fact.None => null,
        Fact.DeadLetterResolved => (int)record.DeadLetterResolved.Partition,
        Fact.DeadLetterWaived => (int)record.DeadLetterWaived.Partition,
        Fact.UserBlocked => Partitioner.PartitionOf(record.UserBlocked.UserId, partitionCount),
        _ => Partitioner.PartitionOf(ChannelOf(record)!.Value, partitionCount),
    };

    /// <summary>Appends at the end of the partition of its key.</summary>
    public OracleRecord Append(ChannelEvent record) => Append(PartitionOf(record) ?? 0, record);

    /// <summary>Appends at the end of this partition; one whose key belongs elsewhere is a dead letter.</summary>
    public OracleRecord Append(int partition, ChannelEvent record)
    {
        var appended = new OracleRecord(partition, nextOffsets[partition]++, record);
        log.Add(appended);
        Tell(appended);
        return appended;
    }

    /// <summary>Appends all, each at the end of the partition of its key.</summary>
    public ReadStateOracle AppendAll(IEnumerable<ChannelEvent> records)
    {
        foreach (var record in records) Append(record);
        return this;
    }

    /// <summary>The channel that an event is about; null where it is about a user or a partition.</summary>
    public static ulong? ChannelOf(ChannelEvent record) => record.FactCase switch
    {
        Fact.ChannelCreated => record.ChannelCreated.ChannelId,
        Fact.ChannelDeleted => record.ChannelDeleted.ChannelId,
        Fact.MemberJoined => record.MemberJoined.ChannelId,
        Fact.MemberLeft => record.MemberLeft.ChannelId,
        Fact.MessageSent => record.MessageSent.ChannelId,
        Fact.MessageEdited => record.MessageEdited.ChannelId,
        Fact.MessageDeleted => record.MessageDeleted.ChannelId,
        Fact.MessagesPurged => record.MessagesPurged.ChannelId,
        Fact.MessagesRead => record.MessagesRead.ChannelId,
        Fact.PointerSet => record.PointerSet.ChannelId,
        Fact.ChannelMuted => record.ChannelMuted.ChannelId,
        Fact.EveryoneSuppressed => record.EveryoneSuppressed.ChannelId,
        _ => null,
    };

    private void Tell(OracleRecord record)
    {
        if (PartitionOf(record.Event) != record.Partition)
        {
            deadLetters.Add((record.Partition, record.Offset));
            return;
        }
        var eventId = record.Event.EventId;
        switch (record.Event.FactCase)
        {
            case Fact.UserBlocked:
                Block(eventId, record.Event.UserBlocked);
                break;
            case Fact.DeadLetterResolved:
                deadLetters.Remove((record.Partition, (long)record.Event.DeadLetterResolved.Offset));
                break;
            case Fact.DeadLetterWaived:
                deadLetters.Remove((record.Partition, (long)record.Event.DeadLetterWaived.Offset));
                break;
            default:
                TellChannel(eventId, record.Event);
                break;
        }
    }

    private void TellChannel(ulong eventId, ChannelEvent record)
    {
        var channel = ChannelWith(ChannelOf(record)!.Value);
        MemberHistory Of(ulong user) => MemberWith(user, ChannelOf(record)!.Value);
        switch (record.FactCase)
        {
            case Fact.ChannelCreated:
                channel.Created(eventId, record.ChannelCreated.Kind);
                foreach (var user in record.ChannelCreated.MemberIds) Of(user).Join(eventId, channel.Head);
                break;
            case Fact.ChannelDeleted:
                channel.Delete();
                break;
            case Fact.MemberJoined:
                Of(record.MemberJoined.UserId).Join(eventId, channel.Head);
                break;
            case Fact.MemberLeft:
                Of(record.MemberLeft.UserId).Leave(eventId);
                break;
            case Fact.MessageSent:
                channel.Sent(record.MessageSent);
                var sent = record.MessageSent;
                if (IsBy(sent.AuthorId, sent)) Of(sent.AuthorId).SentOwn(sent.MessageId, sent.ThreadRootId);
                break;
            case Fact.MessageEdited:
                channel.Edited(eventId, record.MessageEdited);
                break;
            case Fact.MessageDeleted:
                channel.Deleted(record.MessageDeleted);
                break;
            case Fact.MessagesPurged:
                channel.Purged(record.MessagesPurged.BeforeId);
                break;
            case Fact.MessagesRead:
                Of(record.MessagesRead.UserId).Read(eventId, record.MessagesRead.UpToId, ScopeOf(record.MessagesRead));
                break;
            case Fact.PointerSet:
                Of(record.PointerSet.UserId).SetPointer(eventId, record.PointerSet.UpToId);
                break;
            case Fact.ChannelMuted:
                var muted = Of(record.ChannelMuted.UserId);
                muted.Mute.Set(eventId, record.ChannelMuted.On, muted.Member);
                break;
            case Fact.EveryoneSuppressed:
                var suppressed = Of(record.EveryoneSuppressed.UserId);
                suppressed.Suppress.Set(eventId, record.EveryoneSuppressed.On, suppressed.Member);
                break;
            default:
                throw new InvalidOperationException($"the oracle does not know {record.FactCase}");
        }
    }

    private void Block(ulong eventId, UserBlocked fact)
    {
        var target = (fact.UserId, fact.BlockedUserId);
        if (!blocks.TryGetValue(target, out var stored) || eventId > stored.EventId) blocks[target] = (eventId, fact.On);
    }

    private static ulong? ScopeOf(MessagesRead read) => read.ScopeCase switch
    {
        MessagesRead.ScopeOneofCase.None => null,
        MessagesRead.ScopeOneofCase.MainTimeline => 0,
        _ => read.ThreadRootId,
    };

    /// <summary>Is it the user's own message? One posted by an integration only where the policy says so.</summary>
    private bool IsBy(ulong user, MessageSent message) =>
        message.AuthorId == user && (policy.WebhookIsOwn || !message.ViaIntegration);

    private ChannelHistory ChannelWith(ulong id)
    {
        if (!channels.TryGetValue(id, out var channel)) channels.Add(id, channel = new ChannelHistory(policy));
        return channel;
    }

    private MemberHistory MemberWith(ulong user, ulong channel)
    {
        if (!members.TryGetValue((user, channel), out var member)) members.Add((user, channel), member = new MemberHistory(policy));
        return member;
    }
}
