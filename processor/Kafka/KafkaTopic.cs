using Confluent.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.Kafka;

/// <summary>A member of the consumer group, with a thread that polls; disposed of, it leaves the group.</summary>
public interface IKafkaMember : IDisposable;

/// <summary>The topic as one process sees it.</summary>
public sealed class KafkaTopic : IAsyncDisposable
{
    private const int RingBytesMin = 64 << 10;
    private const int RingBytesMax = 4 << 20;

    private readonly KafkaOptions options;
    private readonly ClientSettings clients;
    private readonly int appendTimeoutMs;
    private readonly TimeProvider time;
    private readonly IKafkaNotes notes;
    private KafkaPublisher? publisher;
    private DeadLetterTopic? deadLetters;
    private RecordProbe? probe;
    private int deadLetterPartitions;
    private bool isDisposed;

    /// <summary>Nothing is opened yet.</summary>
    /// <param name="options">Section <c>Kafka</c>.</param>
    /// <param name="topic">Its name.</param>
    /// <param name="maxRecordBytes">Bytes of the longest event that is published.</param>
    /// <param name="appendTimeoutMs">How long a record may take to be acknowledged.</param>
    /// <param name="time">Clock.</param>
    /// <param name="notes">Told of what the clients meet.</param>
    /// <exception cref="KafkaSettingException">The native client is not here, or a setting is refused.</exception>
    public KafkaTopic(KafkaOptions options, string topic, int maxRecordBytes, int appendTimeoutMs, TimeProvider time, IKafkaNotes notes)
    {
        if (NativeClient.Refusal is { } missing) throw new KafkaSettingException(missing);
        (this.options, this.appendTimeoutMs, this.time, this.notes) = (options, appendTimeoutMs, time, notes);
        clients = new ClientSettings(options, topic, maxRecordBytes);
        _ = clients.Admin();
    }

    /// <summary>Identity of a topic: its name. What tells two of one name apart are fingerprints (docs/decisions/0013).</summary>
    public static string IdentityOf(string topic) => $"kafka:{topic}";

    /// <summary>Publishes; valid once <see cref="OpenAsync"/> found a topic.</summary>
    public KafkaPublisher Publisher => publisher ?? throw new InvalidOperationException("the topic is not open yet");

    /// <summary>Keeps what cannot be folded; valid as <see cref="Publisher"/>.</summary>
    public IDeadLetters DeadLetters => deadLetters ?? throw new InvalidOperationException("the topic is not open yet");

    /// <summary>Looks at the topic; where it exists, opens it.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public async Task<TopicFindings> OpenAsync()
    {
        var findings = await AskAsync(static check => check.CheckAsync()).ConfigureAwait(false);
        if (findings.Partitions == 0 || findings.Refusals.Count > 0) return findings;
        deadLetterPartitions = findings.DeadLetterPartitions;
        probe ??= new RecordProbe(clients, time, notes);
        publisher ??= new KafkaPublisher(clients, IdentityOf(clients.Topic), findings.Partitions, appendTimeoutMs, notes);
        deadLetters ??= new DeadLetterTopic(clients, time, notes);
        return findings;
    }

    /// <summary>See <see cref="TopicCheck.CreateAsync"/>.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer, or refuses.</exception>
    public Task<IReadOnlyList<string>> CreateAsync(int partitions, short replicas) => AskAsync(check => check.CreateAsync(partitions, replicas));

    /// <summary>See <see cref="TopicCheck.CheckAsync"/>.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public Task<TopicFindings> CheckAsync() => AskAsync(static check => check.CheckAsync());

    /// <summary>Every partition has its first record still.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public bool IsWhole() => Enumerable.Range(0, Publisher.PartitionCount).All(partition => BeginOf(partition) == 0);

    /// <summary>First offset of a partition that is kept.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public long BeginOf(int partition) => probe!.Offsets(partition).Begin;

    /// <summary>Offsets that the topic keeps: its records, and the ends of transactions.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public long Records()
    {
        var records = 0L;
        for (var partition = 0; partition < Publisher.PartitionCount; partition++)
        {
            var (begin, end) = probe!.Offsets(partition);
            records += end - begin;
        }
        return records;
    }

    /// <summary>Joins the group of a lineage; partitions come, and go, by <paramref name="assignments"/>.</summary>
    /// <param name="lineage">Number of the lineage.</param>
    /// <param name="worker">Number of the member in this process.</param>
    /// <param name="workers">Members of this process.</param>
    /// <param name="assignments">Told on the polling thread.</param>
    public IKafkaMember Join(long lineage, int worker, int workers, IAssignments assignments)
    {
        // Half lies in the library's queue, half in the rings, of which a process may come to own all.
        var ring = (int)Math.Clamp(options.PrefetchBytes / 2 / Publisher.PartitionCount, RingBytesMin, RingBytesMax);
        var member = new PartitionConsumer(clients, lineage, worker, options.PrefetchBytes / 2 / workers, ring, probe!, assignments, time, notes);
        member.Start();
        return member;
    }

    /// <summary>Reads dead letters, and the log itself, for an operator.</summary>
    public TopicReader OpenReader() => new(clients, deadLetterPartitions);

    /// <summary>A partition as it is now, for an operator.</summary>
    /// <exception cref="LogUnavailableException">The broker does not answer.</exception>
    public StoppedKafkaLog OpenStopped(int partition) => new(clients, probe!, partition);

    /// <summary>Copies records into another topic of these brokers, which <see cref="CreateAsync"/> of its own made.</summary>
    /// <param name="target">Name of it.</param>
    public TopicCopy OpenCopy(string target) => new(clients, target, appendTimeoutMs);

    /// <summary>Closes all clients; what was to be published is sent for a while.</summary>
    public async ValueTask DisposeAsync()
    {
        if (isDisposed) return;
        isDisposed = true;
        if (publisher is not null) await publisher.DisposeAsync().ConfigureAwait(false);
        deadLetters?.Dispose();
        probe?.Dispose();
    }

    private async Task<T> AskAsync<T>(Func<TopicCheck, Task<T>> ask)
    {
        using var check = new TopicCheck(clients, notes);
        try
        {
            return await ask(check).ConfigureAwait(false);
        }
        catch (KafkaException away)
        {
            throw new LogUnavailableException($"the broker at {options.Bootstrap} does not answer: {away.Error.Reason}", TimeSpan.FromSeconds(1), away);
        }
    }
}
