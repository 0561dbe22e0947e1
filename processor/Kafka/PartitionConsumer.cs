// The thread that polls: one member of the consumer group, for the partitions of one worker.
//
// Invariants:
// - Callbacks of a rebalance only note what was given and taken: recovery, checkpoints and ships happen elsewhere, and
//   other partitions go on.
// - Nothing of a partition is read before its state says from where; then exactly from there.
// - A partition whose ring is full is paused; the others go on.
// - What is committed was kept first: it is told, not counted, here.
using System.Collections.Concurrent;
using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>Told of partitions that come and go, on the polling thread: must not block.</summary>
public interface IAssignments
{
    /// <summary>The partition is this process's now.</summary>
    void Assigned(KafkaLog log);

    /// <summary>It is to be given away in order: what was applied may still be kept. The log hands nothing out any more.</summary>
    void Revoked(KafkaLog log);

    /// <summary>It is another's already: nothing may be written. The log hands nothing out any more.</summary>
    void Lost(KafkaLog log);

    /// <summary>The client has given up for good: the process cannot go on.</summary>
    void Fatal(string reason);
}

/// <summary>One consumer and its thread.</summary>
internal sealed class PartitionConsumer : KafkaLog.IPolling, IKafkaMember
{
    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan Busy = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan CommitEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstAnswer = TimeSpan.FromSeconds(2);
    private const int DoubtsMax = 5;
    private static readonly TimeSpan OffsetsEvery = TimeSpan.FromMilliseconds(100);

    private readonly ClientSettings settings;
    private readonly RecordProbe probe;
    private readonly IAssignments assignments;
    private readonly TimeProvider time;
    private readonly IKafkaNotes notes;
    private readonly int ringBytes;
    private readonly IConsumer<CopiedBytes, CopiedBytes> consumer;
    private readonly CopyDeserializer keys = new();
    private readonly CopyDeserializer values = new();
    private readonly ConcurrentQueue<Action> asked = new();
    private readonly Dictionary<int, Feed> feeds = [];
    private readonly List<TopicPartition> justAssigned = [];
    private readonly List<byte> headers = [];
    private readonly PartitionEnds ends;
    private readonly Thread thread;
    private readonly TimeSpan heardFor;
    private volatile KafkaLog[] given = [];
    private long heardAt = long.MinValue;
    private long committedAt;
    private long offsetsAt;
    private int full;
    private bool isRebalanced;
    private bool wasAssigned;
    private volatile bool stopping;

    /// <summary>A partition that this member was given.</summary>
    private sealed class Feed(KafkaLog log)
    {
        public KafkaLog Log { get; } = log;
        public RecordRing? Ring { get; set; }
        public long Next { get; set; }
        public bool IsPaused { get; set; }
        public long Stored { get; set; } = -1;
        public long HighAtEnd { get; set; } = -1;
        public bool IsProving { get; set; }

        /// <summary>The library has it assigned: from the rebalance on.</summary>
        public bool IsFetched { get; set; } = true;

        /// <summary>The library refused that it is read from where it should be; that was said.</summary>
        public bool IsDelayed { get; set; }

        /// <summary>What comes follows on what came: the first record was the one asked for.</summary>
        public bool IsSettled { get; set; }

        /// <summary>
        /// Offsets without a record were met, and proven: further ones are passed unasked while it is settled, since each transaction
        /// leaves one.
        /// </summary>
        public bool HasGaps { get; set; }

        /// <summary>Times that records were missing since the last that was not.</summary>
        public int Doubts { get; set; }
        public Queue<(long Offset, long AppendedUnixMs, byte[] Key, byte[] Value, byte[] Headers)> Waiting { get; } = new();
    }

    public PartitionConsumer(
        ClientSettings settings, long lineage, int worker, long queueBytes, int ringBytes, RecordProbe probe, IAssignments assignments, TimeProvider time,
        IKafkaNotes notes)
    {
        (this.settings, this.probe, this.assignments, this.time, this.notes, this.ringBytes) = (settings, probe, assignments, time, notes, ringBytes);
        var config = settings.Member(lineage, worker, queueBytes);
        // The broker counts from when it got a heartbeat, this side from when it heard the answer.
        heardFor = settings.SessionTimeout - TimeSpan.FromMilliseconds(config.HeartbeatIntervalMs ?? 0);
        consumer = new ConsumerBuilder<CopiedBytes, CopiedBytes>(config)
            .SetKeyDeserializer(keys).SetValueDeserializer(values)
            .SetPartitionsAssignedHandler((_, more) => Assign(more))
            .SetPartitionsRevokedHandler((_, taken) => Take(taken, assignments.Revoked))
            .SetPartitionsLostHandler((_, taken) => Take(taken, assignments.Lost))
            .SetStatisticsHandler((_, json) => NoteHeard(json))
            .SetErrorHandler((_, error) => NoteError(error))
            .SetLogHandler((_, message) => notes.Note(message))
            .Build();
        ends = new PartitionEnds(
            consumer, settings.Topic, () => given, (log, end, at) => asked.Enqueue(() => log.HeardEnd(end, at)), TimeSpan.FromMilliseconds(config.StatisticsIntervalMs!.Value), time);
        thread = new Thread(Run) { Name = $"kafka-poll-{worker}", IsBackground = true };
    }

