using Google.Protobuf;
using ReadStateStream.Schemas;
using ReadStateStream.Fold;
using ReadStateStream.Host.Ingest;
using ReadStateStream.Host.Settings;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Partition.Log;
using ReadStateStream.Schemas.V1;
using Fact = ReadStateStream.Schemas.V1.ChannelEvent.FactOneofCase;

namespace ReadStateStream.Host.Verbs.DeadLetters;

/// <summary>What a redrive of a letter would publish, or why there is none.</summary>
/// <param name="Records">The event, and that its letter is resolved, in this order.</param>
/// <param name="Refusal">Why not; null: it can be done.</param>
/// <param name="DependsOnOrder">It would have counted otherwise at its own place: to be forced.</param>
internal sealed record RedrivePlan(IReadOnlyList<OutgoingRecord> Records, string? Refusal, bool DependsOnOrder);

/// <summary>Publishes what was dead-lettered once more, where this version can fold it.</summary>
internal static class Redrive
{
    /// <summary>
    /// Facts that stand by their event ids or merge in any order, wherever they lie in the log (docs/decisions/0001 and the
    /// design's "What events do"). A message's arrival decides what a join before it covers; a read, a setting of the pointer, a join
    /// and a leave meet each other in the order of the log.
    /// </summary>
    private static readonly HashSet<Fact> AnyOrder =
        [Fact.MessageEdited, Fact.MessageDeleted, Fact.MessagesPurged, Fact.ChannelDeleted, Fact.ChannelMuted, Fact.EveryoneSuppressed, Fact.UserBlocked];

    /// <summary>What it would be.</summary>
    /// <param name="letter">The letter.</param>
    /// <param name="partitions">Partitions of the topic.</param>
    /// <param name="ids">How event ids tell their time.</param>
    /// <param name="nowUnixMs">When it would be appended, milliseconds since the Unix epoch.</param>
    /// <param name="controlId">Event id of the record that says that it is resolved.</param>
    public static RedrivePlan Of(DeadLetter letter, int partitions, EventIdOptions ids, long nowUnixMs, ulong controlId)
    {
        var (fact, lists) = (default(Fold.Fact), new FactLists());
        if (!FactDecoder.TryDecode(letter.Value, ref fact, lists, out var error)) return Refused($"this version cannot decode it either: {error.Describe()}");
        error = FactContract.Check(fact, lists);
        if (error != DecodeError.None) return Refused($"it breaks the contract: {error.Describe()}");
        if ((long)(fact.EventId >> EventIdTime.Shift) + ids.EpochUnixMs > nowUnixMs + (ids.MaxAheadSeconds * 1_000L))
            return Refused("its event id still lies too far ahead of the clock");
        var e = Parsed(letter.Value);
        if (e.FactCase is Fact.DeadLetterResolved or Fact.DeadLetterWaived) return Refused("it is a control record: write another with 'dlq redrive' or 'dlq waive'");
        var (key, partition) = IngestPipeline.KeyOf(e, partitions);
        var resolved = Control(new ChannelEvent
        {
            EventId = controlId, DeadLetterResolved = new DeadLetterResolved { Partition = (uint)letter.Partition, Offset = (ulong)letter.Offset },
        }, partitions);
        return new RedrivePlan([new OutgoingRecord(partition, key, e.ToByteArray(), 0), resolved], null, !AnyOrder.Contains(e.FactCase));
    }

    /// <summary>The record that gives a letter up.</summary>
    public static OutgoingRecord Waiver(DeadLetter letter, int partitions, ulong controlId, string reason) => Control(new ChannelEvent
    {
        EventId = controlId, DeadLetterWaived = new DeadLetterWaived { Partition = (uint)letter.Partition, Offset = (ulong)letter.Offset, Reason = reason },
    }, partitions);

    private static OutgoingRecord Control(ChannelEvent e, int partitions)
    {
        var (key, partition) = IngestPipeline.KeyOf(e, partitions);
        return new OutgoingRecord(partition, key, e.ToByteArray(), 0);
    }

    private static ChannelEvent Parsed(byte[] value)
    {
        ReadOnlySpan<byte> body = value;
        if (body.Length > 0 && body[0] == ConfluentHeader.MagicByte) ConfluentHeader.Strip(ref body);
        return ChannelEvent.Parser.ParseUntrusted(body);
    }

    private static RedrivePlan Refused(string why) => new([], why, false);
}
