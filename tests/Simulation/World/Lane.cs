using ReadStateStream.Simulation.Disk;
using ReadStateStream.Simulation.Snapshots;

namespace ReadStateStream.Simulation.World;

/// <summary>One partition of a run: its log, the machine of its owner, and what must not be lost of it.</summary>
internal sealed class Lane(int number, SimulatedLog log, SimulatedDisk machine)
{
    public int Number => number;

    public SimulatedLog Log => log;

    public SimulatedDisk Machine { get; set; } = machine;

    public Owner? Owner { get; set; }

    /// <summary>An owner of before that is still alive: it was paused, and does not know that there is another.</summary>
    public Owner? Zombie { get; set; }

    public long Lineage { get; set; }

    /// <summary>Position of the newest checkpoint said to be durable on this machine.</summary>
    public long Checkpointed { get; set; }

    /// <summary>And of the one before.</summary>
    public long PreviousCheckpoint { get; set; }

    /// <summary>Position that the snapshot store was said to have acknowledged.</summary>
    public long Shipped { get; set; }

    /// <summary>The same by a zombie while the new owner recovered: that one may have asked before.</summary>
    private long shippedMeanwhile;

    /// <summary>The greatest position that any owner reached in this lineage.</summary>
    public long Furthest { get; private set; }

    /// <summary>The disk was made to give back something else than was written: damage may be reported.</summary>
    public bool IsDamaged { get; set; }

    /// <summary>Only the newest manifest was damaged: the checkpoint before has all it needs.</summary>
    public bool IsNewestSpoilt { get; set; }

    /// <summary>The snapshot store's folder was.</summary>
    public bool IsSnapshotDamaged { get; set; }

    /// <summary>The snapshot store said that it fell back.</summary>
    public bool IsSnapshotNoticed { get; set; }

    /// <summary>A recovery said, since the last one that succeeded, that it passed a candidate over.</summary>
    public bool IsPassedOverSaid { get; set; }

    /// <summary>A machine with all its files is gone.</summary>
    public bool IsMachineLost { get; private set; }

    /// <summary>The log was cut back since the last recovery.</summary>
    public bool IsForked { get; set; }

    /// <summary>Why the next recovery must be refused; null: it must not.</summary>
    public string? MustRefuse { get; set; }

    /// <summary>It may be refused: what the judge would need to know is damaged too.</summary>
    public bool MayRefuse { get; set; }

    /// <summary>Rows of the snapshot store as they were at some times of this lineage and history.</summary>
    public List<SnapshotImage> Images { get; } = [];

    public Exception? LastFailure { get; set; }

    public int Crashes { get; set; }

    /// <summary>Offsets of records that could not be folded and are not yet resolved.</summary>
    public List<long> Letters { get; } = [];

    public void NoteReached(long position) => Furthest = Math.Max(Furthest, position);

    /// <summary>The snapshot store acknowledged a position.</summary>
    public void NoteShipped(Owner by, long position)
    {
        if (by != Owner && Owner is { Persistence: null }) shippedMeanwhile = Math.Max(shippedMeanwhile, position);
        else Shipped = Math.Max(Shipped, position);
    }

    /// <summary>Whoever asks from now on is told of all that was acknowledged.</summary>
    public void CountsAllShipped()
    {
        Shipped = Math.Max(Shipped, shippedMeanwhile);
        shippedMeanwhile = 0;
    }

    /// <summary>The owner's files are no more: there is another machine.</summary>
    public void LosesMachine()
    {
        Checkpointed = PreviousCheckpoint = 0;
        IsMachineLost = true;
        IsDamaged = IsNewestSpoilt = false;
    }

    /// <summary>A refusal was resolved: by a new lineage, or by putting the log back.</summary>
    public void BeginAnew(bool isNewLineage)
    {
        MustRefuse = null;
        MayRefuse = false;
        LastFailure = null;
        if (!isNewLineage) return;
        IsForked = false;
        Images.Clear();
        Checkpointed = PreviousCheckpoint = Shipped = shippedMeanwhile = Furthest = 0;
    }
}
