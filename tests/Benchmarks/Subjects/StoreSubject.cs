using FASTER.core;
using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Fold;
using ReadStateStream.Partition;
using ReadStateStream.Partition.Store;
using ReadStateStream.Schemas.V1;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>
/// The product's own path of one partition: read the log, decode, check, fold, store, in the batches of its
/// writer; the log is the trace. All in memory, as the baselines are: it fails where a record left memory.
/// </summary>
internal sealed class StoreSubject : IPartitionSubject
{
    /// <summary>Twice the window, so that old blocks have left.</summary>
    private const int BusyMessages = 20_000;

    private const long EventIdEpochUnixMs = 1_420_070_400_000;

    private readonly long indexBytes;
    private readonly StateStore store;
    private readonly TraceLog log = new();

    public StoreSubject(Settings settings)
    {
        var options = settings.Store;
        indexBytes = options.IndexBytes;
        var policy = new PolicyOptions();
        store = new StateStore(options, StoredPolicy.From(policy), new NullDevice());
        Partition = new StatePartition(new PartitionSettings(0, 1, policy, EventIdEpochUnixMs, Settings.MaxAheadMs, TimeProvider.System), log, store);
    }

    public StatePartition Partition { get; }

    /// <summary>The log, to be grown.</summary>
    public TraceLog Log => log;

    public void Apply(EventTrace trace, int first, int count)
    {
        var end = trace.FirstOffset + first + count;
        log.GrowTo(trace, first + count);
        while (Partition.Position < end && Partition.State != PartitionState.Failed) Partition.Step();
        Check();
    }

    /// <summary>Fails where the partition did, or could not fold an event, or a record left memory.</summary>
    public void Check()
    {
        if (Partition.State == PartitionState.Failed) throw new InvalidOperationException("the partition failed", Partition.Failure);
        if (Partition.DeadLetters != 0) throw new InvalidOperationException($"{Partition.DeadLetters} events of the trace are no events");
        if (store.HasRecordsOnDisk) throw new InvalidOperationException("the log is too small: a record left memory");
    }

    /// <summary>Fills a busy and a small channel and measures the records of all.</summary>
    public Figures MeasureSizes(Population population, TraceGenerator generator, EventTrace trace)
    {
        var busy = 0;
        var small = population.Channels - 1;
        generator.Messages(trace, busy, BusyMessages);
        Apply(trace, 0, trace.Count);
        store.Enter();
        var sizes = new StoreSizes(store, population).Measure(busy, small);
        store.Exit();
        return sizes with { IndexBytesARecord = (double)indexBytes / sizes.Records };
    }

    public void Dispose() => Partition.Dispose();
}
