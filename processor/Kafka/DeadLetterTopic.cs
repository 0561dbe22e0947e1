using System.Globalization;
using System.Text;
using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>
/// Keeps dead letters in the topic <c>&lt;topic&gt;.dlq</c>: key, value and headers as they were, and where they lay and why in
/// headers named as Kafka Streams names them. Tried again until the broker takes them. Of a record that the topic does not take for
/// its length the value stays behind, and <c>value.bytes</c> says how long it is.
/// </summary>
public sealed class DeadLetterTopic : IDeadLetters, IDisposable
{
    /// <summary>Beginning of the names of the headers that are added.</summary>
    public const string HeaderPrefix = "__streams.errors.";

    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromSeconds(30);

    private const int TimeoutMs = 30_000;

    private readonly string source;
    private readonly string topic;
    private readonly IProducer<byte[], byte[]> producer;
    private readonly TimeProvider time;
    private readonly IKafkaNotes notes;

    internal DeadLetterTopic(ClientSettings settings, TimeProvider time, IKafkaNotes notes)
    {
        (source, topic, this.time, this.notes) = (settings.Topic, settings.DeadLetterTopic, time, notes);
        producer = new ProducerBuilder<byte[], byte[]>(settings.Producer(TimeoutMs, takesAny: true))
            .SetLogHandler((_, message) => notes.Note(message))
            .SetErrorHandler((_, error) => notes.ConsumerError(error.Reason))
            .Build();
    }

    /// <inheritdoc/>
    public async Task KeepAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancellation)
    {
        // The caller's list is used again for the next batch.
        List<DeadLetter> left = [.. letters];
        for (var wait = FirstRetry; ; wait = wait * 2 < LastRetry ? wait * 2 : LastRetry)
        {
            try
            {
                while (left.Count > 0)
                {
                    await ProduceAsync(left[0], cancellation).ConfigureAwait(false);
                    left.RemoveAt(0);
                }
                return;
            }
            catch (KafkaException refused)
            {
                notes.DeadLettersWait(left.Count, refused.Error.Reason);
                await Task.Delay(wait, time, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Where the topic does not take so long a record, all but its value: that must not stop the partition for ever.</summary>
    private async Task ProduceAsync(DeadLetter letter, CancellationToken cancellation)
    {
        try
        {
            await producer.ProduceAsync(topic, Message(letter, withValue: true), cancellation).ConfigureAwait(false);
        }
        catch (KafkaException tooLong) when (tooLong.Error.Code is ErrorCode.MsgSizeTooLarge or ErrorCode.RecordListTooLarge)
        {
            await producer.ProduceAsync(topic, Message(letter, withValue: false), cancellation).ConfigureAwait(false);
        }
    }

    private Message<byte[], byte[]> Message(DeadLetter letter, bool withValue)
    {
        var headers = new Headers();
        foreach (var (name, value) in RecordHeaders.Read(letter.Headers)) headers.Add(name, value);
        Add("exception", letter.Code);
        Add("message", letter.Reason);
        Add("topic", source);
        Add("partition", letter.Partition.ToString(CultureInfo.InvariantCulture));
        Add("offset", letter.Offset.ToString(CultureInfo.InvariantCulture));
        if (!withValue) Add("value.bytes", letter.Value.Length.ToString(CultureInfo.InvariantCulture));
        return new Message<byte[], byte[]> { Key = letter.Key, Value = withValue ? letter.Value : [], Headers = headers };

        void Add(string name, string value) => headers.Add(HeaderPrefix + name, Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Closes the client; what it has not sent was not said to be kept.</summary>
    public void Dispose() => producer.Dispose();
}
