namespace ReadStateStream.Kafka;

/// <summary>
/// Asks again and again how far partitions are. Whoever says how far an answer lags must have heard so lately from the broker
/// that leads the partition: that the coordinator answers says nothing of that one, and a fetch that never comes back
/// does not say that it is missing.
/// </summary>
internal sealed class PartitionEnds : IDisposable
{
    private const int AtOnce = 16;

    private readonly RecordProbe probe;
    private readonly Func<IReadOnlyList<KafkaLog>> logs;
    private readonly Action<KafkaLog, long, long> tell;
    private readonly TimeSpan every;
    private readonly TimeProvider time;
    private readonly ManualResetEventSlim stop = new();
    private readonly Thread thread;

    /// <param name="probe">Asks.</param>
    /// <param name="logs">Those of which it is to be known, any thread.</param>
    /// <param name="tell">Told, on any thread: of which, its end, and the timestamp of the question.</param>
    /// <param name="every">Between two questions, and how long the first brokers' answers are waited for.</param>
    /// <param name="time">Clock.</param>
    public PartitionEnds(RecordProbe probe, Func<IReadOnlyList<KafkaLog>> logs, Action<KafkaLog, long, long> tell, TimeSpan every, TimeProvider time)
    {
        (this.probe, this.logs, this.tell, this.every, this.time) = (probe, logs, tell, every, time);
        thread = new Thread(Run) { Name = "kafka-ends", IsBackground = true };
    }

    /// <summary>Begins to ask.</summary>
    public void Start() => thread.Start();

    /// <summary>Ends after the question under way.</summary>
    public void Dispose()
    {
        stop.Set();
        if (thread.IsAlive) thread.Join();
        stop.Dispose();
    }

    private void Run()
    {
        while (!stop.Wait(every)) Ask(logs());
    }

    private void Ask(IReadOnlyList<KafkaLog> owned)
    {
        if (owned.Count == 0 || Heard(owned) == owned.Count || stop.IsSet) return;
        // One leader that is away leaves all unanswered: now each by itself.
        Parallel.ForEach(owned, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, log => Heard([log]));
    }

    private int Heard(IReadOnlyList<KafkaLog> asked)
    {
        var at = time.GetTimestamp();
        var heard = 0;
        foreach (var (partition, end) in probe.Ends(asked.Select(static log => log.Partition), every))
        {
            tell(asked.First(log => log.Partition == partition), end, at);
            heard++;
        }
        return heard;
    }
}
