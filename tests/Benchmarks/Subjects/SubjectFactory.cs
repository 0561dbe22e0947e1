using ReadStateStream.Benchmarks.Durable;
using ReadStateStream.Partition.Checkpoint;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>The names under which subjects run in processes of their own.</summary>
internal static class SubjectFactory
{
    public const string Idle = "idle";
    public const string Decode = "decode";
    public const string Bare = "bare";
    public const string Heap = "heap";
    public const string Store = "store";

    /// <summary>The store again, stepped by its own thread while a client asks.</summary>
    public const string Served = "served";

    /// <summary>
    /// A store on the disk of which no checkpoint is taken: the baseline of the next two. Without checkpoints nothing is
    /// compacted, so all three have twice the memory: its states are not to leave for the disk, which would flatter them. And
    /// they have it from the beginning: whichever writes more would wait longer for memory that is new to the system.
    /// </summary>
    public const string Unsaved = "unsaved";

    /// <summary>Checkpoints and ships as the processor has them by default.</summary>
    public const string Saved = "saved";

    /// <summary>A checkpoint each second, its ship spread to the next: one is always under way.</summary>
    public const string Saving = "saving";

    private const int PartitionsOfProcessor = 8;

    /// <summary>Makes a subject that takes this many states; ArgumentException where the name is unknown.</summary>
    public static ISubject Create(string name, Settings settings) => name switch
    {
        Idle => new IdleSubject(),
        Decode => new DecodeSubject(),
        Bare => new BareFasterSubject(settings.LogMemoryBits, Settings.LogPageBits, settings.IndexBuckets),
        Heap => new HeapSubject(),
        Store or Served => new StoreSubject(settings),
        Unsaved => new DurableSubject(OfLongRun(settings), options: null),
        Saved => new DurableSubject(OfLongRun(settings), OfAll(new CheckpointOptions())),
        Saving => new DurableSubject(OfLongRun(settings), OfAll(new CheckpointOptions { IntervalSeconds = 1 })),
        _ => throw new ArgumentException($"no subject is called {name}", nameof(name)),
    };

    private static Settings OfLongRun(Settings settings) => settings with { MemoryFactor = 2, Preallocate = true };

    /// <summary>The one partition here has the states and the traffic that a processor divides among its eight.</summary>
    private static CheckpointOptions OfAll(CheckpointOptions options)
    {
        options.IntervalBytes *= PartitionsOfProcessor;
        options.GarbageBytes *= PartitionsOfProcessor;
        return options;
    }
}
