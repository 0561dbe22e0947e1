using System.Globalization;
using ReadStateStream.Partition.Checkpoint;

namespace ReadStateStream.Host.Persistence;

/// <summary>
/// Stops the process at a named step, as kill -9 would, where a test asks for it by READSTATE_KILL_AT=step[:times].
/// Without that variable there is nothing to reach.
/// </summary>
public sealed class FaultPoints : IFaultPoints
{
    private const string Variable = "READSTATE_KILL_AT";

    private readonly string step;
    private int left;

    private FaultPoints(string step, int times)
    {
        this.step = step;
        left = times;
    }

    /// <summary>What the environment asks for: nothing, as a rule.</summary>
    public static IFaultPoints FromEnvironment()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } asked) return NoFaultPoints.Instance;
        var parts = asked.Split(':');
        return new FaultPoints(parts[0], parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 1);
    }

    public void Reach(string step)
    {
        // The way out that runs nothing: no finally, no handler, no flush of what a graceful end would still write.
        if (step == this.step && Interlocked.Decrement(ref left) == 0) System.Diagnostics.Process.GetCurrentProcess().Kill();
    }
}
