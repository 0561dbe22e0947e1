using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;
using Fact = ReadStateStream.Schemas.V1.ChannelEvent.FactOneofCase;

namespace ReadStateStream.Unit.OracleChecks;

/// <summary>Changes to a log after which the answers must be the same, or the same but for ids.</summary>
internal static class LogChanges
{
    /// <summary>The same facts; those with one key keep their order among themselves, and nothing else is kept.</summary>
    public static IEnumerable<ChannelEvent> Interleaved(IEnumerable<ChannelEvent> facts, Random random)
    {
        var queues = facts.GroupBy(KeyOf).Select(group => new Queue<ChannelEvent>(group)).ToList();
        while (queues.Count > 0)
        {
            var queue = queues[random.Next(queues.Count)];
            yield return queue.Dequeue();
            if (queue.Count == 0) queues.Remove(queue);
        }
    }

    /// <summary>
    /// The same facts, each moved past neighbours that touch other aggregates and whose order has no meaning: within
    /// a channel too, where one is about a user's state and the other about the channel or another user's state.
    /// </summary>
    public static IReadOnlyList<ChannelEvent> WithNeighboursSwapped(IEnumerable<ChannelEvent> facts, Random random)
    {
        var log = facts.ToList();
        for (var swaps = log.Count * 4; swaps > 0 && log.Count > 1; swaps--)
        {
            var at = random.Next(log.Count - 1);
            if (AreIndependent(log[at], log[at + 1])) (log[at], log[at + 1]) = (log[at + 1], log[at]);
        }
        return log;
    }

    private static bool AreIndependent(ChannelEvent one, ChannelEvent other)
    {
        if (KeyOf(one) != KeyOf(other)) return true;
        var (mine, theirs) = (StateTouched(one), StateTouched(other));
        if (mine == theirs || mine == AllStates || theirs == AllStates) return false;
        // The head at a join is of its place among the messages sent.
        if (IsJoin(one) && other.MessageSent is not null || IsJoin(other) && one.MessageSent is not null) return false;
        return !(TouchesChannel(one) && TouchesChannel(other));
    }

    private const ulong AllStates = ulong.MaxValue;

    private static bool IsJoin(ChannelEvent fact) => fact.MemberJoined is not null;

    private static bool TouchesChannel(ChannelEvent fact) => fact.FactCase
        is Fact.MessageSent or Fact.MessageEdited or Fact.MessageDeleted or Fact.MessagesPurged or Fact.ChannelDeleted;

    /// <summary>The user whose state a fact of a channel changes; 0: nobody's.</summary>
    private static ulong StateTouched(ChannelEvent fact) => fact.FactCase switch
    {
        Fact.MessageSent => fact.MessageSent.AuthorId,
        Fact.MemberJoined => fact.MemberJoined.UserId,
        Fact.MemberLeft => fact.MemberLeft.UserId,
        Fact.MessagesRead => fact.MessagesRead.UserId,
        Fact.PointerSet => fact.PointerSet.UserId,
        Fact.ChannelMuted => fact.ChannelMuted.UserId,
        Fact.EveryoneSuppressed => fact.EveryoneSuppressed.UserId,
        Fact.MessageEdited or Fact.MessageDeleted or Fact.MessagesPurged or Fact.ChannelDeleted => 0,
        _ => AllStates,
    };

    /// <summary>Both logs, each in its order.</summary>
    public static IEnumerable<ChannelEvent> Merged(IEnumerable<ChannelEvent> one, IEnumerable<ChannelEvent> other, Random random)
    {
        var queues = new[] { new Queue<ChannelEvent>(one), new Queue<ChannelEvent>(other) };
        while (queues.Any(queue => queue.Count > 0))
        {
            var queue = queues[random.Next(2)];
            if (queue.TryDequeue(out var fact)) yield return fact;
        }
    }

    /// <summary>The fact, said of another channel; null for one that is about no channel.</summary>
    public static ChannelEvent? InChannel(ChannelEvent fact, ulong channel)
    {
        if (ReadStateOracle.ChannelOf(fact) is null) return null;
        var moved = fact.Clone();
        var body = FactOf(moved);
        body.Descriptor.FindFieldByName("channel_id").Accessor.SetValue(body, channel);
        return moved;
    }

    /// <summary>Each fact again at up to three random later places.</summary>
    public static IEnumerable<ChannelEvent> WithDuplicates(IReadOnlyList<ChannelEvent> facts, Random random)
    {
        var log = facts.ToList();
        foreach (var fact in facts)
            for (var again = random.Next(4); again > 0; again--)
                log.Insert(random.Next(log.IndexOf(fact) + 1, log.Count + 1), fact);
        return log;
    }

