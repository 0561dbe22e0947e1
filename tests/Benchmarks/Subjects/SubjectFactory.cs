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

    /// <summary>Makes a subject that takes this many states; ArgumentException where the name is unknown.</summary>
    public static ISubject Create(string name, Settings settings) => name switch
    {
        Idle => new IdleSubject(),
        Decode => new DecodeSubject(),
        Bare => new BareFasterSubject(settings.LogMemoryBits, Settings.LogPageBits, settings.IndexBuckets),
        Heap => new HeapSubject(),
        Store or Served => new StoreSubject(settings),
        _ => throw new ArgumentException($"no subject is called {name}", nameof(name)),
    };
}
