using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace ReadStateStream.Kafka;

/// <summary>What a topic is, and what of it would break exactness.</summary>
/// <param name="Partitions">Number of its partitions; 0: there is no such topic.</param>
/// <param name="DeadLetterPartitions">The same of the topic of dead letters.</param>
/// <param name="Refusals">Why it cannot be served from, each with the way out.</param>
/// <param name="Warnings">What an operator should know.</param>
/// <param name="Retention">For how long records are kept; null: for ever, but for a bound in bytes.</param>
public sealed record TopicFindings(
    int Partitions, int DeadLetterPartitions, IReadOnlyList<string> Refusals, IReadOnlyList<string> Warnings, TimeSpan? Retention = null)
{
    /// <summary>Checkpoints, or ships of them, that may fail in a row before records go that a recovery asks for.</summary>
    private const int IntervalsKept = 10;

    /// <summary>Why it cannot be served from by processors with some settings; none: it can.</summary>
    /// <param name="partitions">Their number of partitions.</param>
    /// <param name="interval">Between two checkpoints: what is applied and not kept yet is as old as that, at least.</param>
    public IReadOnlyList<string> RefusalsFor(int partitions, TimeSpan interval)
    {
        List<string> refusals = [.. Refusals];
        if (Partitions != 0 && Partitions != partitions)
            refusals.Add($"the topic has {Partitions} partitions, Processor__Partitions is {partitions}: set it to the topic's; a topic whose partitions were added to is republished into a new one");
        if (Retention < IntervalsKept * interval)
            refusals.Add($"the topic keeps its records for {Retention}, less than {IntervalsKept} times Checkpoint__IntervalSeconds: they would go before what was computed from them is kept; set retention.ms to {IntervalsKept * interval} or longer");
        return refusals;
    }
}

/// <summary>Creates and checks topics.</summary>
public sealed class TopicCheck : IDisposable
{
    private const string Forever = "-1";

    /// <summary>What a dead letter's own headers take at most.</summary>
    private const int LetterHeaders = 64 << 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly ClientSettings settings;
    private readonly IAdminClient admin;

    internal TopicCheck(ClientSettings settings, IKafkaNotes notes)
    {
        this.settings = settings;
        admin = new AdminClientBuilder(settings.Admin())
            .SetLogHandler((_, message) => notes.Note(message))
            .SetErrorHandler((_, error) => notes.ConsumerError(error.Reason))
            .Build();
    }

    /// <summary>Creates the topic and that of its dead letters, where they do not exist; says which it created.</summary>
    /// <param name="partitions">Partitions of the topic.</param>
    /// <param name="replicas">Copies of each, or -1 for the broker's default.</param>
    /// <exception cref="KafkaException">The broker does not answer, or refuses.</exception>
    public async Task<IReadOnlyList<string>> CreateAsync(int partitions, short replicas)
    {
        var log = new TopicSpecification
        {
            Name = settings.Topic, NumPartitions = partitions, ReplicationFactor = replicas,
            Configs = new Dictionary<string, string>
            {
                ["cleanup.policy"] = "delete", ["retention.ms"] = Forever, ["retention.bytes"] = Forever,
                ["message.timestamp.type"] = "LogAppendTime", ["max.message.bytes"] = Text(settings.LongestRecordBytes),
            },
        };
        var letters = new TopicSpecification
        {
            Name = settings.DeadLetterTopic, NumPartitions = partitions, ReplicationFactor = replicas,
            // The topic may take longer records than this processor publishes; of each its copy must fit.
            Configs = new Dictionary<string, string>
            {
                ["cleanup.policy"] = "delete", ["retention.ms"] = Forever, ["max.message.bytes"] = Text(Math.Max(16 << 20, settings.LongestRecordBytes + LetterHeaders)),
            },
        };
        List<string> created = [];
        foreach (var topic in new[] { log, letters })
        {
            try
            {
                await admin.CreateTopicsAsync([topic], new CreateTopicsOptions { RequestTimeout = Patience, OperationTimeout = Patience }).ConfigureAwait(false);
                created.Add(topic.Name);
            }
            catch (CreateTopicsException error) when (error.Results.TrueForAll(static result => result.Error.Code == ErrorCode.TopicAlreadyExists))
            {
                // As wanted; its settings are checked, not changed.
            }
        }
        await BecomeKnownAsync(created).ConfigureAwait(false);
        return created;
    }

