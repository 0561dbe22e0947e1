using Google.Protobuf;
using Google.Protobuf.Collections;
using ReadStateStream.Oracle;
using ReadStateStream.Schemas.V1;
using ReadStateStream.Unit.Generators;
using Fact = ReadStateStream.Schemas.V1.ChannelEvent.FactOneofCase;

namespace ReadStateStream.Crash;

/// <summary>
/// One generated log as a source publishes it: users and channels of its own, event ids of now in the order that the
/// generator gave them, and an oracle of what the product has acknowledged.
/// </summary>
internal sealed class LoadLog
{
    private const ulong IdsApart = 1_000_000;

    private static readonly HashSet<string> IdFields =
        ["channel_id", "user_id", "author_id", "blocked_user_id", "member_ids", "mentioned_user_ids"];

    private readonly List<ChannelEvent> events;
    private int acknowledged;

    /// <param name="seed">Of the generator.</param>
    /// <param name="number">Among the logs of one product: moves its ids apart from theirs.</param>
    /// <param name="size">Events.</param>
    /// <param name="now">Event ids are of then.</param>
    public LoadLog(int seed, int number, int size, DateTimeOffset now)
    {
        var generated = GeneratedLog.Make(seed, size).Facts
            .Where(fact => fact.FactCase is not (Fact.DeadLetterResolved or Fact.DeadLetterWaived)).ToList();
        var first = (ulong)(now - Harness.EventIds.Epoch).TotalMilliseconds << 22;
        var places = generated.Select(fact => fact.EventId).Distinct().Order().Select((id, place) => (id, place)).ToDictionary();
        events = [.. generated.Select(fact => Mapped(fact, first + (ulong)places[fact.EventId], (ulong)number * IdsApart))];
    }

    /// <summary>Nothing is left to publish.</summary>
    public bool IsDone => acknowledged == events.Count;

    /// <summary>What the product has acknowledged, in order.</summary>
    public IReadOnlyList<ChannelEvent> Published => events[..acknowledged];

    /// <summary>The next few events; the same ones until <see cref="Acknowledge"/>.</summary>
    public IReadOnlyList<ChannelEvent> Next(int count) => events.GetRange(acknowledged, Math.Min(count, events.Count - acknowledged));

    /// <summary>The product has taken these.</summary>
    public void Acknowledge(int count) => acknowledged += count;

    /// <summary>What is true after what was acknowledged.</summary>
    public ReadStateOracle Oracle(OraclePolicy policy, int partitions) => new ReadStateOracle(policy, partitions).AppendAll(Published);

    private static ChannelEvent Mapped(ChannelEvent source, ulong eventId, ulong apart)
    {
        var record = source.Clone();
        record.EventId = eventId;
        var fact = (IMessage)ChannelEvent.Descriptor.Fields.InFieldNumberOrder()
            .Single(field => field.FieldNumber == (int)record.FactCase).Accessor.GetValue(record);
        foreach (var field in fact.Descriptor.Fields.InFieldNumberOrder().Where(field => IdFields.Contains(field.Name)))
        {
            if (!field.IsRepeated) field.Accessor.SetValue(fact, Moved((ulong)field.Accessor.GetValue(fact), apart));
            else
            {
                var ids = (RepeatedField<ulong>)field.Accessor.GetValue(fact);
                for (var i = 0; i < ids.Count; i++) ids[i] = Moved(ids[i], apart);
            }
        }
        return record;
    }

    private static ulong Moved(ulong id, ulong by) => id > long.MaxValue / 2 ? id - by : id + by;
}
