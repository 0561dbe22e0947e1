using System.Globalization;
using System.Text;
using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>A dead letter as its topic keeps it.</summary>
/// <param name="Letter">Where it lay, what it is, and why it could not be folded.</param>
/// <param name="Copies">How often the topic has it: it is kept at least once.</param>
public sealed record KeptLetter(DeadLetter Letter, int Copies);

/// <summary>A record as a topic has it.</summary>
/// <param name="Partition">Its partition.</param>
/// <param name="Offset">Its offset.</param>
/// <param name="UnixMs">Its time, milliseconds since the Unix epoch.</param>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value.</param>
/// <param name="Headers">Its headers.</param>
public sealed record SeenRecord(int Partition, long Offset, long UnixMs, byte[] Key, byte[] Value, Headers? Headers);

/// <summary>Goes through whole topics, for operators: records of a topic from an offset to the end that it had at the beginning.</summary>
public sealed class TopicReader : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ClientSettings settings;
    private readonly int deadLetterPartitions;
    private readonly IConsumer<byte[], byte[]> consumer;

    internal TopicReader(ClientSettings settings, int deadLetterPartitions)
    {
        (this.settings, this.deadLetterPartitions) = (settings, deadLetterPartitions);
        consumer = new ConsumerBuilder<byte[], byte[]>(settings.Probe()).SetLogHandler(static (_, _) => { }).SetErrorHandler(static (_, _) => { }).Build();
    }

    /// <summary>All dead letters, one for each source offset, by partition and offset.</summary>
    /// <param name="progress">Told of the share that was read, 0 .. 1.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public IReadOnlyList<KeptLetter> ReadDeadLetters(Action<double> progress, CancellationToken cancellation)
    {
        var found = new SortedDictionary<(int, long), KeptLetter>();
        Read(settings.DeadLetterTopic, new long[deadLetterPartitions], progress, result =>
        {
            if (LetterOf(result) is not { } letter) return;
            var copies = found.GetValueOrDefault((letter.Partition, letter.Offset))?.Copies ?? 0;
            found[(letter.Partition, letter.Offset)] = new KeptLetter(letter, copies + 1);
        }, cancellation);
        return [.. found.Values];
    }

    /// <summary>Calls for each record of the log itself, from an offset of each partition on; of a partition in order.</summary>
    /// <param name="from">First offset of each partition; <see cref="long.MaxValue"/>: nothing of it.</param>
    /// <param name="progress">Told of the share that was read, 0 .. 1.</param>
    /// <param name="seen">The record.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public void ReadLog(long[] from, Action<double> progress, Action<SeenRecord> seen, CancellationToken cancellation) =>
        Read(settings.Topic, from, progress, result => seen(new SeenRecord(
            result.Partition.Value, result.Offset.Value, result.Message.Timestamp.UnixTimestampMs, result.Message.Key ?? [], result.Message.Value ?? [],
            result.Message.Headers)), cancellation);

    private void Read(string topic, long[] from, Action<double> progress, Action<ConsumeResult<byte[], byte[]>> seen, CancellationToken cancellation)
    {
        try
        {
            var (starts, left) = StartsOf(topic, from);
            var all = Math.Max(1, left);
            var open = starts.Count;
            if (open > 0) consumer.Assign(starts);
            while (open > 0)
            {
                cancellation.ThrowIfCancellationRequested();
                var result = consumer.Consume(Patience) ?? throw new KafkaException(ErrorCode.Local_TimedOut);
                if (result.IsPartitionEOF)
                {
                    open--;
                    consumer.IncrementalUnassign([result.TopicPartition]);
                    continue;
                }
                seen(result);
                progress(1 - (Math.Max(0, --left) / (double)all));
            }
        }
        catch (KafkaException error)
        {
            throw new LogUnavailableException($"the broker does not answer for topic '{topic}': {error.Error.Reason}", TimeSpan.FromSeconds(1), error);
        }
        finally
        {
            consumer.Unassign();
        }
    }

    private (List<TopicPartitionOffset> Starts, long Records) StartsOf(string topic, long[] from)
    {
        List<TopicPartitionOffset> starts = [];
        var records = 0L;
        for (var partition = 0; partition < from.Length; partition++)
        {
            var ends = consumer.QueryWatermarkOffsets(new TopicPartition(topic, partition), Patience);
            var start = Math.Max(ends.Low.Value, from[partition]);
            if (start >= ends.High.Value) continue;
            starts.Add(new TopicPartitionOffset(topic, partition, start));
            records += ends.High.Value - start;
        }
        return (starts, records);
    }

    private static DeadLetter? LetterOf(ConsumeResult<byte[], byte[]> result)
    {
        var headers = new List<byte>();
        var about = new Dictionary<string, string>();
        foreach (var header in result.Message.Headers ?? [])
        {
            var value = header.GetValueBytes();
            if (header.Key.StartsWith(DeadLetterTopic.HeaderPrefix, StringComparison.Ordinal))
                about[header.Key[DeadLetterTopic.HeaderPrefix.Length..]] = Encoding.UTF8.GetString(value ?? []);
            else RecordHeaders.Add(headers, header.Key, value ?? [], isNull: value is null);
        }
        if (!int.TryParse(about.GetValueOrDefault("partition"), NumberStyles.None, CultureInfo.InvariantCulture, out var partition)
            || !long.TryParse(about.GetValueOrDefault("offset"), NumberStyles.None, CultureInfo.InvariantCulture, out var offset))
            return null;
        return new DeadLetter(
            partition, offset, result.Message.Timestamp.UnixTimestampMs, result.Message.Key ?? [], result.Message.Value ?? [], [.. headers],
            about.GetValueOrDefault("exception", ""), about.GetValueOrDefault("message", ""));
    }

    /// <summary>Closes the client.</summary>
    public void Dispose() => consumer.Dispose();
}
