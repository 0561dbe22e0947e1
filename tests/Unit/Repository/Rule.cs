using System.Text.RegularExpressions;

namespace ReadStateStream.Unit.Repository;

/// <summary>A rule of this repository: which files it concerns, and what in them breaks it.</summary>
internal sealed record Rule(string Name, Func<SourceFile, bool> Concerns, Func<SourceFile, IEnumerable<string>> Breaches)
{
    private const int LinesMax = 499;

    // Patterns are put together from parts where this file would otherwise break the rule itself.
    private static readonly Regex BannedName = new(@"(Manager|Helpers?|Utils?|Common)(?![a-z])");
    private static readonly Regex TypeName = new(@"\b(?:class|struct|record|interface|enum|delegate \w+)\s+(?:class\s+|struct\s+)?(?<name>[A-Z]\w*)");
    private static readonly Regex MachinePath = new(@"(?<![\w.$}~*-])/(?:" + "work|farm|root|home|Users|" + @"tmp)/[A-Za-z]");
    private static readonly Regex RegistryHost = new(
        @"https?://[^\s/""]*(?:registry|nexus|artifact|mirror|proxy)[^\s/""]*|/v3/" + @"index\.json", RegexOptions.IgnoreCase);
    private static readonly Regex Unfinished = new(@"\b(?:TO" + @"DO|FIX" + @"ME|HA" + @"CK|NotImplemented" + @"Exception)\b");
    private static readonly Regex Clock = new(@"\bDateTime(?:Offset)?\.(?:Utc)?Now\b|\bDateTime\.Today\b");
    private static readonly Regex Sleep = new(@"\bThread\." + @"Sleep\(");
    private static readonly Regex Delay = new(@"\bTask\." + @"Delay\(");
    private static readonly Regex SkippedTest = new(@"\bSk" + @"ip\s*=\s*""");

    /// <summary>What DESIGN.md's table of findings leads to: each of these loses data, hangs, or doubles the memory in 2.6.5.</summary>
    private static readonly Regex StockFaster = new(
        @"\bDevices\.CreateLogDevice\b|\b(?:Managed)?LocalStorageDevice\b|\bDeviceLogCommitCheckpointManager\b|\.Iterate\(|\.Compact<|\bCompactionType\b"
        + @"|\bReadCopyTo\b|\b(?:TryInitiate|Take)(?:Full|HybridLog|Index)Checkpoint|\bCompleteCheckpointAsync\b|\bCheckpointDir\b"
        + @"|\.Recover(?:Async)?\(\)|truncateLog: true|\.Truncate\(\)|\bTakeSnapshot");

    /// <summary>All rules that concern single files.</summary>
    public static readonly IReadOnlyList<Rule> All =
    [
        new("a file has fewer than 500 lines", f => f.IsCSharp || f.IsScript,
            f => f.Lines.Length > LinesMax + 1 ? [$"{f.Lines.Length - 1} lines"] : []),
        new("no name says Manager, Helper, Utils or Common", f => f.IsCSharp, BadNames),
        new("no path of one machine", _ => true, f => Matches(f, MachinePath)),
        new("no host of a registry", _ => true, f => Matches(f, RegistryHost)),
        new("nothing is left unfinished", f => f.IsCSharp || f.IsScript, f => Matches(f, Unfinished)),
        new("product code takes its clock from TimeProvider", f => f.IsCSharp && f.IsProduct, f => Matches(f, Clock)),
        new("nothing sleeps (a benchmark may, to keep a rate)", f => f.IsCSharp && !f.IsBenchmark, f => Matches(f, Sleep)),
        new("tests wait for completion, not for time", f => f.IsCSharp && f.IsTest && !f.IsBenchmark, f => Matches(f, Delay)),
        new("no test is skipped by name", f => f.IsCSharp && f.IsTest, f => Matches(f, SkippedTest)),
        new("FASTER: its own devices, checkpoints, truncation and recover-latest, and scans that build a second store, stay unused", f => f.IsCSharp && f.IsProduct,
            f => Matches(f, StockFaster)),
        new("a script is strict", f => f.IsScript,
            f => f.Text.StartsWith("#!/usr/bin/env bash\n", StringComparison.Ordinal) && Regex.IsMatch(f.Text, @"^set -e?uo pipefail$", RegexOptions.Multiline)
                ? [] : ["needs #!/usr/bin/env bash and set -uo pipefail"]),
        new("text ends its lines with LF, the last one too, and nothing trails", f => !f.Path.EndsWith(".sln", StringComparison.Ordinal), Whitespace),
    ];

    private static IEnumerable<string> Matches(SourceFile file, Regex pattern)
    {
        var lines = file.Lines;
        for (var i = 0; i < lines.Length; i++)
        {
            // A comment may say why something is not used.
            if (file.IsCSharp && lines[i].TrimStart().StartsWith("//", StringComparison.Ordinal) && pattern == StockFaster) continue;
            var match = pattern.Match(lines[i]);
            if (match.Success) yield return $"line {i + 1}: {match.Value}";
        }
    }

    private static IEnumerable<string> BadNames(SourceFile file)
    {
        var fileName = Path.GetFileNameWithoutExtension(file.Path);
        if (BannedName.IsMatch(fileName)) yield return $"file name {fileName}";
        foreach (Match type in TypeName.Matches(file.Text))
            if (BannedName.IsMatch(type.Groups["name"].Value)) yield return $"type {type.Groups["name"].Value}";
    }

    private static IEnumerable<string> Whitespace(SourceFile file)
    {
        if (file.Text.Contains('\r', StringComparison.Ordinal)) yield return "has CR";
        if (file.Text.Length > 0 && !file.Text.EndsWith('\n')) yield return "no newline at the end";
        var lines = file.Lines;
        for (var i = 0; i < lines.Length; i++)
            if (lines[i].Length > 0 && lines[i][^1] is ' ' or '\t') yield return $"line {i + 1}: whitespace at its end";
    }
}
