using FASTER.core;
using ReadStateStream.Benchmarks.Processes;
using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Fold;
using ReadStateStream.Partition.Decode;
using ReadStateStream.Partition.Store;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>
/// The product's own path of one partition: decode, contract, fold, store; in the batches of its writer. All in
/// memory, as the baselines are: it fails where a record left memory.
/// </summary>
internal sealed class StoreSubject : ISubject
{
    /// <summary>Twice the window, so that old blocks have left.</summary>
    private const int BusyMessages = 20_000;

    private readonly long indexBytes;
    private readonly StateStore store;
    private readonly Aggregates aggregates;
    private readonly FactLists lists = new();
    private readonly Fact[] facts = new Fact[Settings.BatchMax];

    public StoreSubject(Settings settings)
    {
        var options = new StoreOptions
        {
            LogMemoryBytes = 1L << settings.LogMemoryBits,
            PageBytes = 1 << Settings.LogPageBits,
            IndexBytes = settings.IndexBuckets * 64,
        };
        indexBytes = options.IndexBytes;
        var policy = StoredPolicy.From(new PolicyOptions());
        store = new StateStore(options, policy, new NullDevice()) { Lists = lists };
        aggregates = new Aggregates(store, policy);
    }

    /// <summary>The store, for its figures.</summary>
    public StateStore Store => store;

    /// <summary>Fills a busy and a small channel and measures the records of all.</summary>
    public Figures MeasureSizes(Population population, TraceGenerator generator, EventTrace trace)
    {
        var busy = 0;
        var small = population.Channels - 1;
        generator.Messages(trace, busy, BusyMessages);
        for (var first = 0; first < trace.Count; first += Settings.BatchMax) Apply(trace, first, Math.Min(Settings.BatchMax, trace.Count - first));
        store.Enter();
        var sizes = new StoreSizes(store, population).Measure(busy, small);
        store.Exit();
        return sizes with { IndexBytesARecord = (double)indexBytes / sizes.Records };
    }

    public void Apply(EventTrace trace, int first, int count)
    {
        lists.Clear();
        for (var i = 0; i < count; i++)
        {
            ref var fact = ref facts[i];
            fact.Offset = trace.FirstOffset + first + i;
            if (!FactDecoder.TryDecode(trace[first + i], ref fact, lists, out var error)) throw new InvalidDataException(error.Describe());
            error = FactContract.Check(fact, lists);
            if (error != DecodeError.None) throw new InvalidDataException(error.Describe());
        }
        store.Enter();
        for (var i = 0; i < count; i++) aggregates.Apply(facts[i], lists);
        store.Exit();
        if (store.HasRecordsOnDisk) throw new InvalidOperationException("the log is too small: a record left memory");
    }

    public void Dispose() => store.Dispose();
}