    /// <summary>Joins the group and begins to poll.</summary>
    public void Start()
    {
        consumer.Subscribe(settings.Topic);
        thread.Start();
        ends.Start();
    }

    public long Now => time.GetTimestamp();

    public long CoordinatorHeardAt => Volatile.Read(ref heardAt);

    public bool IsRecent(long timestamp) => timestamp != long.MinValue && time.GetElapsedTime(timestamp) < heardFor;

    public void Begin(KafkaLog log, RecordRing ring, long offset) => asked.Enqueue(() => BeginNow(log, ring, offset));

    public void End(KafkaLog log, RecordRing ring) => asked.Enqueue(() =>
    {
        if (!feeds.TryGetValue(log.Partition, out var feed) || feed.Ring != ring) return;
        feed.Ring = null;
        Unwait(feed);
        Pause(feed);
    });

    /// <summary>Leaves the group: what it owns is given away first.</summary>
    public void Dispose()
    {
        ends.Stop();
        stopping = true;
        if (thread.IsAlive) thread.Join();
        ends.Dispose();
        consumer.Dispose();
    }

    private void Run()
    {
        try
        {
            while (!stopping) Poll();
            Commit();
            AwaitFirstAssignment();
            consumer.Close();
        }
        catch (Exception error)
        {
            // Whoever does not poll keeps partitions that it does not read.
            if (stopping) notes.ConsumerError(error.Message);
            else assignments.Fatal(error.ToString());
        }
    }

    /// <summary>
    /// librdkafka 2.0.2 ends the process where a member is closed between its first JoinGroup and its first assignment
    /// (<c>rd_kafka_sticky_assignor_state_destroy: Assertion `assignor_state' failed</c>). So that is waited for: others give up what it
    /// gets within their session time-out; where no coordinator has answered at all, for less.
    /// </summary>
    private void AwaitFirstAssignment()
    {
        var began = time.GetTimestamp();
        while (!wasAssigned && time.GetElapsedTime(began) < (CoordinatorHeardAt == long.MinValue ? FirstAnswer : settings.SessionTimeout)) Poll();
    }

    private void Poll()
    {
        for (var left = asked.Count; left > 0 && asked.TryDequeue(out var next); left--) next();
        if (full > 0) Refill();
        if (time.GetElapsedTime(committedAt) > CommitEvery) Commit();
        if (time.GetElapsedTime(offsetsAt) > OffsetsEvery) NoteOffsets();
        try
        {
            var result = consumer.Consume(full > 0 ? Busy : Idle);
            AfterRebalance();
            if (result is not null) Deliver(result);
        }
        catch (ConsumeException error)
        {
            AfterRebalance();
            NoteConsumeError(error);
        }
    }

    // What was given and taken

    private List<TopicPartitionOffset> Assign(List<TopicPartition> more)
    {
        isRebalanced = wasAssigned = true;
        foreach (var partition in more)
        {
            var log = new KafkaLog(partition.Partition.Value, this, probe, ringBytes);
            feeds[log.Partition] = new Feed(log) { IsPaused = true };
            justAssigned.Add(partition);
            assignments.Assigned(log);
        }
        given = [.. feeds.Values.Select(static feed => feed.Log)];
        // From the end: nothing is read before the state is there, and says from where.
        return [.. more.Select(static partition => new TopicPartitionOffset(partition, Offset.End))];
    }

    private void AfterRebalance()
    {
        if (!isRebalanced) return;
        isRebalanced = false;
        ends.Wake();
        // The library has paused and resumed all: where it goes on is looked at once more.
        foreach (var feed in feeds.Values) feed.IsSettled = false;
        if (justAssigned.Count == 0) return;
        var still = justAssigned.Where(partition => feeds.TryGetValue(partition.Partition.Value, out var feed) && feed.Ring is null).ToList();
        justAssigned.Clear();
        if (still.Count > 0) consumer.Pause(still);
    }

