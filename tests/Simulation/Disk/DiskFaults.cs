namespace ReadStateStream.Simulation.Disk;

/// <summary>What a process asks of a disk.</summary>
internal enum DiskVerb { Open, Read, Write, Sync, Rename, Delete, List, SyncFolder }

/// <summary>Errors that a disk is about to give, and how much room it has.</summary>
internal sealed class DiskFaults
{
    private readonly int[] left = new int[Enum.GetValues<DiskVerb>().Length];

    /// <summary>Bytes that fit; beyond it: the disk is full.</summary>
    public long Capacity { get; set; } = long.MaxValue;

    /// <summary>The next so many calls of this kind fail.</summary>
    public void Arm(DiskVerb verb, int times) => left[(int)verb] = times;

    /// <summary>No error, and room for all.</summary>
    public void Clear()
    {
        Array.Clear(left);
        Capacity = long.MaxValue;
    }

    /// <summary>Whether any error is still to come.</summary>
    public bool IsArmed => Capacity != long.MaxValue || left.Any(static n => n > 0);

    /// <summary>Takes one error where one is armed.</summary>
    public bool Take(DiskVerb verb)
    {
        if (left[(int)verb] == 0) return false;
        left[(int)verb]--;
        return true;
    }
}
