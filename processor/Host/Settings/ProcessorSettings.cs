using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ReadStateStream.Fold;
using ReadStateStream.Host.Ingest;
using ReadStateStream.Host.Observability;
using ReadStateStream.Host.PartitionQueries;
using ReadStateStream.Host.Persistence;
using ReadStateStream.Kafka;
using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Host.Settings;

/// <summary>Every section of the configuration, bound and checked before anything starts.</summary>
public sealed class ProcessorSettings
{
    private readonly List<string> wrong = [];
    private readonly List<Action<IServiceCollection>> registrations = [];
    private readonly IConfiguration configuration;

    /// <summary>Reads all sections; one SettingException names everything that is wrong in any of them.</summary>
    public ProcessorSettings(IConfiguration configuration)
    {
        this.configuration = configuration;
        Processor = Read<ProcessorOptions>("Processor");
        EventIds = Read<EventIdOptions>("EventIds");
        Policy = Read<PolicyOptions>("Policy");
        Store = Read<StoreOptions>("Store");
        Checkpoint = Read<CheckpointOptions>("Checkpoint");
        Snapshot = Read<SnapshotOptions>("Snapshot");
        Kafka = Read<KafkaOptions>("Kafka");
        Ingest = Read<IngestOptions>("Ingest");
        Query = Read<QueryOptions>("Query");
        Telemetry = Read<TelemetryOptions>("Telemetry");
        IngestAddress = Address(Ingest.Url, "Ingest__Url");
        QueryAddress = Address(Query.Url, "Query__Url");
        PartitionStore = Share();
        if (wrong.Count > 0) throw new SettingException(string.Join(Environment.NewLine, wrong));
    }

    /// <summary>Section <c>Processor</c>.</summary>
    public ProcessorOptions Processor { get; }
    /// <summary>Section <c>EventIds</c>.</summary>
    public EventIdOptions EventIds { get; }
    /// <summary>Section <c>Policy</c>.</summary>
    public PolicyOptions Policy { get; }
    /// <summary>Section <c>Store</c>: of all partitions together.</summary>
    public StoreOptions Store { get; }
    /// <summary>One partition's share of <see cref="Store"/>.</summary>
    public StoreOptions PartitionStore { get; }
    /// <summary>Section <c>Checkpoint</c>.</summary>
    public CheckpointOptions Checkpoint { get; }
    /// <summary>Section <c>Snapshot</c>.</summary>
    public SnapshotOptions Snapshot { get; }
    /// <summary>Section <c>Kafka</c>.</summary>
    public KafkaOptions Kafka { get; }
    /// <summary>Section <c>Ingest</c>.</summary>
    public IngestOptions Ingest { get; }
    /// <summary>Section <c>Query</c>.</summary>
    public QueryOptions Query { get; }
    /// <summary>Section <c>Telemetry</c>.</summary>
    public TelemetryOptions Telemetry { get; }
    /// <summary>Where ingest listens.</summary>
    public ListenAddress IngestAddress { get; }
    /// <summary>Where the partition query listens.</summary>
    public ListenAddress QueryAddress { get; }

    /// <summary>Makes each options object a service, plain and as IOptions.</summary>
    public void Register(IServiceCollection services)
    {
        services.TryAddSingleton(this);
        foreach (var register in registrations) register(services);
    }

    private StoreOptions Share()
    {
        try
        {
            return Store.Share(Processor.Partitions);
        }
        catch (ArgumentException refused)
        {
            wrong.Add(refused.Message);
            return Store;
        }
    }

    private T Read<T>(string section) where T : class, new()
    {
        var options = new T();
        try
        {
            options = BoundSection.Read<T>(configuration.GetSection(section));
        }
        catch (SettingException refused)
        {
            wrong.Add(refused.Message);
        }
        registrations.Add(services =>
        {
            services.TryAddSingleton(options);
            services.TryAddSingleton(Options.Create(options));
        });
        return options;
    }

    private ListenAddress Address(string url, string setting)
    {
        try
        {
            return ListenAddress.Parse(url, setting);
        }
        catch (SettingException refused)
        {
            wrong.Add(refused.Message);
            return default;
        }
    }
}