    private void Take(List<TopicPartitionOffset> taken, Action<KafkaLog> tell)
    {
        isRebalanced = true;
        foreach (var partition in taken)
        {
            if (!feeds.Remove(partition.Partition.Value, out var feed)) continue;
            Unwait(feed);
            feed.Log.Revoke();
            tell(feed.Log);
        }
        given = [.. feeds.Values.Select(static feed => feed.Log)];
    }

    // Where partitions are read from

    private void BeginNow(KafkaLog log, RecordRing ring, long offset)
    {
        if (!feeds.TryGetValue(log.Partition, out var feed) || feed.Log != log) return;
        Unwait(feed);
        (feed.Ring, feed.Next) = (ring, offset);
        (feed.IsSettled, feed.IsProving, feed.Doubts) = (false, false, 0);
        Fetch(feed);
    }

    /// <summary>
    /// Reads from the next offset on. By a new assignment, not by a seek: librdkafka 2.0.2 goes on behind what it handed out last
    /// where a paused partition is sought and resumed, and a partition whose position the log did not have is fetched no more.
    /// </summary>
    private void Fetch(Feed feed)
    {
        var at = Of(feed.Log.Partition);
        try
        {
            if (feed.IsFetched) consumer.IncrementalUnassign([at]);
            feed.IsFetched = false;
            consumer.IncrementalAssign([new TopicPartitionOffset(at, feed.Next)]);
            feed.IsFetched = true;
            consumer.Resume([at]);
            feed.IsPaused = feed.IsDelayed = false;
            ends.Wake();
        }
        catch (KafkaException error)
        {
            // What the library has assigned and what it was given may differ for a moment: tried again with the offsets.
            if (!feed.IsDelayed) notes.ConsumerError($"partition {feed.Log.Partition} is not read from {feed.Next} yet: {error.Error.Reason}");
            feed.IsDelayed = true;
        }
    }

    private void Deliver(ConsumeResult<CopiedBytes, CopiedBytes> result)
    {
        if (!feeds.TryGetValue(result.Partition.Value, out var feed) || feed.Ring is not { } ring) return;
        var offset = result.Offset.Value;
        // What was fetched for an earlier position, or while it is asked what lies before.
        if (offset < feed.Next || feed.IsProving || (result.IsPartitionEOF && feed.Waiting.Count > 0)) return;
        if (offset > feed.Next && (result.IsPartitionEOF || !feed.IsSettled || !feed.HasGaps))
        {
            // What waits for room lies before the gap: this comes again once that is read.
            if (feed.Waiting.Count == 0) ProveGap(feed, ring, offset, isEnd: result.IsPartitionEOF);
            return;
        }
        feed.IsSettled = true;
        if (result.IsPartitionEOF)
        {
            End(feed, offset);
            return;
        }
        feed.Next = offset + 1;
        var appended = result.Message.Timestamp.UnixTimestampMs;
        var packed = PackedHeaders.Of(result.Message.Headers, headers);
        if (feed.Waiting.Count == 0 && ring.TryWrite(offset, appended, keys.Bytes, values.Bytes, packed))
        {
            feed.Log.Grew(feed.Next);
            return;
        }
        if (feed.Waiting.Count == 0) full++;
        feed.Waiting.Enqueue((offset, appended, keys.Bytes.ToArray(), values.Bytes.ToArray(), packed.ToArray()));
        feed.Log.Grew(feed.Next);
        Pause(feed);
    }

    /// <summary>
    /// It goes on, or ends, above what was read: the ends of transactions, and what they gave up, are offsets of no record. A
    /// record that was passed over would be lost in silence, so another client is asked whether there is none.
    /// </summary>
    private void ProveGap(Feed feed, RecordRing ring, long offset, bool isEnd)
    {
        feed.IsProving = true;
        var from = feed.Next;
        _ = Task.Run(() =>
        {
            bool? isEmpty = null;
            try
            {
                isEmpty = probe.IsEmpty(feed.Log.Partition, from, offset);
            }
            catch (LogUnavailableException away)
            {
                notes.ConsumerError(away.Message);
            }
            asked.Enqueue(() => PassGap(feed, ring, from, offset, isEmpty, isEnd));
        });
    }

