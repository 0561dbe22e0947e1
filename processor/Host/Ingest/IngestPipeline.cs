using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Log;
using ReadStateStream.Schemas;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Host.Ingest;

/// <summary>What became of one event.</summary>
/// <param name="Partition">Its partition; meaningless where it could not be read.</param>
/// <param name="Offset">Its offset, durable; meaningless with a fault.</param>
/// <param name="EventId">Its event id, stamped or its own; 0 where none was given yet.</param>
/// <param name="Fault">Null: taken.</param>
public readonly record struct EventOutcome(int Partition, long Offset, ulong EventId, EventFault? Fault);

/// <summary>
/// The way of an event from the request to the log: validate, stamp, choose key and partition, append, wait
/// for the disk. Events of one call keep their order within a partition.
/// </summary>
public sealed class IngestPipeline(
    IEventPublisher publisher, EventValidator validator, EventIdStamper stamper, IngestOptions options,
    Func<int, string?> refusalOf, LogNames names, Telemetry telemetry, TimeProvider time, ILogger<IngestPipeline> logger)
{
    /// <summary>Never throws for an event's sake: each has its outcome, in the order of the events.</summary>
    public async Task<EventOutcome[]> PublishAsync(IReadOnlyList<PostedEvent> events)
    {
        var outcomes = new EventOutcome[events.Count];
        var records = new List<OutgoingRecord>(events.Count);
        var positions = new List<int>(events.Count); // of each record, among the events
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < events.Count; i++)
        {
            outcomes[i] = Prepare(events[i], now, out var record);
            if (outcomes[i].Fault is not null) continue;
            records.Add(record);
            positions.Add(i);
        }
        if (records.Count > 0)
        {
            var results = await AppendAsync(records);
            for (var r = 0; r < results.Length; r++)
            {
                var position = positions[r];
                outcomes[position] = outcomes[position] with { Offset = results[r].Offset, Fault = FaultOf(results[r].Error) };
            }
        }
        Count(outcomes);
        return outcomes;
    }

    private EventOutcome Prepare(PostedEvent posted, long nowUnixMs, out OutgoingRecord record)
    {
        record = default;
        if (posted.Event is not { } e) return new EventOutcome(0, 0, 0, posted.Fault);
        if (validator.Check(e, nowUnixMs) is { } fault) return new EventOutcome(0, 0, e.EventId, fault);
        var stamped = 0UL;
        if (e.EventId == 0)
        {
            try
            {
                if (!stamper.TryStamp(out stamped)) return new EventOutcome(0, 0, 0, ClockBehind());
            }
            catch (Exception kept) when (kept is IOException or UnauthorizedAccessException)
            {
                return new EventOutcome(0, 0, 0, StoreUnavailable($"no event id can be given: {kept.Message}"));
            }
            e.EventId = stamped;
        }
        var (key, partition) = KeyOf(e, publisher.PartitionCount);
        if (refusalOf(partition) is { } refusal) return new EventOutcome(partition, 0, e.EventId, StoreUnavailable(refusal));
        record = new OutgoingRecord(partition, key, e.ToByteArray(), stamped);
        return new EventOutcome(partition, 0, e.EventId, null);
    }

    /// <summary>Key and partition of a valid event, as the contract has them.</summary>
    internal static (byte[] Key, int Partition) KeyOf(ChannelEvent e, int partitionCount)
    {
        if (ControlPartitionOf(e) is { } control)
            return (Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"#{control}")), control);
        Span<byte> text = stackalloc byte[20];
        Utf8Formatter.TryFormat(KeyIdOf(e), text, out var length);
        return (text[..length].ToArray(), Partitioner.PartitionOf(text[..length], partitionCount));
    }

    private static int? ControlPartitionOf(ChannelEvent e) => e.FactCase switch
    {
        ChannelEvent.FactOneofCase.DeadLetterResolved => (int)e.DeadLetterResolved.Partition,
        ChannelEvent.FactOneofCase.DeadLetterWaived => (int)e.DeadLetterWaived.Partition,
        _ => null,
    };

    private static ulong KeyIdOf(ChannelEvent e) => e.FactCase switch
    {
        ChannelEvent.FactOneofCase.ChannelCreated => e.ChannelCreated.ChannelId,
        ChannelEvent.FactOneofCase.ChannelDeleted => e.ChannelDeleted.ChannelId,
        ChannelEvent.FactOneofCase.MemberJoined => e.MemberJoined.ChannelId,
        ChannelEvent.FactOneofCase.MemberLeft => e.MemberLeft.ChannelId,
        ChannelEvent.FactOneofCase.MessageSent => e.MessageSent.ChannelId,
        ChannelEvent.FactOneofCase.MessageEdited => e.MessageEdited.ChannelId,
        ChannelEvent.FactOneofCase.MessageDeleted => e.MessageDeleted.ChannelId,
        ChannelEvent.FactOneofCase.MessagesPurged => e.MessagesPurged.ChannelId,
        ChannelEvent.FactOneofCase.MessagesRead => e.MessagesRead.ChannelId,
        ChannelEvent.FactOneofCase.PointerSet => e.PointerSet.ChannelId,
        ChannelEvent.FactOneofCase.ChannelMuted => e.ChannelMuted.ChannelId,
        ChannelEvent.FactOneofCase.EveryoneSuppressed => e.EveryoneSuppressed.ChannelId,
        ChannelEvent.FactOneofCase.UserBlocked => e.UserBlocked.UserId,
        _ => throw new ArgumentException($"no key for the case {e.FactCase}", nameof(e)),
    };

    // The append is not tied to the caller: whoever hangs up must not leave half a batch behind.
    private async Task<PublishResult[]> AppendAsync(List<OutgoingRecord> records)
    {
        using var activity = Telemetry.Activities.StartActivity($"send {names.Topic}", ActivityKind.Producer);
        activity?.SetTag("messaging.system", names.System)
            .SetTag("messaging.operation.name", "send")
            .SetTag("messaging.destination.name", names.Topic)
            .SetTag("messaging.batch.message_count", records.Count);
        var started = time.GetTimestamp();
        string? error = null;
        try
        {
            var results = await publisher.PublishAsync(records, CancellationToken.None)
                .WaitAsync(TimeSpan.FromMilliseconds(options.AppendTimeoutMs), time);
            if (Array.Find(results, result => result.Error is not null).Error is { } first)
            {
                error = first.GetType().FullName;
                logger.AppendFailed(results.Count(result => result.Error is not null), records.Count, first);
            }
            return results;
        }
        catch (Exception failed) when (failed is not OutOfMemoryException)
        {
            error = failed.GetType().FullName;
            logger.AppendFailed(records.Count, records.Count, failed);
            return [.. Enumerable.Repeat(new PublishResult(0, failed), records.Count)];
        }
        finally
        {
            if (error is not null) activity?.SetStatus(ActivityStatusCode.Error, error);
            telemetry.RecordAppend(names, time.GetElapsedTime(started), error);
        }
    }

    private EventFault? FaultOf(Exception? error) => error switch
    {
        null => null,
        TimeoutException => new EventFault(503, "append-timeout",
            $"the log did not confirm within {options.AppendTimeoutMs} ms; the event may be in it yet: "
            + "post it again with the same event id, which changes nothing if it is", ""),
        _ => new EventFault(503, "log-unavailable",
            "the log did not take the event; post it again later, with the same event id", ""),
    };

    private static EventFault StoreUnavailable(string why) => new(503, "store-unavailable",
        $"{why}; post the event again later, with the same event id", "");

    private static EventFault ClockBehind() => new(503, "clock-behind",
        "the clock lies too far behind the event ids stamped so far; post the event with an id of your own, or set the clock",
        "");

    private void Count(EventOutcome[] outcomes)
    {
        var accepted = outcomes.Count(outcome => outcome.Fault is null);
        var unavailable = outcomes.Count(outcome => outcome.Fault?.Status == 503);
        telemetry.RecordIngest("accepted", accepted);
        telemetry.RecordIngest("unavailable", unavailable);
        telemetry.RecordIngest("refused", outcomes.Length - accepted - unavailable);
    }
}