    /// <summary>A broker may answer for a while that it does not know what was created.</summary>
    private async Task BecomeKnownAsync(IReadOnlyList<string> created)
    {
        for (var left = Patience; left > TimeSpan.Zero && created.Any(topic => CountOf(topic) == 0); left -= Look) await Task.Delay(Look).ConfigureAwait(false);
    }

    /// <summary>Looks at the topic and that of its dead letters.</summary>
    /// <exception cref="KafkaException">The broker does not answer.</exception>
    public async Task<TopicFindings> CheckAsync()
    {
        List<string> refusals = [];
        List<string> warnings = [];
        var partitions = CountOf(settings.Topic);
        if (partitions == 0)
            return new TopicFindings(0, 0, [$"the topic '{settings.Topic}' does not exist: create it with 'processor topics create'"], []);
        var letters = CountOf(settings.DeadLetterTopic);
        if (letters == 0)
            refusals.Add($"the topic '{settings.DeadLetterTopic}', for what cannot be folded, does not exist: create it with 'processor topics create'");
        var configs = await ConfigsAsync(settings.Topic).ConfigureAwait(false);
        if (configs.GetValueOrDefault("cleanup.policy") is { } policy && policy != "delete")
            refusals.Add($"cleanup.policy of '{settings.Topic}' is '{policy}': compaction drops events that counts depend on; set it to 'delete'");
        if (configs.GetValueOrDefault("message.timestamp.type") is { } type && type != "LogAppendTime")
            warnings.Add($"message.timestamp.type of '{settings.Topic}' is '{type}': the time of a record is its producer's word; set it to 'LogAppendTime'");
        if (Number(configs, "max.message.bytes") is { } most && most < settings.MaxRecordBytes)
            warnings.Add($"max.message.bytes of '{settings.Topic}' is {most}, below Ingest__MaxEventBytes: such events are answered with an error");
        var kept = Number(configs, "retention.ms") is >= 0 and { } ms ? TimeSpan.FromMilliseconds(Math.Min(ms, TimeSpan.MaxValue.TotalMilliseconds / 2)) : (TimeSpan?)null;
        if (kept is not null)
            warnings.Add($"'{settings.Topic}' keeps its records for {kept}: a new lineage cannot be computed from a log whose beginning is gone");
        if (Number(configs, "retention.bytes") is >= 0 and { } bytes)
            warnings.Add($"'{settings.Topic}' keeps {bytes:N0} bytes of a partition: a burst of events drops records before they are kept, and no lineage can be computed anew; set retention.bytes to -1");
        return new TopicFindings(partitions, letters, refusals, warnings, kept);
    }

    /// <summary>Closes the client.</summary>
    public void Dispose() => admin.Dispose();

    private int CountOf(string topic)
    {
        var found = admin.GetMetadata(topic, Patience).Topics.Find(one => one.Topic == topic);
        if (found is null || found.Error.Code is ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic) return 0;
        if (found.Error.IsError) throw new KafkaException(found.Error);
        return found.Partitions.Count;
    }

    private async Task<Dictionary<string, string>> ConfigsAsync(string topic)
    {
        var described = await admin.DescribeConfigsAsync(
            [new ConfigResource { Type = ResourceType.Topic, Name = topic }], new DescribeConfigsOptions { RequestTimeout = Patience }).ConfigureAwait(false);
        return described[0].Entries.Values.Where(static entry => entry.Value is not null).ToDictionary(static entry => entry.Name, static entry => entry.Value);
    }

    private static long? Number(Dictionary<string, string> configs, string name) =>
        long.TryParse(configs.GetValueOrDefault(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
