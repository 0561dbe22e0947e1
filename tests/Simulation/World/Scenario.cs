using ReadStateStream.Partition.Checkpoint;
using ReadStateStream.Partition.Store;
using ReadStateStream.Unit.Generators;
using ReadStateStream.Unit.Partition;

namespace ReadStateStream.Simulation.World;

/// <summary>Which snapshot store a run has.</summary>
internal enum SnapshotKind { None, Files, Memory }

/// <summary>What a seed decides before anything happens.</summary>
internal sealed class Scenario
{
    public Scenario(int seed, int events)
    {
        Seed = seed;
        var random = new Random(seed);
        Events = events;
        var logs = random.Next(4, 13);
        Logs = new InterleavedLogs(seed * 16, logs, Math.Min(1_000, (events * 108 / 100 / logs) + 20));
        Partitions = random.Chance(0.25) ? 2 : 1;
        Snapshots = random.Next(10) switch { < 2 => SnapshotKind.None, < 6 => SnapshotKind.Files, _ => SnapshotKind.Memory };
        IsSharedMachine = random.Chance(0.7);
        Crashes = random.Next(3, 7);
        var pageBits = random.Next(10) switch { < 6 => 12, < 9 => 13, _ => 16 };
        var pages = 1L << random.Next(4, pageBits == 16 ? 5 : 7);
        var mutable = random.Pick([0.3, 0.5, 0.5, 0.7, 0.9]);
        Store = new StoreOptions
        {
            PageBytes = 1 << pageBits, LogMemoryBytes = pages << pageBits, IndexBytes = 4 << random.Next(10, 13),
            SegmentBytes = 1L << random.Next(Math.Max(13, pageBits), pageBits + 6), MutableFraction = mutable,
        };
        IsHeld = random.Chance(0.7);
        HeldWriteBytes = random.Chance(0.3) ? 0 : Math.Max(0, ((long)(pages * (1 - mutable)) - 3) << pageBits);
        DeviceAttempts = random.Next(1, 4);
        OpenSegments = random.Next(2, 9);
        Checkpoints = new CheckpointOptions
        {
            IntervalSeconds = random.Next(1, 20), IntervalBytes = 4L << random.Next(10, 17), DeadlineSeconds = random.Next(2, 30),
            GarbageRatio = random.Pick([0.1, 0.3, 1.0, 3.0]), GarbageBytes = random.Pick([8L << 10, 32L << 10, 64L << 10]),
            // Of its own, so that what else a seed decides stays as it was.
            ImageRatio = new Random(seed ^ 0x1A6E).Pick([0.01, 0.1, 0.5, 1_000]),
        };
        GarbageRecords = random.Chance(0.5) ? 0.02 : 0;
        Faultiness = random.Pick([0.0, 0.3, 1.0, 1.0, 2.0, 2.0]);
        HasForks = random.Chance(0.15);
        HasOvercuts = random.Chance(0.08);
        HasRetention = random.Chance(0.15);
        DropsLineage = random.Chance(0.1);
        HasSecondOwners = random.Chance(0.35);
        LosesMachines = random.Chance(0.25);
    }

    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"seed {Seed}: {Partitions} partitions, snapshots {Snapshots}, pages {Store.LogMemoryBytes / Store.PageBytes} x {Store.PageBytes}, " +
        $"segments {Store.SegmentBytes}, index {Store.IndexBytes}, mutable {Store.MutableFraction}, held {IsHeld} {HeldWriteBytes}, " +
        $"interval {Checkpoints.IntervalSeconds} s {Checkpoints.IntervalBytes}, garbage {Checkpoints.GarbageRatio} {Checkpoints.GarbageBytes}, images {Checkpoints.ImageRatio}, " +
        $"faultiness {Faultiness}, {Logs.Logs.Count} logs, {Logs.Policy}");

    public int Seed { get; }
    public int Events { get; }
    public InterleavedLogs Logs { get; }
    public int Partitions { get; }
    public SnapshotKind Snapshots { get; }

    /// <summary>The snapshot folder lies on the machine: a power cut is one for both.</summary>
    public bool IsSharedMachine { get; }

    public int Crashes { get; }
    public StoreOptions Store { get; }
    public bool IsHeld { get; }
    public long HeldWriteBytes { get; }
    public int DeviceAttempts { get; }
    public int OpenSegments { get; }
    public CheckpointOptions Checkpoints { get; }

    /// <summary>Share of records that cannot be folded.</summary>
    public double GarbageRecords { get; }

    /// <summary>Faults, as a multiple of the usual.</summary>
    public double Faultiness { get; }

    public bool HasForks { get; }
    public bool HasOvercuts { get; }
    public bool HasRetention { get; }
    public bool DropsLineage { get; }
    public bool HasSecondOwners { get; }
    public bool LosesMachines { get; }
}
