using System.ComponentModel.DataAnnotations;
using ReadStateStream.Snapshot;

namespace ReadStateStream.QueryApi.Settings;

/// <summary>Section <c>Snapshot</c>: whence partitions without an owner are answered.</summary>
internal sealed class SnapshotOptions
{
    public const string Section = "Snapshot";
    public const string None = "none";
    public const string Files = "files";

    /// <summary><c>none</c>: they are not answered (503). <c>files</c>: from the folder that the processors ship to.</summary>
    public string Store { get; set; } = None;

    /// <summary>Folder of the <c>files</c> store, only read here. It may appear later.</summary>
    public string? Folder { get; set; }

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

    /// <summary>Whether partitions without an owner are answered.</summary>
    internal bool Enabled => Store != None;

    /// <summary>Settings that contradict, each with its name and range.</summary>
    public IEnumerable<string> Errors()
    {
        if (Store is not (None or Files)) yield return $"Snapshot__Store must be {None} or {Files} (it is '{Store}')";
        if (Store == Files && string.IsNullOrWhiteSpace(Folder)) yield return "Snapshot__Folder must name the folder of the files store";
        if (Store == None && Folder is not null) yield return $"Snapshot__Folder has no effect without Snapshot__Store={Files}: leave it out";
        if (Lineage is > 0 and < (int)LineageEntry.FirstNumber)
            yield return $"Snapshot__Lineage must be 0 or {LineageEntry.FirstNumber} .. {LineageEntry.LastNumber} (it is {Lineage})";
    }
}