    private void PassGap(Feed feed, RecordRing ring, long from, long offset, bool? isEmpty, bool isEnd)
    {
        // Taken meanwhile, or read for another reader.
        if (feeds.GetValueOrDefault(feed.Log.Partition) != feed || feed.Ring != ring || feed.Next != from) return;
        if (isEmpty is true && !ring.TryWriteGap(offset))
        {
            asked.Enqueue(() => PassGap(feed, ring, from, offset, true, isEnd));
            return;
        }
        feed.IsProving = false;
        if (isEmpty is true)
        {
            (feed.HasGaps, feed.Doubts) = (true, 0);
            if (isEnd) End(feed, offset);
            else feed.Next = offset;
        }
        else if (isEmpty is false && ++feed.Doubts > DoubtsMax)
        {
            feed.Log.Fail(new LogForkedAtReadException(feed.Log.Partition, from, $"it goes on at {offset}, and what lies between cannot be read"));
            return;
        }
        // What came meanwhile was not taken.
        feed.IsSettled = false;
        Fetch(feed);
    }

    private void End(Feed feed, long offset)
    {
        feed.Next = offset;
        feed.HighAtEnd = consumer.GetWatermarkOffsets(Of(feed.Log.Partition)).High.Value;
        feed.Log.Ends(offset);
    }

    private void Refill()
    {
        foreach (var feed in feeds.Values)
        {
            if (feed.Waiting.Count == 0 || feed.Ring is not { } ring || !ring.IsHalfEmpty) continue;
            while (feed.Waiting.TryPeek(out var one) && ring.TryWrite(one.Offset, one.AppendedUnixMs, one.Key, one.Value, one.Headers)) feed.Waiting.Dequeue();
            feed.Log.Grew(feed.Next - feed.Waiting.Count);
            if (feed.Waiting.Count > 0) continue;
            full--;
            // As after an assignment: where the library goes on is looked at once more.
            (feed.IsPaused, feed.IsSettled) = (false, false);
            consumer.Resume([Of(feed.Log.Partition)]);
            ends.Wake();
        }
    }

    private void Pause(Feed feed)
    {
        if (feed.IsPaused || !feed.IsFetched) return;
        feed.IsPaused = true;
        consumer.Pause([Of(feed.Log.Partition)]);
    }

    private void Unwait(Feed feed)
    {
        if (feed.Waiting.Count > 0) full--;
        feed.Waiting.Clear();
    }

    // What the broker says

    private void NoteOffsets()
    {
        offsetsAt = time.GetTimestamp();
        foreach (var feed in feeds.Values)
        {
            feed.Log.NoteOwnership();
            if (feed.Ring is null) continue;
            if (feed.IsDelayed) Fetch(feed);
            var known = consumer.GetWatermarkOffsets(Of(feed.Log.Partition));
            if (known.Low.Value > feed.Log.BeginOffset) feed.Log.Begins(known.Low.Value);
            // What lies above the end that was read is no record, until there is more.
            if (known.High.Value > feed.Log.EndOffset && known.High.Value != feed.HighAtEnd) feed.Log.Grew(known.High.Value);
        }
    }

    private void Commit()
    {
        committedAt = time.GetTimestamp();
        foreach (var feed in feeds.Values)
        {
            if (feed.Log.Committable is not { } committable) continue;
            var position = committable();
            if (position <= feed.Stored || position == 0) continue;
            try
            {
                consumer.StoreOffset(new TopicPartitionOffset(Of(feed.Log.Partition), position));
                feed.Stored = position;
            }
            catch (KafkaException)
            {
                // Its fetcher has not begun, or it is being taken: the next time, or the next owner.
            }
        }
    }

    private void NoteHeard(string statistics)
    {
        if (GroupStatistics.CoordinatorIdle(statistics) is not { } idle) return;
        var at = time.GetTimestamp() - (long)(idle.TotalSeconds * time.TimestampFrequency);
        if (at > Volatile.Read(ref heardAt)) Volatile.Write(ref heardAt, at);
    }

    private void NoteError(Error error)
    {
        if (error.IsFatal) assignments.Fatal(error.Reason);
        else notes.ConsumerError(error.Reason);
    }

    private void NoteConsumeError(ConsumeException error)
    {
        if (error.Error.IsFatal)
        {
            assignments.Fatal(error.Error.Reason);
            return;
        }
        var partition = error.ConsumerRecord?.Partition.Value ?? -1;
        if (!error.Error.IsOutsideLog() || !feeds.TryGetValue(partition, out var feed))
        {
            notes.ConsumerError(error.Error.Reason);
            return;
        }
        if (feed.Ring is not null) feed.Log.Fail(new LogForkedAtReadException(partition, feed.Next, error.Error.Reason));
    }

    private TopicPartition Of(int partition) => new(settings.Topic, partition);
}

/// <summary>The position lies outside of what the log has: it was dropped by retention, cut back, or the topic is another.</summary>
public sealed class LogForkedAtReadException(int partition, long position, string reason)
    : InvalidOperationException($"partition {partition}: the broker does not have position {position}: {reason}");
