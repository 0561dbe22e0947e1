using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;

namespace ReadStateStream.Unit.Partition;

/// <summary>
/// Many generated logs in one partition, each with users and channels of its own, folded under one policy:
/// enough data that a small memory holds a part of it, and every log still has its own oracle.
/// </summary>
public sealed class InterleavedLogs
{
    private readonly List<GeneratedLog> logs = [];

    /// <summary>Logs of <paramref name="size"/> events; the policy is that of the first seed.</summary>
    public InterleavedLogs(int firstSeed, int count, int size)
    {
        Policy = GeneratedLog.Make(firstSeed, 1).Policy;
        for (var i = 0; i < count; i++) logs.Add(GeneratedLog.Make(firstSeed + i, size) with { Policy = Policy });
    }

    public OraclePolicy Policy { get; }

    public IReadOnlyList<GeneratedLog> Logs => logs;

    /// <summary>All events: one of each log in turn, so that every record goes cold before it is needed again.</summary>
    public IEnumerable<ChannelEvent> Events() => Tagged().Select(tagged => tagged.Event);

    /// <summary>All events in that order, each with its log and as that log's oracle knows it.</summary>
    public IEnumerable<(int Log, ChannelEvent Source, ChannelEvent Event)> Tagged()
    {
        for (var at = 0; logs.Any(log => at < log.Events.Count); at++)
            for (var i = 0; i < logs.Count; i++)
                if (at < logs[i].Events.Count && logs[i].Events[at].Event is var source && IsAboutIds(source))
                    yield return (i, source, Mapped(source, Map(i)));
    }

    /// <summary>The first difference between the product and the oracles, or null.</summary>
    public string? FirstDifference(IAsked product)
    {
        for (var i = 0; i < logs.Count; i++)
            if (OracleComparison.FirstDifference(product, logs[i].Oracle(), Map(i)) is { } difference)
                return $"log {i}: {difference}\n{logs[i]}";
        return null;
    }

    /// <summary>Of log i: user and channel ids moved apart from those of the others.</summary>
    public static Func<ulong, ulong> Map(int i) => id => id > long.MaxValue / 2 ? id - ((ulong)i * 1_000_000) : id + ((ulong)i * 1_000_000);

    // Control records name offsets of their own log; here they would name another record.
    private static bool IsAboutIds(ChannelEvent record) =>
        record.FactCase is not (ChannelEvent.FactOneofCase.DeadLetterResolved or ChannelEvent.FactOneofCase.DeadLetterWaived);

    private static ChannelEvent Mapped(ChannelEvent source, Func<ulong, ulong> map)
    {
        var record = source.Clone();
        var fact = (Google.Protobuf.IMessage)ChannelEvent.Descriptor.Fields.InFieldNumberOrder()
            .Single(field => field.FieldNumber == (int)record.FactCase).Accessor.GetValue(record);
        foreach (var field in fact.Descriptor.Fields.InFieldNumberOrder())
        {
            if (field.Name is not ("channel_id" or "user_id" or "author_id" or "blocked_user_id" or "member_ids" or "mentioned_user_ids")) continue;
            if (!field.IsRepeated) field.Accessor.SetValue(fact, map((ulong)field.Accessor.GetValue(fact)));
            else
            {
                var ids = (Google.Protobuf.Collections.RepeatedField<ulong>)field.Accessor.GetValue(fact);
                for (var i = 0; i < ids.Count; i++) ids[i] = map(ids[i]);
            }
        }
        return record;
    }
}
