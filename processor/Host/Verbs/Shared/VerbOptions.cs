using System.CommandLine;
using ReadStateStream.Host.Settings;

namespace ReadStateStream.Host.Verbs.Shared;

/// <summary>Options that several verbs have.</summary>
internal static class VerbOptions
{
    /// <summary><c>--json</c>.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Machine-readable output: JSON." };

    /// <summary><c>--partition</c>.</summary>
    public static Option<int?> Partition(bool required = false) => new("--partition")
    {
        Description = required ? "Number of the partition." : "Only this partition.", HelpName = "N", Required = required,
    };

    /// <summary><c>--lineage</c>.</summary>
    public static Option<long?> Lineage(string description) => new("--lineage") { Description = description, HelpName = "N" };

    /// <summary>The partition asked for, or all of the topic.</summary>
    /// <exception cref="SettingException">There is no such partition.</exception>
    public static IEnumerable<int> PartitionsOf(ProcessorSettings settings, int? asked)
    {
        var count = settings.Processor.Partitions;
        if (asked is not { } one) return Enumerable.Range(0, count);
        if (one < 0 || one >= count) throw new SettingException($"--partition must be 0 .. {count - 1} (Processor__Partitions={count}); it is {one}");
        return [one];
    }
}