    /// <summary>The same facts in the same order with event ids that grow with it.</summary>
    public static IEnumerable<ChannelEvent> InOrderOfArrival(IEnumerable<ChannelEvent> facts) =>
        facts.Select((fact, index) => new ChannelEvent(fact) { EventId = (ulong)(index + 1) << 22 });

    /// <summary>Without what users read, set, mute or suppress where they are no members at that moment.</summary>
    public static IEnumerable<ChannelEvent> WithoutNonMembersFacts(IEnumerable<ChannelEvent> facts, OraclePolicy policy)
    {
        var soFar = new ReadStateOracle(policy);
        foreach (var fact in facts)
        {
            soFar.Append(fact);
            var user = fact.FactCase switch
            {
                Fact.MessagesRead => fact.MessagesRead.UserId,
                Fact.PointerSet => fact.PointerSet.UserId,
                Fact.ChannelMuted => fact.ChannelMuted.UserId,
                Fact.EveryoneSuppressed => fact.EveryoneSuppressed.UserId,
                _ => 0UL,
            };
            if (user == 0 || soFar.State(user, ReadStateOracle.ChannelOf(fact)!.Value).Member) yield return fact;
        }
    }

    /// <summary>Every message id of the log, to another in the same order; 0 stays 0.</summary>
    public static Func<ulong, ulong> OrderPreservingMapping(IEnumerable<ChannelEvent> facts)
    {
        var mapping = facts.SelectMany(fact => MessageIdFields(FactOf(fact)).Select(field => field.Id))
            .Where(id => id != 0).Distinct().Order()
            .Select((id, rank) => (id, mapped: 1_000 + 7 * (ulong)rank))
            .ToDictionary(pair => pair.id, pair => pair.mapped);
        return id => id == 0 ? 0 : mapping[id];
    }

    /// <summary>The fact with its message ids mapped.</summary>
    public static ChannelEvent WithMessageIds(ChannelEvent fact, Func<ulong, ulong> mapping)
    {
        var mapped = fact.Clone();
        foreach (var (name, id) in MessageIdFields(FactOf(mapped)).ToList())
        {
            var body = FactOf(mapped);
            body.Descriptor.FindFieldByName(name).Accessor.SetValue(body, mapping(id));
        }
        return mapped;
    }

    /// <summary>The answer with its message ids mapped.</summary>
    public static ReadState WithMessageIds(ReadState state, Func<ulong, ulong> mapping)
    {
        var mapped = state.Clone();
        mapped.LastReadId = mapping(mapped.LastReadId);
        mapped.LastMessageId = mapping(mapped.LastMessageId);
        if (mapped.Counts is { } counts) counts.FirstUnreadId = mapping(counts.FirstUnreadId);
        foreach (var thread in mapped.Threads)
        {
            thread.ThreadRootId = mapping(thread.ThreadRootId);
            thread.LastReadId = mapping(thread.LastReadId);
            thread.LastMessageId = mapping(thread.LastMessageId);
            thread.Counts.FirstUnreadId = mapping(thread.Counts.FirstUnreadId);
        }
        return mapped;
    }

    private static readonly string[] MessageIdFieldNames = ["message_id", "thread_root_id", "before_id", "up_to_id"];

    private static IEnumerable<(string Name, ulong Id)> MessageIdFields(Google.Protobuf.IMessage body) =>
        from name in MessageIdFieldNames
        let field = body.Descriptor.FindFieldByName(name)
        where field is not null
        // A field of a oneof that is not the case in force must not be set.
        where field.ContainingOneof is null || field.ContainingOneof.Accessor.GetCaseFieldDescriptor(body) == field
        select (name, (ulong)field.Accessor.GetValue(body));

    /// <summary>The case of an event that is set.</summary>
    public static Google.Protobuf.IMessage FactOf(ChannelEvent record)
    {
        var field = ChannelEvent.Descriptor.FindFieldByNumber((int)record.FactCase);
        return (Google.Protobuf.IMessage)field.Accessor.GetValue(record);
    }

    private static (string, ulong) KeyOf(ChannelEvent fact) => fact.FactCase switch
    {
        Fact.UserBlocked => ("user", fact.UserBlocked.UserId),
        Fact.DeadLetterResolved or Fact.DeadLetterWaived => ("partition", 0),
        _ => ("channel", ReadStateOracle.ChannelOf(fact)!.Value),
    };
}
