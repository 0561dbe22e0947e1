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

    /// <summary>Whether partitions without an owner are answered.</summary>
    internal bool Enabled => Store != None;

    /// <summary>Settings that contradict, each with its name and range.</summary>
    public IEnumerable<string> Errors()
    {
        if (Store is not (None or Files)) yield return $"Snapshot__Store must be {None} or {Files} (it is '{Store}')";
        if (Store == Files && string.IsNullOrWhiteSpace(Folder)) yield return "Snapshot__Folder must name the folder of the files store";
        if (Store == None && Folder is not null) yield return $"Snapshot__Folder has no effect without Snapshot__Store={Files}: leave it out";
    }
}
