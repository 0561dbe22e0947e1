using System.ComponentModel.DataAnnotations;
using ReadStateStream.Snapshot;

namespace ReadStateStream.QueryApi.Settings;

/// <summary>How answers are read from the snapshot store; the store itself is <see cref="SnapshotOptions"/>, as the processor has it.</summary>
internal sealed class SnapshotReadOptions
{
    public const string Section = "SnapshotReads";

    /// <summary>The lineage to answer from while no processor names one; 0: the one named last, else the newest.</summary>
    [Range(0, (int)LineageEntry.LastNumber)]
    public int Lineage { get; set; }

    /// <summary>Questions answered from the snapshot at the same time.</summary>
    [Range(1, 10_000)]
    public int ConcurrencyMax { get; set; } = 16;

    /// <summary>Questions that wait for their turn before others get 503.</summary>
    [Range(0, 100_000)]
    public int QueueMax { get; set; } = 1_024;

    /// <summary>Reads of the store at the same time, for one question.</summary>
    [Range(1, 1_000)]
    public int ReadsMax { get; set; } = 8;

    /// <summary>Rows read for one question; more get 503.</summary>
    [Range(100, 10_000_000)]
    public int RowsMax { get; set; } = 50_000;

    /// <summary>Longest time for one read, ms.</summary>
    [Range(10, 60_000)]
    public int ReadTimeoutMs { get; set; } = 2_000;

    /// <summary>Settings that contradict, each with its name and range.</summary>
    public IEnumerable<string> Errors()
    {
        if (Lineage is > 0 and < (int)LineageEntry.FirstNumber)
            yield return $"SnapshotReads__Lineage must be 0 or {LineageEntry.FirstNumber} .. {LineageEntry.LastNumber} (it is {Lineage})";
    }
}
