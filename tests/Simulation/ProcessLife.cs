namespace ReadStateStream.Simulation;

/// <summary>
/// Whether a process lives. It dies between two steps, at a disk operation or at a named step; from there on nothing
/// it does has an effect any more (its code runs on to the end of the step: what it does is a ghost's).
/// </summary>
internal sealed class ProcessLife
{
    private int operations = -1;
    private bool onlyInSnapshots;
    private string? step;

    public bool IsDead { get; private set; }

    /// <summary>What it died of.</summary>
    public string Cause { get; private set; } = "";

    /// <summary>Something is armed that will kill it.</summary>
    public bool IsDoomed => !IsDead && (operations > 0 || step is not null);

    public void Kill(string cause)
    {
        if (IsDead) return;
        IsDead = true;
        Cause = cause;
    }

    /// <summary>It dies in its so many-th disk operation from now, of all or of those in the snapshot folder.</summary>
    public void KillInOperation(int number, bool inSnapshots = false) => (operations, onlyInSnapshots) = (number, inSnapshots);

    /// <summary>It dies when it next reaches this named step.</summary>
    public void KillAtStep(string name) => step = name;

    /// <summary>Counts a disk operation: true where it dies in it.</summary>
    public bool DiesInOperation(string verb, bool inSnapshots)
    {
        if (IsDead || operations < 0 || (onlyInSnapshots && !inSnapshots) || --operations > 0) return false;
        Kill((inSnapshots ? "in snapshot folder " : "in disk ") + verb);
        return true;
    }

    /// <summary>It reached a named step.</summary>
    public void Reach(string name)
    {
        if (!IsDead && name == step) Kill("at " + name);
    }
}
