namespace ReadStateStream.Partition.Checkpoint;

/// <summary>
/// Named steps of what must survive a crash. In production nothing listens; a test that switches them on stops the
/// process there (kill -9), or throws.
/// </summary>
public interface IFaultPoints
{
    /// <summary>Reached on the way; the name is one of <see cref="FaultSteps.All"/>.</summary>
    void Reach(string step);
}

/// <summary>Nobody listens.</summary>
public sealed class NoFaultPoints : IFaultPoints
{
    /// <summary>The only one there is.</summary>
    public static NoFaultPoints Instance { get; } = new();

    public void Reach(string step)
    {
    }
}
