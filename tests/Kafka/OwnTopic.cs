using System.Collections.Concurrent;
using Confluent.Kafka;
using ReadStateStream.Kafka;
using ReadStateStream.Partition.Log;

namespace ReadStateStream.KafkaTests;

/// <summary>A topic of a test's own, with the product's clients on it.</summary>
internal sealed class OwnTopic : IAsyncDisposable, IAssignments, IKafkaNotes
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<int, TaskCompletionSource<KafkaLog>> given = new();
    private readonly string bootstrap;
    private IKafkaMember? member;

    private OwnTopic(string bootstrap)
    {
        this.bootstrap = bootstrap;
        Topic = new KafkaTopic(new KafkaOptions { Bootstrap = bootstrap, SessionTimeoutMs = 6_000 }, Name, 1 << 20, 30_000, TimeProvider.System, this);
    }

    public string Name { get; } = $"readstate-test-{Guid.NewGuid():N}";

    public KafkaTopic Topic { get; }

    /// <summary>What the clients said.</summary>
    public ConcurrentQueue<string> Said { get; } = new();

    /// <summary>Partitions that were taken away, in order; negative: lost.</summary>
    public ConcurrentQueue<int> Taken { get; } = new();

    public static async Task<OwnTopic> CreateAsync(string bootstrap, int partitions)
    {
        var topic = new OwnTopic(bootstrap);
        await topic.Topic.CreateAsync(partitions, -1);
        var found = await topic.Topic.OpenAsync();
        if (found.Refusals.Count > 0) throw new InvalidOperationException(string.Join("; ", found.Refusals));
        return topic;
    }

    /// <summary>Joins the group; the logs of its partitions come when they are assigned.</summary>
    public void Join(long lineage = 256) => member = Topic.Join(lineage, 0, 1, this);

    public void Leave()
    {
        member?.Dispose();
        member = null;
    }

    public Task<KafkaLog> LogAsync(int partition) => Given(partition).Task.WaitAsync(Patience);

    public void Forget(int partition) => given.TryRemove(partition, out _);

    /// <summary>Publishes values to a partition as the product does; their offsets.</summary>
    public async Task<long[]> PublishAsync(int partition, params string[] values)
    {
        var records = values.Select(value => new OutgoingRecord(partition, "1"u8.ToArray(), System.Text.Encoding.UTF8.GetBytes(value), 0)).ToList();
        var results = await Topic.Publisher.PublishAsync(records, default);
        return [.. results.Select(static result => result.Error is null ? result.Offset : throw result.Error)];
    }

    public ClientConfig Client => new() { BootstrapServers = bootstrap };

    public async ValueTask DisposeAsync()
    {
        Leave();
        await Topic.DisposeAsync();
    }

    private TaskCompletionSource<KafkaLog> Given(int partition) =>
        given.GetOrAdd(partition, static _ => new TaskCompletionSource<KafkaLog>(TaskCreationOptions.RunContinuationsAsynchronously));

    void IAssignments.Assigned(KafkaLog log) => Given(log.Partition).TrySetResult(log);

    void IAssignments.Revoked(KafkaLog log) => Taken.Enqueue(log.Partition);

    void IAssignments.Lost(KafkaLog log) => Taken.Enqueue(-1 - log.Partition);

    void IAssignments.Fatal(string reason) => Said.Enqueue("fatal: " + reason);

    void IKafkaNotes.Library(bool isWarning, string message) => Said.Enqueue(message);

    void IKafkaNotes.ConsumerError(string reason) => Said.Enqueue(reason);

    void IKafkaNotes.DeadLettersWait(int count, string reason) => Said.Enqueue($"{count} dead letters: {reason}");
}
