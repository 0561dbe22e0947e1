namespace ReadStateStream.Simulation;

/// <summary>
/// Whether a process lives. It dies between two steps, at a disk operation or at a named step; from there on nothing
/// it does has an effect any more (its code runs on to the end of the step: what it does is a ghost's).
/// </summary>
internal sealed class ProcessLife
{
    private int operations = -1;
    private int steps = -1;

    public bool IsDead { get; private set; }

    /// <summary>What it died of.</summary>
    public string Cause { get; private set; } = "";

    /// <summary>Something is armed that will kill it.</summary>
    public bool IsDoomed => !IsDead && (operations > 0 || steps > 0);

    public void Kill(string cause)
    {
        if (IsDead) return;
        IsDead = true;
        Cause = cause;
    }

    /// <summary>It dies in its so many-th disk operation from now.</summary>
    public void KillInOperation(int number) => operations = number;

    /// <summary>It dies at the so many-th named step from now.</summary>
    public void KillAtStep(int number) => steps = number;

    /// <summary>Counts a disk operation: true where it dies in it.</summary>
    public bool DiesInOperation(string verb)
    {
        if (IsDead || operations < 0 || --operations > 0) return false;
        Kill("in disk " + verb);
        return true;
    }

    /// <summary>Counts a named step.</summary>
    public void Reach(string step)
    {
        if (IsDead || steps < 0 || --steps > 0) return;
        Kill("at " + step);
    }
}
