using ReadStateStream.Benchmarks.Traces;
using ReadStateStream.Partition;

namespace ReadStateStream.Benchmarks.Subjects;

/// <summary>Something that takes events and is measured. One thread.</summary>
internal interface ISubject : IDisposable
{
    /// <summary>Applies a run of a trace's events; the runs follow each other without gap.</summary>
    void Apply(EventTrace trace, int first, int count);
}

/// <summary>A subject that is a partition of the product.</summary>
internal interface IPartitionSubject : ISubject
{
    /// <summary>The partition; whoever steps it is its writer.</summary>
    StatePartition Partition { get; }
}

/// <summary>Takes events and does nothing: what is measured then is the machine and the driver.</summary>
internal sealed class IdleSubject : ISubject
{
    public void Apply(EventTrace trace, int first, int count)
    {
    }

    public void Dispose()
    {
    }
}
